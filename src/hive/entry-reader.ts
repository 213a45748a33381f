import { describeValue } from '../bytes/describe-value.ts'
import { ChunkQueue } from '../bytes/chunk-queue.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { ConflictError } from '../errors.ts'
import type { HiveCallOptions } from './hive-call-options.ts'
import type { EntryReader } from './hive.ts'

/** What {@linkcode openReader} reads: a version of an entry. */
export interface ReadableVersion {
  /** Number of bytes. */
  readonly size: number
  /**
   * Reads from an offset on, in chunks of at most `bufferSize` bytes. Before each chunk, and before the end, it checks
   * that the version is still current, and fails with a ConflictError or a NotFoundError if it is not.
   */
  stream(options: { start: number; bufferSize: number }): ReadableStream<Uint8Array<ArrayBuffer>>
  /** Aborts, with a TypeError, when the entry is closed. */
  readonly closed: AbortSignal
}

/** Opens the streaming handle of wrpme's entry streaming: an offset, `read` and `seek`. */
export function openReader(version: ReadableVersion, bufferSize: number): EntryReader {
  return new VersionReader(version, bufferSize)
}

class VersionReader implements EntryReader {
  readonly size: number
  readonly bufferSize: number
  readonly #version: ReadableVersion
  #offset = 0
  #source: ReaderSource | undefined
  #reading = false
  #dead: { error: unknown } | undefined

  constructor(version: ReadableVersion, bufferSize: number) {
    this.#version = version
    this.size = version.size
    this.bufferSize = bufferSize
  }

  get offset(): number {
    return this.#offset
  }

  async read({ signal }: HiveCallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted()
    this.#assertAlive()
    if (this.#reading) throw new TypeError('another read of this reader is pending')
    if (this.#offset === this.size)
      throw new RangeError(`the offset is at the end, ${this.size}: there is nothing to read`)

    this.#reading = true
    try {
      const source = (this.#source ??= this.#open())
      const byteLength = Math.min(this.bufferSize, this.size - this.#offset)
      const filled = this.#fill(source, byteLength)
      await (signal ? abortable(filled, signal) : filled)
      this.#offset += byteLength
      return source.queue.take(byteLength)
    } catch (error) {
      if (signal?.aborted) {
        this.#drop(error)
        throw error
      }
      this.#dead ??= { error: atOffset(error, this.#offset) }
      throw this.#dead.error
    } finally {
      this.#reading = false
    }
  }

  seek(offset: number): void {
    this.#assertAlive()
    if (this.#reading) throw new TypeError('a read of this reader is pending')
    if (!Number.isSafeInteger(offset))
      throw new TypeError(`offset must be a safe integer, got ${describeValue(offset)}`)
    if (offset < 0 || offset > this.size) throw new RangeError(`offset must be from 0 to ${this.size}, got ${offset}`)
    if (offset === this.#offset) return
    this.#drop(undefined)
    this.#offset = offset
  }

  close(): Promise<void> {
    const error = new TypeError('the reader is closed')
    this.#dead = { error }
    this.#drop(error)
    return Promise.resolve()
  }

  #assertAlive(): void {
    if (this.#dead) throw this.#dead.error
    this.#version.closed.throwIfAborted()
  }

  #open(): ReaderSource {
    const stream = this.#version.stream({ start: this.#offset, bufferSize: this.bufferSize })
    return { chunks: new ChunkReader(stream), queue: new ChunkQueue() }
  }

  async #fill({ chunks, queue }: ReaderSource, byteLength: number): Promise<void> {
    // At least one chunk for each read, or the end, so that every read checks the version.
    for (let chunk = await chunks.read(); chunk; chunk = await chunks.read()) {
      queue.push(chunk as Uint8Array<ArrayBuffer>)
      if (queue.byteLength >= byteLength) return
    }
    if (this.#dead) throw this.#dead.error
  }

  /** Drops the stream, and what was read ahead. */
  #drop(reason: unknown): void {
    if (this.#source) markHandled(this.#source.chunks.cancel(reason))
    this.#source = undefined
  }
}

/** A stream of the version, and what has been read but not returned. A read that is aborted keeps its own source. */
interface ReaderSource {
  readonly chunks: ChunkReader
  readonly queue: ChunkQueue
}

/** The same error; a conflict with the offset up to which this reader has returned bytes. */
function atOffset(error: unknown, offset: number): unknown {
  const { name, message, alias, expectedEtag, actualEtag } = error as ConflictError
  if (name !== 'ConflictError') return error
  return new ConflictError(message, { alias, expectedEtag, actualEtag, offset, cause: error })
}
