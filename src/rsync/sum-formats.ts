import { describeValue } from '../bytes/describe-value.ts'
import {
  BLAKE2B_BYTES,
  MAGIC_RABINKARP_BLAKE2B,
  MAGIC_RABINKARP_MD4,
  MAGIC_ROLLSUM_BLAKE2B,
  MAGIC_ROLLSUM_MD4,
  MD4_BYTES,
} from './wire-format.ts'

/**
 * The weak and strong sums that a signature uses.
 *
 * MD4 is broken: anyone who can write to the basis or the new bytes can create blocks that are mistaken for each other.
 * rollsum is slower to look up and collides more often. Both exist for compatibility with librsync before 1.0 (MD4) and
 * before 2.2 (rollsum).
 */
export type SumName = 'rabinkarp-blake2b' | 'rabinkarp-md4' | 'rollsum-blake2b' | 'rollsum-md4'

/** The signature format for a pair of sums. */
export interface SumFormat {
  /** The pair of sums. */
  readonly name: SumName
  /** The magic of the signature. */
  readonly magic: number
  /** Whether the weak sum is rollsum, not RabinKarp. */
  readonly isRollsum: boolean
  /** Whether the strong sum is MD4, not BLAKE2b. */
  readonly isMd4: boolean
  /** Bytes of a full strong sum. */
  readonly maxStrongLength: number
}

/** The default sums, the same as rdiff's. */
export const DEFAULT_SUM: SumName = 'rabinkarp-blake2b'

/** All formats of librsync. */
const SUM_FORMATS: readonly SumFormat[] = [
  format('rabinkarp-blake2b', MAGIC_RABINKARP_BLAKE2B),
  format('rabinkarp-md4', MAGIC_RABINKARP_MD4),
  format('rollsum-blake2b', MAGIC_ROLLSUM_BLAKE2B),
  format('rollsum-md4', MAGIC_ROLLSUM_MD4),
]

/**
 * Returns the format for a pair of sums.
 *
 * @throws {TypeError} if the name is unknown.
 */
export function sumFormat(name: SumName): SumFormat {
  const found = SUM_FORMATS.find((each) => each.name === name)
  if (found) return found
  throw new TypeError(
    `sum must be one of ${SUM_FORMATS.map((each) => each.name).join(', ')}, got ${describeValue(name)}`,
  )
}

/** Returns the format with a given magic, or undefined if there is none. */
export function sumFormatOf(magic: number): SumFormat | undefined {
  return SUM_FORMATS.find((each) => each.magic === magic)
}

function format(name: SumName, magic: number): SumFormat {
  const isMd4 = name.endsWith('md4')
  return {
    name,
    magic,
    isRollsum: name.startsWith('rollsum'),
    isMd4,
    maxStrongLength: isMd4 ? MD4_BYTES : BLAKE2B_BYTES,
  }
}
