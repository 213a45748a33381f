/** At least this many bits per block: a false positive costs a look-up, which is more expensive than a wider filter. */
const BITS_PER_BLOCK_LOG2 = 7
/** 128 bytes. */
const MIN_BITS_LOG2 = 10
/** 2 MiB. A larger filter does not stay in the processor's cache and costs more than it saves. */
const MAX_BITS_LOG2 = 24

/**
 * Rules out most keys that no block has, at the cost of one look-up. The high bits of the key select the bit, because
 * the low bits of a RabinKarp sum depend only on the low bits of the bytes.
 */
export class BlockFilter {
  /** The bits. The bit of a key is number `key >>> (32 - bitsLog2)`, counted from the lowest bit of the first word. */
  readonly words: Uint32Array<ArrayBuffer>
  /** Binary logarithm of the number of bits. */
  readonly bitsLog2: number

  /** Creates the filter for the keys of a signature's blocks. */
  constructor(keys: Uint32Array) {
    const wanted = 32 - Math.clz32(keys.length) + BITS_PER_BLOCK_LOG2
    this.bitsLog2 = Math.min(MAX_BITS_LOG2, Math.max(MIN_BITS_LOG2, wanted))
    this.words = new Uint32Array(2 ** (this.bitsLog2 - 5))
    const bitShift = 32 - this.bitsLog2
    const { words } = this
    // Counted, as in all loops over blocks: most of them run once, and an iterator is slow before it is compiled.
    for (let i = 0; i < keys.length; i++) {
      const bit = keys[i]! >>> bitShift
      words[bit >>> 5]! |= 1 << bit
    }
  }
}
