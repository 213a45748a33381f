import type { KernelInstance } from './kernel.ts'
import type { Signature } from './signature.ts'

/** At least this many bits per block: a false positive costs a look-up, which is more expensive than a wider filter. */
const FILTER_BITS_PER_BLOCK_LOG2 = 7
/** 128 bytes. */
const MIN_FILTER_BITS_LOG2 = 10
/** 2 MiB. A larger filter does not stay in the processor's cache and costs more than it saves. */
const MAX_FILTER_BITS_LOG2 = 24
/** Keys of the blocks in order, their numbers, and for each block the first one with the same sums: one word each. */
const WORDS_PER_BLOCK = 3
const WORD_BYTES = 4

/**
 * Copies a signature into the memory of a kernel and builds the index there that the kernel searches for the block with
 * given sums. The kernel does that in a tenth of the time of JavaScript, which most processes would run only once,
 * before it is compiled.
 *
 * Blocks are sorted by key, then by strong sum, and divided into buckets by the high bits of the key. A look-up is a
 * binary search within one bucket. In ordinary signatures a bucket holds at most one block. In a signature made to
 * collide, a look-up still takes some twenty steps, where a hash table's chain would take millions. The key is the weak
 * sum; a rollsum is first spread over all 32 bits. Of several blocks with equal sums, only the first in the basis is
 * kept, as in librsync.
 *
 * A filter of one bit for each value of the key's high bits rules out most keys that no block has, at the cost of one
 * look-up. They are the high bits because the low bits of a RabinKarp sum depend only on the low bits of the bytes.
 *
 * @throws {RangeError} if there is not enough memory.
 */
export function openBlockIndex(
  kernel: KernelInstance,
  { blockLength, strongLength, blockCount, weakSums, strongSums }: Signature,
  { isCompact }: { isCompact: boolean },
): void {
  const countBits = 32 - Math.clz32(blockCount)
  const wantedBits = Math.max(MIN_FILTER_BITS_LOG2, countBits + FILTER_BITS_PER_BLOCK_LOG2)
  const filterBits = Math.min(MAX_FILTER_BITS_LOG2, wantedBits)
  const bucketBits = Math.max(1, countBits)
  const words = 2 ** bucketBits + 1 + WORDS_PER_BLOCK * blockCount
  const sums = kernel.allocate(weakSums.byteLength + strongSums.byteLength)
  const tables = kernel.allocate(2 ** (filterBits - 3) + WORD_BYTES * words)
  kernel.memory.set(new Uint8Array(weakSums.buffer, weakSums.byteOffset, weakSums.byteLength), sums)
  kernel.memory.set(strongSums, sums + weakSums.byteLength)
  kernel.exports.openIndex(sums, tables, blockLength, strongLength, blockCount, filterBits, bucketBits, isCompact)
}
