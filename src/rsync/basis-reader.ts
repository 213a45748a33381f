import type { ByteSource } from '../bytes/byte-source.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { IntegrityError } from '../errors.ts'
import type { BasisRequest } from './patch-job.ts'

/** Reads pieces of a basis, chunk by chunk, one stream a piece. */
export class BasisReader {
  readonly #basis: ByteSource
  /** Reads the piece that has not been read to its end. */
  #reader: ChunkReader | undefined

  /** Makes a reader; nothing is read yet. */
  constructor(basis: ByteSource) {
    this.#basis = basis
  }

  /**
   * The next chunk of a piece, which belongs to the caller. The request after it is for the rest of the same piece, as
   * long as there is a rest.
   *
   * @throws {IntegrityError} if the basis has fewer bytes there than its size says, or gives more than it was asked for.
   * An error of the basis passes through unchanged.
   */
  async read({ position, length }: BasisRequest): Promise<Uint8Array> {
    this.#reader ??= new ChunkReader(this.#basis.slice(position, position + length).stream())
    const chunk = await this.#reader.read()
    const byteLength = chunk?.byteLength ?? 0
    if (!chunk || byteLength > length) {
      throw new IntegrityError(`the basis gave ${byteLength} of the ${length} bytes that it has at ${position}`, {
        expected: `${length} bytes`,
        actual: `${byteLength} bytes`,
      })
    }
    if (byteLength === length) this.cancel(undefined)
    return chunk
  }

  /** Lets go of the basis, at once; may be called at any time, more than once. */
  cancel(reason: unknown): void {
    const reader = this.#reader
    this.#reader = undefined
    if (reader) markHandled(reader.cancel(reason))
  }
}
