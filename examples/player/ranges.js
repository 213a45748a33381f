/** @typedef {{ start: number, end: number }} Range */

/** A sorted set of ranges; ranges that touch are merged. */
export class Ranges {
  /** @type {Range[]} */
  #ranges = []

  /** The total size of all ranges. */
  get total() {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  /**
   * Adds a range.
   *
   * @param {number} start
   * @param {number} end
   */
  add(start, end) {
    const touching = this.#ranges.filter((range) => range.start <= end && range.end >= start)
    const rest = this.#ranges.filter((range) => !touching.includes(range))
    const merged = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    }
    this.#ranges = [...rest, merged].sort((a, b) => a.start - b.start)
  }

  /** @returns {Iterator<Range>} */
  [Symbol.iterator]() {
    return this.#ranges[Symbol.iterator]()
  }
}
