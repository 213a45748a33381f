// The kernel of LZ4: one block at a time, from one place in the memory to another.
export { compressBlock } from './compress'
export { decompressBlock } from './decompress'

/** Where free memory begins, after the kernel's own data. */
export const freeMemory: usize = (__heap_base + 15) & ~15
