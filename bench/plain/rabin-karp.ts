/**
 * The RabinKarp weak sum: a polynomial in `MULT` over the bytes, modulo 2^32. Sums are kept as signed 32-bit integers,
 * which engines need not box; `>>> 0` converts them to their form on the wire.
 *
 * @module
 */
import type { BlockFilter } from './block-filter.ts'

/** The sum of zero bytes. */
export const RABINKARP_SEED = 1

const MULT = 0x08104225
const MULT_2 = Math.imul(MULT, MULT)
const MULT_3 = Math.imul(MULT_2, MULT)
const MULT_4 = Math.imul(MULT_3, MULT)
const MULT_5 = Math.imul(MULT_4, MULT)
const MULT_6 = Math.imul(MULT_5, MULT)
const MULT_7 = Math.imul(MULT_6, MULT)
const MULT_8 = Math.imul(MULT_7, MULT)

/** The inverse of MULT modulo 2^32. */
const INVERSE = 0x98f009ad

/** The seed's contribution to every byte that leaves the window: (MULT - 1) * seed. */
const ADJUSTMENT = 0x08104224

/** Updates `sum` with `bytes[start..end)`. */
export function rabinKarpUpdate(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = sum | 0
  let i = start
  // Eight bytes per step. The multiplications do not depend on one another, unlike those of the plain loop.
  for (const last = end - 7; i < last; i += 8) {
    hash =
      (Math.imul(hash, MULT_8) +
        Math.imul(bytes[i]!, MULT_7) +
        Math.imul(bytes[i + 1]!, MULT_6) +
        Math.imul(bytes[i + 2]!, MULT_5) +
        Math.imul(bytes[i + 3]!, MULT_4) +
        Math.imul(bytes[i + 4]!, MULT_3) +
        Math.imul(bytes[i + 5]!, MULT_2) +
        Math.imul(bytes[i + 6]!, MULT) +
        bytes[i + 7]!) |
      0
  }
  for (; i < end; i++) hash = (Math.imul(hash, MULT) + bytes[i]!) | 0
  return hash
}

/** The sum of a sliding window. */
export class RabinKarpWindow {
  readonly #blockLength: number
  /** Weight of the oldest byte in the next sum of a full window: MULT to the power of the window's length. */
  readonly #blockWeight: number
  #sum: number = RABINKARP_SEED
  /** Weight of the oldest byte after one more byte has entered, for the window's current length. */
  #weight = 1

  /** Creates a window of at most `blockLength` bytes. */
  constructor(blockLength: number) {
    this.#blockLength = blockLength
    this.#blockWeight = powerOfMult(blockLength)
  }

  /** The sum, as an unsigned 32-bit integer. */
  get sum(): number {
    return this.#sum >>> 0
  }

  /** Moves the window to `bytes[start..end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#sum = rabinKarpUpdate(RABINKARP_SEED, bytes, start, end)
    this.#weight = end - start === this.#blockLength ? this.#blockWeight : powerOfMult(end - start)
  }

  /** Slides the window by one byte: `outgoing` leaves it, `incoming` enters. */
  rotate(outgoing: number, incoming: number): void {
    this.#sum = (Math.imul(this.#sum, MULT) + incoming - Math.imul(this.#weight, outgoing + ADJUSTMENT)) | 0
  }

  /** Removes the oldest byte, with no byte entering. */
  shrink(outgoing: number): void {
    this.#weight = Math.imul(this.#weight, INVERSE)
    this.#sum = (this.#sum - Math.imul(this.#weight, outgoing + ADJUSTMENT)) | 0
  }

  /**
   * Slides a full window from `start` to the first position whose sum passes `filter`, but not beyond `end`, and
   * returns its position. `bytes` must reach at least one block beyond `end`.
   *
   * A delta spends most of its time here.
   */
  scan(filter: BlockFilter, bytes: Uint8Array, start: number, end: number): number {
    const { words, wordShift, bitShift } = filter
    const blockLength = this.#blockLength
    const weight = this.#weight
    let sum = this.#sum
    let i = start
    // Four positions per step. Each sum is computed from the first one, so that the multiplications need not wait for
    // each other.
    for (const last = end - 3; i < last; i += 4) {
      const change1 = (bytes[i + blockLength]! - Math.imul(weight, bytes[i]! + ADJUSTMENT)) | 0
      const change2 =
        (Math.imul(change1, MULT) + bytes[i + 1 + blockLength]! - Math.imul(weight, bytes[i + 1]! + ADJUSTMENT)) | 0
      const change3 =
        (Math.imul(change2, MULT) + bytes[i + 2 + blockLength]! - Math.imul(weight, bytes[i + 2]! + ADJUSTMENT)) | 0
      const change4 =
        (Math.imul(change3, MULT) + bytes[i + 3 + blockLength]! - Math.imul(weight, bytes[i + 3]! + ADJUSTMENT)) | 0
      const sum1 = (Math.imul(sum, MULT) + change1) | 0
      const sum2 = (Math.imul(sum, MULT_2) + change2) | 0
      const sum3 = (Math.imul(sum, MULT_3) + change3) | 0
      const passed =
        (words[sum >>> wordShift]! >>> (sum >>> bitShift)) |
        (words[sum1 >>> wordShift]! >>> (sum1 >>> bitShift)) |
        (words[sum2 >>> wordShift]! >>> (sum2 >>> bitShift)) |
        (words[sum3 >>> wordShift]! >>> (sum3 >>> bitShift))
      // One of the four passed: the loop below finds which.
      if (passed & 1) break
      sum = (Math.imul(sum, MULT_4) + change4) | 0
    }
    while (i < end && !((words[sum >>> wordShift]! >>> (sum >>> bitShift)) & 1)) {
      sum = (Math.imul(sum, MULT) + bytes[i + blockLength]! - Math.imul(weight, bytes[i]! + ADJUSTMENT)) | 0
      i++
    }
    this.#sum = sum
    return i
  }
}

function powerOfMult(exponent: number): number {
  let power = 1
  for (let square = MULT, rest = exponent; rest > 0; rest >>>= 1) {
    if (rest & 1) power = Math.imul(power, square)
    square = Math.imul(square, square)
  }
  return power
}
