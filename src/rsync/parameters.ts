import { checkInteger } from '../bytes/check-integer.ts'
import { MAX_BLOCK_LENGTH } from './wire-format.ts'
import { DEFAULT_SUM, type SumFormat, sumFormat, type SumName } from './sum-formats.ts'

/** The parameters of a signature. The defaults are rdiff's. */
export interface SignatureOptions {
  /**
   * Block length in bytes, 1 to 2,147,483,647. A reader may refuse long blocks: by default, `loadSignature` refuses
   * more than 16 MiB.
   * @default 256 for sources up to 64 KiB, then the square root of the source length, rounded down to a multiple of
   * 128; 2048 if the length is unknown
   */
  blockLength?: number | undefined
  /**
   * Strong sum length in bytes, 1 to 32, or 1 to 16 with MD4. `'max'` is the full sum. `'min'` is the shortest length
   * that rdiff considers safe from accidental collisions (not from malicious ones) for this source length; 12 if the
   * length is unknown.
   * @default 'max'
   */
  strongLength?: number | 'max' | 'min' | undefined
  /**
   * Length of the source in bytes, used to choose the defaults above. It is not checked against the actual input.
   * @default unknown
   */
  sourceLength?: number | undefined
  /**
   * The weak and strong sums. librsync before 2.2 can read only `'rollsum-blake2b'` and `'rollsum-md4'`, before 1.0
   * only `'rollsum-md4'`.
   * @default 'rabinkarp-blake2b'
   */
  sum?: SumName | undefined
}

/** {@linkcode SignatureOptions} with all defaults resolved. */
export interface SignatureParameters {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Strong sum length in bytes. */
  readonly strongLength: number
  /** The signature's format. */
  readonly format: SumFormat
}

const UNKNOWN_BLOCK_LENGTH = 2048
const UNKNOWN_MIN_STRONG_LENGTH = 12
const SMALL_SOURCE_BYTES = 65536
const SMALL_BLOCK_LENGTH = 256

/**
 * Resolves the defaults as rdiff 2.3.1 and later do.
 *
 * @throws {TypeError} if a number is not an integer, or `sum` is unknown.
 * @throws {RangeError} if a number is out of range.
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
  // Above 2^52, the square root of one less than a square rounds up to an integer.
  return (root * root > sourceLength ? root - 1 : root) & ~127
}

function minStrongLength(sourceLength: number | undefined, blockLength: number): number {
  if (sourceLength === undefined) return UNKNOWN_MIN_STRONG_LENGTH
  const blocks = Math.floor(sourceLength / blockLength)
  return 2 + Math.floor((floorLog2(sourceLength + 2 ** 24) + floorLog2(blocks + 1) + 7) / 8)
}

/** Exact, unlike `Math.floor(Math.log2(n))`, which is wrong just below high powers of two. */
function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32)
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n)
}
