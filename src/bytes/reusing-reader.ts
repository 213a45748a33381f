import { canMakeByteStreams } from './byte-stream.ts'
import { ChunkReader } from './chunk-reader.ts'

const BUFFER_BYTES = 256 * 1024

/**
 * Reads a stream of bytes chunk by chunk, as {@linkcode ChunkReader} does, but into the same buffer each time if the
 * stream supports that: making a new buffer takes longer than filling it.
 */
export class ReusingReader {
  readonly #byobReader: ReadableStreamBYOBReader | undefined
  readonly #chunks: ChunkReader | undefined
  #buffer: ArrayBuffer | undefined

  /** Locks `readable`. Takes over the buffer of `previous`, a reader that is no longer used. */
  constructor(readable: ReadableStream<Uint8Array>, previous?: ReusingReader) {
    this.#byobReader = byobReader(readable)
    this.#chunks = this.#byobReader ? undefined : new ChunkReader(readable)
    if (!previous) return
    this.#buffer = previous.#buffer
    previous.#buffer = undefined
  }

  /**
   * The next chunk, undefined at the end. It is valid only until the next call.
   *
   * @throws {TypeError} if a chunk is not bytes; the stream is cancelled.
   */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#byobReader) return await this.#chunks!.read()
    const view = new Uint8Array(this.#buffer ?? new ArrayBuffer(BUFFER_BYTES))
    // It belongs to the stream until the read returns it.
    this.#buffer = undefined
    const { done, value } = await this.#byobReader.read(view)
    this.#buffer = value?.buffer
    return done ? undefined : value
  }

  /** Ends the stream and every pending {@linkcode read}; may be called at any time, more than once. */
  cancel(reason?: unknown): Promise<void> {
    return (this.#byobReader ?? this.#chunks!).cancel(reason)
  }
}

/** Undefined if the stream is not a byte stream, which only a try can tell. */
function byobReader(readable: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  if (!canMakeByteStreams()) return undefined
  try {
    return readable.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}
