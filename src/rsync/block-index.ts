import { BlockFilter } from './block-filter.ts'
import type { KernelInstance } from './kernel.ts'
import type { Signature } from './signature.ts'
import { sumFormat } from './sums.ts'

const RADIX_BITS = 11
const RADIX = 2 ** RADIX_BITS

/** Blocks of one key that are more than so many are sorted digit by digit: only a signature made to collide has them. */
const MAX_COMPARED = 256
/** Bytes of a strong sum that are one key. */
const WORD_BYTES = 4

const indexes: WeakMap<Signature, BlockIndex> = new WeakMap()

/** The index of a signature, made when it is first asked for and kept as long as the signature. */
export function blockIndexOf(signature: Signature): BlockIndex {
  let index = indexes.get(signature)
  if (!index) indexes.set(signature, (index = new BlockIndex(signature)))
  return index
}

/**
 * By which the kernel finds the block that has given sums.
 *
 * The blocks lie sorted by key, then by strong sum, in buckets by the high bits of the key, and a look-up is a binary
 * search in one bucket: in ordinary signatures a bucket has one block or none, and in one that was made to collide a
 * look-up still takes some twenty steps, where a chain or a run of a hash table would take millions. The key is the
 * weak sum, rollsum's spread over all bits. Of blocks with equal sums only the first one of the basis is kept, as in
 * librsync.
 */
export class BlockIndex {
  readonly #signature: Signature
  /** Passes the key of every block, and few others. */
  readonly #filter: BlockFilter
  /** Keys of the kept blocks, in order. */
  readonly #keys: Uint32Array<ArrayBuffer>
  /** Indexes, in the signature, of the kept blocks, in order. */
  readonly #blocks: Uint32Array
  /** For each block of the signature, the kept one with the same sums. */
  readonly #firsts: Uint32Array<ArrayBuffer>
  readonly #bucketBits: number
  /** Where each bucket begins in the order; one more than there are buckets. */
  readonly #buckets: Uint32Array<ArrayBuffer>

  /** Sorts the blocks of `signature`. */
  constructor(signature: Signature) {
    this.#signature = signature
    const { weakSums } = signature
    const blockKeys = sumFormat(signature.sum).isRollsum ? weakSums.map(spread) : weakSums
    this.#filter = new BlockFilter(blockKeys)
    this.#firsts = new Uint32Array(weakSums.length)
    const blocks = sortByKey(blockKeys)
    const keptCount = this.#dropDuplicates(blocks, blockKeys)
    this.#blocks = blocks.subarray(0, keptCount)
    this.#keys = new Uint32Array(keptCount)
    for (let rank = 0; rank < keptCount; rank++) this.#keys[rank] = blockKeys[blocks[rank]!]!

    this.#bucketBits = Math.max(1, 32 - Math.clz32(keptCount))
    const bucketShift = 32 - this.#bucketBits
    this.#buckets = new Uint32Array(2 ** this.#bucketBits + 1)
    for (const key of this.#keys) this.#buckets[(key >>> bucketShift) + 1]!++
    for (let i = 1; i < this.#buckets.length; i++) this.#buckets[i]! += this.#buckets[i - 1]!
  }

  /**
   * Copies the index into the memory of a kernel and opens it there.
   *
   * @throws {RangeError} if there is not so much memory.
   */
  open(kernel: KernelInstance, { isCompact }: { isCompact: boolean }): void {
    const { blockLength, strongLength, blockCount, weakSums, strongSums } = this.#signature
    // The order of openIndex of the kernel.
    const words = [this.#filter.words, this.#buckets, this.#keys, this.#blocks, weakSums, this.#firsts]
    const tables = [...words.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)), strongSums]
    const tablesLength = tables.reduce((sum, part) => sum + part.byteLength, 0)
    const base = kernel.allocate(tablesLength)
    let end = base
    for (const part of tables) {
      kernel.memory.set(part, end)
      end += part.byteLength
    }
    kernel.exports.openIndex(
      base,
      blockLength,
      strongLength,
      blockCount,
      this.#keys.length,
      this.#filter.bitsLog2,
      this.#bucketBits,
      isCompact,
    )
  }

  /** Sorts each run of equal keys by strong sum and keeps the first of equals; returns how many are kept. */
  #dropDuplicates(blocks: Uint32Array, keys: Uint32Array): number {
    let kept = 0
    for (let start = 0, end; start < blocks.length; start = end) {
      const first = blocks[start]!
      const key = keys[first]
      const run = kept
      this.#firsts[first] = first
      blocks[kept++] = first
      for (end = start + 1; end < blocks.length && keys[blocks[end]!] === key; end++) {
        const block = blocks[end]!
        // All alike in every case that is not contrived (zeros): they never come to be sorted.
        if (this.#compareBlocks(first, block) === 0) this.#firsts[block] = first
        else blocks[kept++] = block
      }
      if (kept - run === 1) continue
      const runBlocks = blocks.subarray(run, kept)
      this.#sortByStrongSum(runBlocks, 0)
      kept = run
      for (const block of runBlocks) {
        const isNew = kept === run || this.#compareBlocks(blocks[kept - 1]!, block) !== 0
        if (isNew) blocks[kept++] = block
        this.#firsts[block] = blocks[kept - 1]!
      }
    }
    return kept
  }

  /** Sorts blocks, given in their own order, whose strong sums are equal in the first `equal` bytes. */
  #sortByStrongSum(blocks: Uint32Array, equal: number): void {
    const { strongLength, strongSums } = this.#signature
    if (equal >= strongLength) return
    if (blocks.length <= MAX_COMPARED || strongLength < WORD_BYTES) {
      blocks.sort((a, b) => this.#compareBlocks(a, b) || a - b)
      return
    }
    const offset = Math.min(equal, strongLength - WORD_BYTES)
    const view = new DataView(strongSums.buffer, strongSums.byteOffset + offset)
    const words = blocks.map((block) => view.getUint32(block * strongLength))
    const order = sortByKey(words)
    blocks.set(order.map((i) => blocks[i]!))
    for (let start = 0, end; start < order.length; start = end) {
      const word = words[order[start]!]
      for (end = start + 1; end < order.length && words[order[end]!] === word;) end++
      if (end - start > 1) this.#sortByStrongSum(blocks.subarray(start, end), offset + WORD_BYTES)
    }
  }

  #compareBlocks(a: number, b: number): number {
    const { strongLength, strongSums } = this.#signature
    for (let i = 0; i < strongLength; i++) {
      const difference = strongSums[a * strongLength + i]! - strongSums[b * strongLength + i]!
      if (difference !== 0) return difference
    }
    return 0
  }
}

/** Spreads a rollsum over all 32 bits, one to one, as the kernel does: the finaliser of MurmurHash3. */
function spread(sum: number): number {
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Indexes of the keys in ascending order, of equal ones in their own order: a radix sort, least digit first. */
function sortByKey(keys: Uint32Array): Uint32Array {
  let from = new Uint32Array(keys.length)
  let to = new Uint32Array(keys.length)
  for (let i = 0; i < from.length; i++) from[i] = i
  const ends = new Uint32Array(RADIX)
  for (let shift = 0; shift < 32; shift += RADIX_BITS) {
    ends.fill(0)
    for (const key of keys) ends[(key >>> shift) & (RADIX - 1)]!++
    for (let i = 1; i < RADIX; i++) ends[i]! += ends[i - 1]!
    for (let i = from.length - 1; i >= 0; i--) {
      const block = from[i]!
      to[--ends[(keys[block]! >>> shift) & (RADIX - 1)]!] = block
    }
    ;[from, to] = [to, from]
  }
  return from
}
