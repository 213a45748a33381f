import { BlockFilter } from './block-filter.ts'
import type { PlainSignature } from './sign.ts'

const RADIX_BITS = 11
const RADIX = 2 ** RADIX_BITS

/**
 * Finds the block with given sums.
 *
 * Blocks are sorted by weak sum, then by strong sum, and divided into buckets by the high bits of the weak sum. A
 * look-up is a binary search within one bucket. In ordinary signatures a bucket holds at most one block. In a signature
 * made to collide, a look-up still takes some twenty steps, where a hash table's chain would take millions. Of several
 * blocks with equal sums, only the first in the basis is kept, as in librsync.
 */
export class BlockIndex {
  /** Passes the weak sums of all blocks, and few others. */
  readonly filter: BlockFilter
  /** Number of kept blocks. */
  readonly size: number

  readonly #strongLength: number
  readonly #strongSums: Uint8Array
  /** Weak sums of the kept blocks, in sorted order. */
  readonly #weakSums: Uint32Array
  /** Indexes (in the signature) of the kept blocks, in sorted order. */
  readonly #blocks: Uint32Array
  readonly #bucketShift: number
  /** Where each bucket begins in the sorted order, plus one final entry for the end. */
  readonly #buckets: Uint32Array

  /** Sorts the blocks of `signature`. */
  constructor(signature: PlainSignature) {
    this.filter = new BlockFilter(signature.weakSums)
    this.#strongLength = signature.strongLength
    this.#strongSums = signature.strongSums
    const blocks = sortByWeakSum(signature.weakSums)
    this.size = this.#dropDuplicates(blocks, signature.weakSums)
    this.#blocks = this.size === blocks.length ? blocks : blocks.slice(0, this.size)
    this.#weakSums = new Uint32Array(this.size)
    for (let rank = 0; rank < this.size; rank++) this.#weakSums[rank] = signature.weakSums[this.#blocks[rank]!]!

    const bucketBits = Math.max(1, 32 - Math.clz32(this.size))
    this.#bucketShift = 32 - bucketBits
    this.#buckets = new Uint32Array(2 ** bucketBits + 1)
    for (const sum of this.#weakSums) this.#buckets[(sum >>> this.#bucketShift) + 1]!++
    for (let i = 1; i < this.#buckets.length; i++) this.#buckets[i]! += this.#buckets[i - 1]!
  }

  /** Returns the rank of the first kept block with this weak sum, or -1. Ranks are below {@linkcode size}. */
  rankOf(weakSum: number): number {
    const bucket = weakSum >>> this.#bucketShift
    const end = this.#buckets[bucket + 1]!
    let low = this.#buckets[bucket]!
    for (let high = end; low < high;) {
      const middle = (low + high) >>> 1
      if (this.#weakSums[middle]! < weakSum) low = middle + 1
      else high = middle
    }
    return low < end && this.#weakSums[low] === weakSum ? low : -1
  }

  /**
   * Returns the index (in the signature) of the block with this weak sum and a strong sum that `strongSum` begins with,
   * or -1. `rank` is that of the weak sum.
   */
  find(rank: number, strongSum: Uint8Array): number {
    const weakSum = this.#weakSums[rank]!
    const end = this.#buckets[(weakSum >>> this.#bucketShift) + 1]!
    let low = rank
    for (let high = end; low < high;) {
      const middle = (low + high) >>> 1
      const order = this.#weakSums[middle] === weakSum ? this.#compareStrong(this.#blocks[middle]!, strongSum, 0) : 1
      if (order === 0) return this.#blocks[middle]!
      if (order < 0) low = middle + 1
      else high = middle
    }
    return -1
  }

  /** Sorts each run of equal weak sums by strong sum and drops duplicates. Returns the number of blocks kept. */
  #dropDuplicates(blocks: Uint32Array, weakSums: Uint32Array): number {
    let kept = 0
    for (let start = 0, end; start < blocks.length; start = end) {
      const first = blocks[start]!
      const weakSum = weakSums[first]
      const run = kept
      blocks[kept++] = first
      for (end = start + 1; end < blocks.length && weakSums[blocks[end]!] === weakSum; end++) {
        // Unless the content is contrived, blocks with equal weak sums are identical (zeros, for example), so they
        // never reach the sort.
        if (this.#compareBlocks(first, blocks[end]!) !== 0) blocks[kept++] = blocks[end]!
      }
      if (kept - run === 1) continue
      const runBlocks = blocks.subarray(run, kept).sort((a, b) => this.#compareBlocks(a, b) || a - b)
      kept = run + 1
      for (let i = 1; i < runBlocks.length; i++) {
        const block = runBlocks[i]!
        if (this.#compareBlocks(blocks[kept - 1]!, block) !== 0) blocks[kept++] = block
      }
    }
    return kept
  }

  #compareBlocks(a: number, b: number): number {
    return this.#compareStrong(a, this.#strongSums, b * this.#strongLength)
  }

  #compareStrong(block: number, strongSums: Uint8Array, byteOffset: number): number {
    const blockOffset = block * this.#strongLength
    for (let i = 0; i < this.#strongLength; i++) {
      const difference = this.#strongSums[blockOffset + i]! - strongSums[byteOffset + i]!
      if (difference !== 0) return difference
    }
    return 0
  }
}

/**
 * Returns the indexes of the weak sums in ascending order; equal sums keep their order. A least-significant-digit radix
 * sort.
 */
function sortByWeakSum(weakSums: Uint32Array): Uint32Array {
  let from = new Uint32Array(weakSums.length)
  let to = new Uint32Array(weakSums.length)
  for (let i = 0; i < from.length; i++) from[i] = i
  const ends = new Uint32Array(RADIX)
  for (let shift = 0; shift < 32; shift += RADIX_BITS) {
    ends.fill(0)
    for (const sum of weakSums) ends[(sum >>> shift) & (RADIX - 1)]!++
    for (let i = 1; i < RADIX; i++) ends[i]! += ends[i - 1]!
    for (let i = from.length - 1; i >= 0; i--) {
      const block = from[i]!
      to[--ends[(weakSums[block]! >>> shift) & (RADIX - 1)]!] = block
    }
    ;[from, to] = [to, from]
  }
  return from
}
