import { markHandled } from './promises.ts'

/**
 * Reads a stream of bytes chunk by chunk. It checks each chunk and skips empty ones. It holds the stream's lock until
 * the end, an error or {@linkcode ChunkReader.cancel}.
 */
export class ChunkReader {
  readonly #reader: ReadableStreamDefaultReader<unknown>

  /** Locks `readable`. */
  constructor(readable: ReadableStream<unknown>) {
    this.#reader = readable.getReader()
  }

  /**
   * The next chunk, undefined at the end. The chunk belongs to the caller.
   *
   * @throws {TypeError} if a chunk is not bytes; the stream is cancelled.
   */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const result = await this.#reader.read()
      if (result.done) return undefined
      const chunk = this.#check(result.value)
      if (chunk.byteLength > 0) return chunk
    }
  }

  /** Gives up the lock, so that the rest can be read in another way. No read may be pending. */
  release(): void {
    this.#reader.releaseLock()
  }

  /** Ends the stream and every pending {@linkcode ChunkReader.read}; may be called at any time, more than once. */
  cancel(reason?: unknown): Promise<void> {
    return this.#reader.cancel(reason)
  }

  #check(value: unknown): Uint8Array {
    try {
      return asBytes(value)
    } catch (error) {
      // This is the error to report, whatever the source does about being cancelled.
      markHandled(this.#reader.cancel(error))
      throw error
    }
  }
}

/**
 * The bytes of a chunk, as a view rather than a copy. Like the platform's own streams, it accepts views of every kind
 * and ArrayBuffers, from any realm.
 *
 * @throws {TypeError} if the chunk is not bytes.
 */
export function asBytes(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) {
    if (chunk.byteLength === 0) assertAttached(chunk.buffer)
    return isPlain(chunk) ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
  if (isArrayBuffer(chunk)) return new Uint8Array(chunk)
  throw new TypeError(`a chunk must be a Uint8Array, got ${chunk === null ? 'null' : typeof chunk}`)
}

/** Whether a value is bytes in memory: a view of any kind or an ArrayBuffer, from any realm. */
export function isBytes(value: unknown): value is Uint8Array | ArrayBuffer {
  return ArrayBuffer.isView(value) || isArrayBuffer(value)
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]'
}

/** A view of a transferred buffer looks empty: without this check its bytes would be lost silently. */
function assertAttached(buffer: ArrayBufferLike): void {
  try {
    void new Uint8Array(buffer)
  } catch (error) {
    throw new TypeError('a chunk must have its bytes, but the buffer of this one was transferred', { cause: error })
  }
}

/** Whether it is a Uint8Array and not a subclass: the `slice()` of Node's Buffer does not copy, for example. */
function isPlain(view: ArrayBufferView): view is Uint8Array {
  return view.constructor === Uint8Array
}
