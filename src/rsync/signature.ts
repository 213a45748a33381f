import { checkInteger } from './check-integer.ts'
import { BLAKE2B_BYTES, MAX_BLOCK_LENGTH } from './format.ts'

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
}

/**
 * The signature of a basis: a weak and a strong sum of each of its blocks. It holds 4 + `strongLength` bytes a block;
 * the first `DeltaStream` that uses it adds an index of about 16 bytes a block and a filter of up to 2 MiB, which all
 * later ones share.
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
  /** Bytes of a strong sum, 1 to 32. */
  readonly strongLength: number
  /** The weak sum of each block. Must not be changed. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, in a row, {@linkcode Signature.strongLength} bytes each. Must not be changed. */
  readonly strongSums: Uint8Array

  /**
   * Makes a signature from its parts, which it keeps. `loadSignature` is the usual way to get one.
   *
   * @throws {TypeError} if a length is no integer.
   * @throws {RangeError} if a length is out of its range, or the sums are not as many as they should be.
   */
  constructor({ blockLength, strongLength, weakSums, strongSums }: SignatureParts) {
    this.blockLength = checkInteger('blockLength', blockLength, 1, MAX_BLOCK_LENGTH)
    this.strongLength = checkInteger('strongLength', strongLength, 1, BLAKE2B_BYTES)
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
