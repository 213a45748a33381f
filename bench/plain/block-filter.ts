/** At least this many bits per block: a false positive costs a look-up, which is more expensive than a wider filter. */
const BITS_PER_BLOCK_LOG2 = 8
/** 128 bytes. */
const MIN_BITS_LOG2 = 10
/** 2 MiB. A larger filter does not stay in the processor's cache and costs more than it saves. */
const MAX_BITS_LOG2 = 24

/**
 * Rules out most weak sums that no block has, at the cost of one look-up. The high bits of the sum select the bit,
 * because the low bits of a RabinKarp sum depend only on the low bits of the bytes.
 *
 * The bit of a sum is `words[sum >>> wordShift] >>> (sum >>> bitShift) & 1`. The loop that slides the window inlines
 * this expression, because a call would cost more than the rest of a step.
 */
export class BlockFilter {
  /** The bits. */
  readonly words: Uint32Array
  /** Shifts a sum to the index of its word. */
  readonly wordShift: number
  /** Shifts a sum to the index of its bit. The higher bits are the index of the word, which a shift count ignores. */
  readonly bitShift: number

  /** Creates the filter for a signature's weak sums. */
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

  /** Whether any block may have this weak sum. */
  passes(weakSum: number): boolean {
    return ((this.words[weakSum >>> this.wordShift]! >>> (weakSum >>> this.bitShift)) & 1) === 1
  }
}
