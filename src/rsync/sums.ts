import {
  BLAKE2B_BYTES,
  MAGIC_RABINKARP_BLAKE2B,
  MAGIC_RABINKARP_MD4,
  MAGIC_ROLLSUM_BLAKE2B,
  MAGIC_ROLLSUM_MD4,
  MD4_BYTES,
} from './format.ts'

/**
 * The sums that a signature is made with: the weak one and the strong one. MD4 is broken: who can write into the basis
 * or the new bytes can make blocks that take each other's place. rollsum is slower to look up, and tells less apart.
 * Both are for those who read what librsync wrote before 1.0 (MD4) or 2.2 (rollsum).
 */
export type SumName = 'rabinkarp-blake2b' | 'rabinkarp-md4' | 'rollsum-blake2b' | 'rollsum-md4'

/** How a signature with certain sums is written. */
export interface SumFormat {
  /** The sums. */
  readonly name: SumName
  /** The magic of such a signature. */
  readonly magic: number
  /** Whether the weak sum is rollsum, not RabinKarp. */
  readonly isRollsum: boolean
  /** Whether the strong sum is MD4, not BLAKE2b. */
  readonly isMd4: boolean
  /** Bytes of a whole strong sum. */
  readonly maxStrongLength: number
}

/** The sums of a signature where nothing else is asked for: rdiff's default. */
export const DEFAULT_SUM: SumName = 'rabinkarp-blake2b'

/** All the formats that librsync has. */
const SUM_FORMATS: readonly SumFormat[] = [
  format('rabinkarp-blake2b', MAGIC_RABINKARP_BLAKE2B),
  format('rabinkarp-md4', MAGIC_RABINKARP_MD4),
  format('rollsum-blake2b', MAGIC_ROLLSUM_BLAKE2B),
  format('rollsum-md4', MAGIC_ROLLSUM_MD4),
]

/**
 * The format with certain sums.
 *
 * @throws {TypeError} if there are none of that name.
 */
export function sumFormat(name: SumName): SumFormat {
  const found = SUM_FORMATS.find((each) => each.name === name)
  if (found) return found
  throw new TypeError(`sum must be one of ${SUM_FORMATS.map((each) => each.name).join(', ')}, got ${String(name)}`)
}

/** The format with a certain magic; undefined if it is that of no signature. */
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
