import { checkInteger } from '../bytes/check-integer.ts'
import { MAX_BLOCK_LENGTH } from './format.ts'
import { DEFAULT_SUM, sumFormat, type SumName } from './sums.ts'

/** What a {@linkcode Signature} is made of. */
export interface SignatureParts {
  /** Bytes of a block. */
  readonly blockLength: number
  /** Bytes of a block's strong sum that are kept, from its first on. */
  readonly strongLength: number
  /** The weak sum of each block. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, in a row, `strongLength` bytes each. */
  readonly strongSums: Uint8Array
  /**
   * The sums, weak and strong, that these are.
   * @default 'rabinkarp-blake2b'
   */
  readonly sum?: SumName | undefined
}

/**
 * The signature of a basis: a weak and a strong sum of each of its blocks. It holds 4 + `strongLength` bytes a block;
 * the first `DeltaStream` that uses it adds an index of about 20 bytes a block and a filter of up to 2 MiB, which all
 * later ones share; each one that runs has a copy of all this in its own memory.
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
  /** Bytes of a block; the last block of the basis may have fewer. */
  readonly blockLength: number
  /** Bytes of a strong sum, 1 to 32, with MD4 to 16. */
  readonly strongLength: number
  /** The weak sum of each block. Must not be changed. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, in a row, {@linkcode Signature.strongLength} bytes each. Must not be changed. */
  readonly strongSums: Uint8Array
  /** The sums, weak and strong. */
  readonly sum: SumName

  /**
   * Makes a signature from its parts, which it keeps. `loadSignature` is the usual way to get one.
   *
   * @throws {TypeError} if a part is of the wrong type, or there are no such sums.
   * @throws {RangeError} if a length is out of its range, or the sums are not as many as they should be.
   */
  constructor({ blockLength, strongLength, weakSums, strongSums, sum = DEFAULT_SUM }: SignatureParts) {
    this.sum = sum
    this.blockLength = checkInteger('blockLength', blockLength, 1, MAX_BLOCK_LENGTH)
    this.strongLength = checkInteger('strongLength', strongLength, 1, sumFormat(sum).maxStrongLength)
    if (!(weakSums instanceof Uint32Array)) throw new TypeError('weakSums must be a Uint32Array')
    if (!(strongSums instanceof Uint8Array)) throw new TypeError('strongSums must be a Uint8Array')
    if (strongSums.byteLength !== weakSums.length * strongLength) {
      throw new RangeError(
        `strongSums must have ${strongLength} bytes for each of ${weakSums.length} blocks, got ${strongSums.byteLength}`,
      )
    }
    this.weakSums = weakSums
    this.strongSums = strongSums
  }

  /** Number of blocks of the basis. */
  get blockCount(): number {
    return this.weakSums.length
  }
}

/**
 * A value as a {@linkcode Signature}: itself, or one with its parts if it is a clone that was posted or stored, or comes
 * from another copy of this module.
 *
 * @throws {TypeError} if it is none, or a part is of the wrong type.
 * @throws {RangeError} if a part is out of its range.
 */
export function asSignature(value: Signature | SignatureParts): Signature {
  if (value instanceof Signature) return value
  if (value?.weakSums instanceof Uint32Array) return new Signature(value)
  throw new TypeError(`signature must be a Signature, got ${String(value)}: loadSignature gives a promise`)
}
