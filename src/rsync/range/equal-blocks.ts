import type { Signature } from '../signature.ts'

/**
 * For each of the first `blockCount` blocks of a signature, returns the first block with the same weak and strong sums,
 * often the block itself. It sorts the blocks, so no signature can make it take more than n log n steps.
 */
export function equalBlocks(signature: Signature, blockCount: number): Uint32Array {
  const { weakSums, strongSums, strongLength } = signature
  const compare = (a: number, b: number): number => {
    if (weakSums[a]! !== weakSums[b]!) return weakSums[a]! - weakSums[b]!
    for (let i = 0; i < strongLength; i++) {
      const difference = strongSums[a * strongLength + i]! - strongSums[b * strongLength + i]!
      if (difference !== 0) return difference
    }
    return 0
  }
  const firsts = new Uint32Array(blockCount)
  let first = 0
  const blocks = Uint32Array.from(firsts, (_, i) => i).sort((a, b) => compare(a, b) || a - b)
  for (const [i, block] of blocks.entries()) {
    if (i === 0 || compare(first, block) !== 0) first = block
    firsts[block] = first
  }
  return firsts
}
