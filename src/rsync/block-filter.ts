/** At least as many bits a block: a false positive costs a look-up, which is dearer than a wider filter. */
const BITS_PER_BLOCK_LOG2 = 7
/** 128 bytes. */
const MIN_BITS_LOG2 = 10
/** 2 MiB: what is larger no longer stays in the processor's cache, and costs more than it saves. */
const MAX_BITS_LOG2 = 24

/**
 * Says of most keys at once that no block has them. The high bits of the key choose the bit, since the low bits of a
 * RabinKarp sum depend on the low bits of the bytes only.
 */
export class BlockFilter {
  /** The bits: that of a key is bit `key >>> (32 - bitsLog2)`, counted from the lowest of the first word. */
  readonly words: Uint32Array<ArrayBuffer>
  /** Binary logarithm of the number of bits. */
  readonly bitsLog2: number

  /** Makes the filter of the keys of some blocks. */
  constructor(keys: Uint32Array) {
    const wanted = 32 - Math.clz32(keys.length) + BITS_PER_BLOCK_LOG2
    this.bitsLog2 = Math.min(MAX_BITS_LOG2, Math.max(MIN_BITS_LOG2, wanted))
    this.words = new Uint32Array(2 ** (this.bitsLog2 - 5))
    const bitShift = 32 - this.bitsLog2
    for (const key of keys) {
      const bit = key >>> bitShift
      this.words[bit >>> 5]! |= 1 << bit
    }
  }
}
