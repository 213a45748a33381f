import { describeValue } from '../bytes/describe-value.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import { MAX_BLOCK_LENGTH } from './wire-format.ts'
import { DEFAULT_SUM, sumFormat, type SumName } from './sum-formats.ts'

/** The parts of a {@linkcode Signature}. */
export interface SignatureParts {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Strong sum length in bytes: each strong sum is truncated to this. */
  readonly strongLength: number
  /** The weak sum of each block. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, concatenated, `strongLength` bytes each. */
  readonly strongSums: Uint8Array
  /**
   * The weak and strong sums used.
   * @default 'rabinkarp-blake2b'
   */
  readonly sum?: SumName | undefined
}

/**
 * The signature of a basis: a weak and a strong sum for each of its blocks. It holds 4 + `strongLength` bytes per
 * block. Each running `DeltaStream` has a copy in its own WebAssembly memory, with an index of about 20 bytes per block
 * and a filter of up to 2 MiB.
 *
 * @example
 * ```ts
 * import { loadSignature, SignatureStream } from 'combstream/rsync'
 *
 * const basis = new Blob([new Uint8Array(100_000)])
 * const signature = await loadSignature(basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size })))
 * console.log(signature.blockLength, signature.blockCount) // 256 391
 * ```
 */
export class Signature implements SignatureParts {
  /** Block length in bytes. The last block of the basis may be shorter. */
  readonly blockLength: number
  /** Strong sum length in bytes, 1 to 32, or 1 to 16 with MD4. */
  readonly strongLength: number
  /** The weak sum of each block. Do not modify. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, concatenated, {@linkcode Signature.strongLength} bytes each. Do not modify. */
  readonly strongSums: Uint8Array
  /** The weak and strong sums used. */
  readonly sum: SumName

  /**
   * Creates a signature from its parts, which it keeps without copying. Usually you get one from `loadSignature`.
   *
   * @throws {TypeError} if a part has the wrong type, or `sum` is unknown.
   * @throws {RangeError} if a length is out of range, or does not match the number of sums.
   */
  constructor({ blockLength, strongLength, weakSums, strongSums, sum = DEFAULT_SUM }: SignatureParts) {
    this.sum = sum
    this.blockLength = checkInteger('blockLength', blockLength, 1, MAX_BLOCK_LENGTH)
    this.strongLength = checkInteger('strongLength', strongLength, 1, sumFormat(sum).maxStrongLength)
    if (!(weakSums instanceof Uint32Array)) throw new TypeError('weakSums must be a Uint32Array')
    if (!(strongSums instanceof Uint8Array)) throw new TypeError('strongSums must be a Uint8Array')
    if (strongSums.byteLength !== weakSums.length * strongLength) {
      throw new RangeError(
        `strongSums must be ${strongLength} bytes for each of ${weakSums.length} blocks, got ${strongSums.byteLength} bytes`,
      )
    }
    this.weakSums = weakSums
    this.strongSums = strongSums
  }

  /** Number of blocks in the basis. */
  get blockCount(): number {
    return this.weakSums.length
  }
}

/**
 * Returns a value as a {@linkcode Signature}: itself if it is one, or a new one made from its parts if it is a clone
 * (posted or stored) or comes from another copy of this module.
 *
 * @throws {TypeError} if it is none of these, or a part has the wrong type.
 * @throws {RangeError} if a part is out of range.
 */
export function asSignature(value: Signature | SignatureParts): Signature {
  if (value instanceof Signature) return value
  if (value?.weakSums instanceof Uint32Array) return new Signature(value)
  throw new TypeError(`signature must be a Signature, got ${describeValue(value)}: loadSignature returns a promise`)
}
