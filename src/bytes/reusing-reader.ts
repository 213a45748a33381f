import { canMakeByteStreams } from './byte-stream.ts'
import { ChunkReader } from './chunk-reader.ts'

const BUFFER_BYTES = 256 * 1024

/**
 * Reads a stream of bytes chunk by chunk, as {@linkcode ChunkReader} does, but into one buffer again and again where the
 * stream can: to make a new one takes longer than to fill it.
 */
export class ReusingReader {
  readonly #byobReader: ReadableStreamBYOBReader | undefined
  readonly #chunks: ChunkReader | undefined
  #buffer: ArrayBuffer | undefined

  /** Locks `readable`. With `previous`, a reader that is no longer used, its buffer is used here as well. */
  constructor(readable: ReadableStream<Uint8Array>, previous?: ReusingReader) {
    this.#byobReader = byobReader(readable)
    this.#chunks = this.#byobReader ? undefined : new ChunkReader(readable)
    if (!previous) return
    this.#buffer = previous.#buffer
    previous.#buffer = undefined
  }

  /**
   * The next chunk, undefined at the end. It stays as it is until the next call only.
   *
   * @throws {TypeError} if the stream gives something that is no bytes; the stream is cancelled.
   */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#byobReader) return await this.#chunks!.read()
    const view = new Uint8Array(this.#buffer ?? new ArrayBuffer(BUFFER_BYTES))
    // The stream's, until it gives it back.
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

/** Undefined if the stream is no byte stream: nothing but trying tells. */
function byobReader(readable: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  if (!canMakeByteStreams()) return undefined
  try {
    return readable.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}
