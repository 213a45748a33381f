import { BlockFilter } from './block-filter.ts'
import type { KernelInstance } from './kernel.ts'
import type { Signature } from './signature.ts'
import { sumFormat } from './sum-formats.ts'

const RADIX_BITS = 11
const RADIX = 2 ** RADIX_BITS

/**
 * If more blocks than this share a key, they are sorted digit by digit. That happens only with a signature made to
 * collide.
 */
const MAX_COMPARED = 256
/** Bytes of a strong sum that form one sort key. */
const WORD_BYTES = 4

const indexes: WeakMap<Signature, BlockIndex> = new WeakMap()

/** Returns the index of a signature. It is created on first use and lives as long as the signature. */
export function blockIndexOf(signature: Signature): BlockIndex {
  let index = indexes.get(signature)
  if (!index) indexes.set(signature, (index = new BlockIndex(signature)))
  return index
}

/**
 * The index that the kernel searches for the block with given sums.
 *
 * Blocks are sorted by key, then by strong sum, and divided into buckets by the high bits of the key. A look-up is a
 * binary search within one bucket. In ordinary signatures a bucket holds at most one block. In a signature made to
 * collide, a look-up still takes some twenty steps, where a hash table's chain would take millions. The key is the weak
 * sum; a rollsum is first spread over all 32 bits. Of several blocks with equal sums, only the first in the basis is
 * kept, as in librsync.
 */
export class BlockIndex {
  readonly #signature: Signature
  /** Passes the keys of all blocks, and few others. */
  readonly #filter: BlockFilter
  /** Keys of the kept blocks, in sorted order. */
  readonly #keys: Uint32Array<ArrayBuffer>
  /** Indexes (in the signature) of the kept blocks, in sorted order. */
  readonly #blocks: Uint32Array
  /** For each block of the signature, the kept block with the same sums. */
  readonly #firsts: Uint32Array<ArrayBuffer>
  readonly #bucketBits: number
  /** Where each bucket begins in the sorted order, plus one final entry for the end. */
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
    const keys = new Uint32Array(keptCount)
    for (let rank = 0; rank < keptCount; rank++) keys[rank] = blockKeys[blocks[rank]!]!
    this.#keys = keys

    this.#bucketBits = Math.max(1, 32 - Math.clz32(keptCount))
    const bucketShift = 32 - this.#bucketBits
    const buckets = new Uint32Array(2 ** this.#bucketBits + 1)
    for (let rank = 0; rank < keptCount; rank++) buckets[(keys[rank]! >>> bucketShift) + 1]!++
    for (let i = 1; i < buckets.length; i++) buckets[i]! += buckets[i - 1]!
    this.#buckets = buckets
  }

  /**
   * Copies the index into the memory of a kernel and opens it there.
   *
   * @throws {RangeError} if there is not enough memory.
   */
  open(kernel: KernelInstance, { isCompact }: { isCompact: boolean }): void {
    const { blockLength, strongLength, blockCount, weakSums, strongSums } = this.#signature
    // In the order that the kernel's openIndex expects.
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

  /** Sorts each run of equal keys by strong sum and drops duplicates. Returns the number of blocks kept. */
  #dropDuplicates(blocks: Uint32Array, keys: Uint32Array): number {
    const firsts = this.#firsts
    let kept = 0
    for (let start = 0, end; start < blocks.length; start = end) {
      const first = blocks[start]!
      const key = keys[first]
      const run = kept
      firsts[first] = first
      blocks[kept++] = first
      for (end = start + 1; end < blocks.length && keys[blocks[end]!] === key; end++) {
        const block = blocks[end]!
        // Unless the content is contrived, blocks with equal keys are identical (zeros, for example), so they never
        // reach the sort.
        if (this.#compareBlocks(first, block) === 0) firsts[block] = first
        else blocks[kept++] = block
      }
      if (kept - run === 1) continue
      const runBlocks = blocks.subarray(run, kept)
      this.#sortByStrongSum(runBlocks, 0)
      kept = run
      for (const block of runBlocks) {
        const isNew = kept === run || this.#compareBlocks(blocks[kept - 1]!, block) !== 0
        if (isNew) blocks[kept++] = block
        firsts[block] = blocks[kept - 1]!
      }
    }
    return kept
  }

  /** Sorts blocks whose strong sums agree in the first `equal` bytes. The blocks must be in ascending order. */
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

/** Spreads a rollsum over all 32 bits with a bijection, the finalizer of MurmurHash3. The kernel does the same. */
function spread(sum: number): number {
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * Returns the indexes of the keys in ascending key order; equal keys keep their order. A least-significant-digit radix
 * sort.
 */
function sortByKey(keys: Uint32Array): Uint32Array {
  let from = new Uint32Array(keys.length)
  let to = new Uint32Array(keys.length)
  for (let i = 0; i < from.length; i++) from[i] = i
  const ends = new Uint32Array(RADIX)
  for (let shift = 0; shift < 32; shift += RADIX_BITS) {
    ends.fill(0)
    for (let i = 0; i < keys.length; i++) ends[(keys[i]! >>> shift) & (RADIX - 1)]!++
    for (let i = 1; i < RADIX; i++) ends[i]! += ends[i - 1]!
    for (let i = from.length - 1; i >= 0; i--) {
      const block = from[i]!
      to[--ends[(keys[block]! >>> shift) & (RADIX - 1)]!] = block
    }
    ;[from, to] = [to, from]
  }
  return from
}
