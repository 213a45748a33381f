import type { ByteSource } from '../../bytes/byte-source.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { markHandled } from '../../bytes/promises.ts'
import { IntegrityError } from '../../errors.ts'
import type { RangePiece } from './range-pieces.ts'

/** Reads one piece of new content from its source, chunk by chunk, to its end. */
export class PieceReader {
  readonly #piece: RangePiece
  readonly #chunks: ChunkReader
  #given = 0

  /** Opens the piece. */
  constructor(source: ByteSource, piece: RangePiece) {
    this.#piece = piece
    this.#chunks = new ChunkReader(source.slice(piece.offset, piece.offset + piece.length).stream())
  }

  /**
   * The next chunk, undefined when the piece has ended. The chunk belongs to the caller.
   *
   * @throws {IntegrityError} if the source gives fewer bytes than it was asked for, or more. An error of the source
   * passes through unchanged.
   */
  async read(): Promise<Uint8Array | undefined> {
    const { source, offset, length } = this.#piece
    const chunk = await this.#chunks.read()
    this.#given += chunk?.byteLength ?? 0
    if (chunk ? this.#given > length : this.#given < length) {
      throw new IntegrityError(
        `the ${source} source gave ${this.#given} of the ${length} bytes that it has at ${offset}`,
        {
          expected: `${length} bytes`,
          actual: `${this.#given} bytes`,
        },
      )
    }
    return chunk
  }

  /** Lets go of the source, at once; may be called at any time, more than once. */
  cancel(reason: unknown): void {
    markHandled(this.#chunks.cancel(reason))
  }
}
