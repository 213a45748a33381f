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
  #buffer: ArrayBuffer

  /** Locks `readable`, of which `byteLength` bytes at most are expected. */
  constructor(readable: ReadableStream<Uint8Array>, byteLength: number) {
    this.#byobReader = byobReader(readable)
    this.#chunks = this.#byobReader ? undefined : new ChunkReader(readable)
    // One byte more than there should be is enough to notice that there are too many.
    this.#buffer = new ArrayBuffer(this.#byobReader ? Math.min(BUFFER_BYTES, byteLength + 1) : 0)
  }

  /**
   * The next chunk, undefined at the end. It stays as it is until the next call only.
   *
   * @throws {TypeError} if the stream gives something that is no bytes; the stream is cancelled.
   */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#byobReader) return await this.#chunks!.read()
    const { done, value } = await this.#byobReader.read(new Uint8Array(this.#buffer))
    if (done) return undefined
    this.#buffer = value.buffer
    return value
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
