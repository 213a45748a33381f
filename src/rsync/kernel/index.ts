// The kernel: the code that takes nearly all the time of signatures and deltas. One instance serves one job.
export { chooseSums, strongLanes } from './sums'
export { beginBlock, endBlock, signBlocks, updateBlock } from './sign'
export { falseMatches, find, matchLength, openIndex, position } from './search'

/** Where free memory begins, after the kernel's own data. */
export const freeMemory: usize = (__heap_base + 15) & ~15
