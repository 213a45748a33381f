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
   * Returns the next chunk, or undefined at the end of the piece. The chunk belongs to the caller.
   *
   * @throws {IntegrityError} if the source gives fewer or more bytes than requested. The source's own errors pass
   * through unchanged.
   */
  async read(): Promise<Uint8Array | undefined> {
    const { source, offset, length } = this.#piece
    const chunk = await this.#chunks.read()
    this.#given += chunk?.byteLength ?? 0
    if (chunk ? this.#given > length : this.#given < length) {
      throw new IntegrityError(
        `the ${source} source gave ${this.#given} instead of ${length} bytes at offset ${offset}`,
        {
          expected: `${length} bytes`,
          actual: `${this.#given} bytes`,
        },
      )
    }
    return chunk
  }

  /** Releases the source immediately. May be called at any time, and more than once. */
  cancel(reason: unknown): void {
    markHandled(this.#chunks.cancel(reason))
  }
}
