import { canMakeByteStreams } from '../../bytes/byte-stream.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'

/** Reads a stream of bytes in chunks of its own or, if it is a byte stream, into memory that the caller brings. */
export class BodyReader {
  readonly #readable: ReadableStream<Uint8Array<ArrayBuffer>>
  #chunks: ChunkReader | undefined
  #byob: ReadableStreamBYOBReader | undefined
  #mayFill = canMakeByteStreams()

  /** Locks `readable`. */
  constructor(readable: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#readable = readable
    this.#chunks = new ChunkReader(readable)
  }

  /**
   * The next chunk, undefined at the end. It belongs to the caller.
   *
   * @throws {TypeError} if a chunk is not bytes; the stream is cancelled.
   */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#byob?.releaseLock()
    this.#byob = undefined
    this.#chunks ??= new ChunkReader(this.#readable)
    return (await this.#chunks.read()) as Uint8Array<ArrayBuffer> | undefined
  }

  /** Whether {@linkcode fill} can be called now: the stream must be a byte stream, and no read be pending. */
  canFill(): boolean {
    if (this.#byob) return true
    if (!this.#mayFill) return false
    this.#chunks!.release()
    this.#chunks = undefined
    try {
      this.#byob = this.#readable.getReader({ mode: 'byob' })
    } catch {
      // Not a byte stream, which only a try can tell.
      this.#mayFill = false
      this.#chunks = new ChunkReader(this.#readable)
    }
    return this.#mayFill
  }

  /**
   * Reads into the memory of a view, from its start, and returns what was filled of it: nothing at the end. The buffer of
   * the view is detached, and belongs to the result.
   */
  async fill(view: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { value } = await this.#byob!.read(view)
    return value
  }

  /** Ends the stream and every pending read; may be called at any time, more than once. */
  cancel(reason?: unknown): Promise<void> {
    return (this.#byob ?? this.#chunks!).cancel(reason)
  }
}
