import { checkInteger } from '../bytes/check-integer.ts'
import { MAX_BLOCK_LENGTH } from './format.ts'
import { DEFAULT_SUM, type SumFormat, sumFormat, type SumName } from './sums.ts'

/** Options that decide what a signature consists of: rdiff's, with its defaults. */
export interface SignatureOptions {
  /**
   * Bytes of a block, 1 to 2,147,483,647. A reader may refuse large ones: `loadSignature` does above 16 MiB.
   * @default 256 up to 64 KiB of source, then its square root rounded down to a multiple of 128; 2048 if unknown
   */
  blockLength?: number | undefined
  /**
   * Bytes of a block's strong sum, 1 to 32, with MD4 to 16. `'max'` is all of it; `'min'` is the least that rdiff holds
   * to be safe from chance (not from malice) for this length of source, 12 if it is unknown.
   * @default 'max'
   */
  strongLength?: number | 'max' | 'min' | undefined
  /**
   * Bytes of the source, for the defaults above; it is not checked against what comes.
   * @default unknown
   */
  sourceLength?: number | undefined
  /**
   * The sums, weak and strong. What librsync before 2.2 shall read needs `'rollsum-blake2b'`, before 1.0
   * `'rollsum-md4'`.
   * @default 'rabinkarp-blake2b'
   */
  sum?: SumName | undefined
}

/** {@linkcode SignatureOptions} with everything decided. */
export interface SignatureParameters {
  /** Bytes of a block. */
  readonly blockLength: number
  /** Bytes of a strong sum. */
  readonly strongLength: number
  /** How the signature is written. */
  readonly format: SumFormat
}

const UNKNOWN_BLOCK_LENGTH = 2048
const UNKNOWN_MIN_STRONG_LENGTH = 12
const SMALL_SOURCE_BYTES = 65536
const SMALL_BLOCK_LENGTH = 256

/**
 * Decides what is not given, as rdiff 2.3.1 and later do.
 *
 * @throws {TypeError} if a number is no integer, or there are no such sums.
 * @throws {RangeError} if a number is out of its range.
 */
export function signatureParameters(options: SignatureOptions = {}): SignatureParameters {
  const { sourceLength, blockLength = recommendedBlockLength(sourceLength), strongLength = 'max' } = options
  const format = sumFormat(options.sum ?? DEFAULT_SUM)
  if (sourceLength !== undefined) checkInteger('sourceLength', sourceLength, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('blockLength', blockLength, 1, MAX_BLOCK_LENGTH)
  switch (strongLength) {
    case 'max':
      return { blockLength, strongLength: format.maxStrongLength, format }
    case 'min':
      return { blockLength, strongLength: minStrongLength(sourceLength, blockLength), format }
    default:
      checkInteger('strongLength', strongLength, 1, format.maxStrongLength)
      return { blockLength, strongLength, format }
  }
}

function recommendedBlockLength(sourceLength: number | undefined): number {
  if (sourceLength === undefined) return UNKNOWN_BLOCK_LENGTH
  if (sourceLength <= SMALL_SOURCE_BYTES) return SMALL_BLOCK_LENGTH
  const root = Math.floor(Math.sqrt(sourceLength))
  // Above 2^52 the square root of one less than a square rounds up to the next integer.
  return (root * root > sourceLength ? root - 1 : root) & ~127
}

function minStrongLength(sourceLength: number | undefined, blockLength: number): number {
  if (sourceLength === undefined) return UNKNOWN_MIN_STRONG_LENGTH
  const blocks = Math.floor(sourceLength / blockLength)
  return 2 + Math.floor((floorLog2(sourceLength + 2 ** 24) + floorLog2(blocks + 1) + 7) / 8)
}

/** Exact, unlike `Math.floor(Math.log2(n))` just below a high power of two. */
function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32)
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n)
}
