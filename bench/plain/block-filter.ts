/** At least as many bits a block: a false positive costs a look-up, which is dearer than a wider filter. */
const BITS_PER_BLOCK_LOG2 = 8
/** 128 bytes. */
const MIN_BITS_LOG2 = 10
/** 2 MiB: what is larger no longer stays in the processor's cache, and costs more than it saves. */
const MAX_BITS_LOG2 = 24

/**
 * Says of most weak sums at once that no block has them. The high bits of the sum choose the bit, since the low bits of
 * a RabinKarp sum depend on the low bits of the bytes only.
 *
 * The bit of a sum is `words[sum >>> wordShift] >>> (sum >>> bitShift) & 1`: the loop that moves the window writes it
 * out, because a call would cost more than the rest of a step.
 */
export class BlockFilter {
  /** The bits. */
  readonly words: Uint32Array
  /** Leaves the index of a word. */
  readonly wordShift: number
  /** Leaves the index of a bit, above it the index of the word, which a shift count ignores. */
  readonly bitShift: number

  /** Makes the filter of a signature's weak sums. */
  constructor(weakSums: Uint32Array) {
    const bitsLog2 = Math.min(
      MAX_BITS_LOG2,
      Math.max(MIN_BITS_LOG2, 32 - Math.clz32(weakSums.length) + BITS_PER_BLOCK_LOG2),
    )
    this.wordShift = 32 - bitsLog2 + 5
    this.bitShift = 32 - bitsLog2
    this.words = new Uint32Array(2 ** (bitsLog2 - 5))
    for (const sum of weakSums) {
      const wordIndex = sum >>> this.wordShift
      this.words[wordIndex]! |= 1 << (sum >>> this.bitShift)
    }
  }

  /** Whether a block may have this weak sum. */
  passes(weakSum: number): boolean {
    return ((this.words[weakSum >>> this.wordShift]! >>> (weakSum >>> this.bitShift)) & 1) === 1
  }
}
