import { type ByteSource, rangeSource } from '../bytes/byte-source.ts'
import { type ByteRange, checkRange } from '../bytes/byte-range.ts'
import { ConflictError, IntegrityError, type NotFoundError } from '../errors.ts'
import type { StoredStream } from '../store/stored-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { checkAlias } from './alias.ts'
import { attachAsyncDispose } from './async-dispose.ts'
import { checkBufferSize } from './buffer-size.ts'
import { openStored } from './open-stored.ts'
import { openReader } from './entry-reader.ts'
import { type EntryRecord, etagOf } from './entry-record.ts'
import type {
  Consistency,
  Entry,
  EntryReader,
  EntryReaderOptions,
  EntryStreamOptions,
  Hive,
  HiveCallOptions,
} from './hive.ts'
import { type Computing, openSignature } from './kept-signature.ts'
import { versionStream } from './version-stream.ts'

/** What a {@linkcode LocalEntry} is opened with. */
export interface LocalEntryOptions {
  /** Largest number of bytes between two looks at the version. */
  readonly bufferSize: number
  /** What a reader does once the entry is updated. */
  readonly consistency: Consistency
}

/** The version that a {@linkcode LocalEntry} is pinned to, and where it comes from. */
export interface LocalVersion {
  readonly hive: Hive
  readonly store: StreamStore
  readonly alias: string
  readonly record: EntryRecord
  /** The signatures that the hive is computing. */
  readonly computing: Computing
  /** Reads the record that the alias has now; rejects with a NotFoundError if it has none. */
  lookup(): Promise<EntryRecord>
}

/** An entry of a `LocalHive`, pinned to one stored stream. */
export class LocalEntry implements Entry {
  readonly alias: string
  readonly size: number
  readonly etag: string
  readonly type: string
  readonly modified: Date
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #version: LocalVersion
  readonly #options: LocalEntryOptions
  readonly #closed = new AbortController()

  constructor(version: LocalVersion, options: LocalEntryOptions) {
    const { alias, record } = version
    this.alias = alias
    this.size = record.size
    this.etag = etagOf(record.digest)
    this.type = record.type
    this.modified = new Date(record.modifiedMs)
    this.#version = version
    this.#options = options
    attachAsyncDispose(this)
  }

  slice(start?: number, end?: number): ByteSource {
    return rangeSource(this.size, (range) => this.stream(range)).slice(start, end)
  }

  stream({ start, end, signal }: EntryStreamOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    return this.#read(checkRange(this.size, start, end), this.#options.bufferSize, signal)
  }

  reader(options: EntryReaderOptions = {}): EntryReader {
    this.#assertOpen()
    const bufferSize = checkBufferSize(options.bufferSize ?? this.#options.bufferSize)
    const stream = ({ start }: { start: number }): ReadableStream<Uint8Array<ArrayBuffer>> =>
      this.#read({ start, end: this.size }, bufferSize, undefined)
    return openReader({ size: this.size, stream, closed: this.#closed.signal }, bufferSize)
  }

  signature({ signal }: HiveCallOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    const { store, record, computing } = this.#version
    const version = { store, record, computing, alias: this.alias, aliasBytes: checkAlias(this.alias) }
    return versionStream({
      range: { start: 0, end: Infinity },
      bufferSize: this.#options.bufferSize,
      open: (givenUp) => openSignature(version, givenUp),
      check: () => this.#check(0),
      explain: (error) => this.#explain(error, 0),
      signals: [signal, this.#closed.signal],
    })
  }

  reopen({ signal }: HiveCallOptions = {}): Promise<Entry> {
    return this.#version.hive.open(this.alias, { ...this.#options, signal })
  }

  close(): Promise<void> {
    this.#closed.abort(new TypeError(`the entry is closed: ${this.alias}`))
    return Promise.resolve()
  }

  /** Rejects if the stored stream is missing, or is of other bytes than the row of the alias says. */
  async checkStored(signal: AbortSignal): Promise<void> {
    try {
      await this.#openStored(signal)
    } catch (error) {
      throw await this.#explain(error, 0)
    }
  }

  #read(
    range: ByteRange,
    bufferSize: number,
    signal: AbortSignal | undefined,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    return versionStream({
      range,
      bufferSize,
      open: async (givenUp) => (await this.#openStored(givenUp)).slice(range.start, range.end).stream(),
      check: (offset) => this.#check(offset),
      explain: (error, offset) => this.#explain(error, offset),
      signals: [signal, this.#closed.signal],
    })
  }

  /** Rejects once the entry is another version, or none. */
  async #check(offset: number): Promise<void> {
    if (this.#options.consistency === 'conflict') await this.#current(offset)
  }

  /** The record that the alias has now; rejects if it is that of other bytes. */
  async #current(offset: number): Promise<EntryRecord> {
    const current = await this.#version.lookup()
    // Compared by content: an update with the same bytes is no conflict.
    const actualEtag = etagOf(current.digest)
    if (actualEtag === this.etag) return current
    throw new ConflictError(`the entry was updated while it was being read: ${this.alias}`, {
      alias: this.alias,
      expectedEtag: this.etag,
      actualEtag,
      offset,
    })
  }

  async #openStored(signal: AbortSignal): Promise<StoredStream> {
    const { alias } = this
    const { store, record } = this.#version
    return openStored(store, alias, record, signal).catch(async (error: unknown) => {
      // An update with the same bytes may have put them in another stream.
      const current = isNotFound(error) ? await this.#current(0) : record
      if (current.id === record.id) throw error
      return openStored(store, alias, current, signal)
    })
  }

  /** Names the entry in the error for what is damaged, and finds out what has become of a stream that has gone. */
  async #explain(error: unknown, offset: number): Promise<unknown> {
    const { alias } = this
    const { name, message, ...facts } = error as IntegrityError | NotFoundError
    if (facts.alias !== undefined) return error
    if (name === 'IntegrityError') {
      return new IntegrityError(`the entry ${alias} is damaged: ${message}`, { ...facts, alias, cause: error })
    }
    if (name !== 'NotFoundError') return error
    try {
      const { id: streamId } = await this.#current(offset)
      if (streamId !== this.#version.record.id) return error
      return new IntegrityError(`the entry ${alias} is damaged: ${message}`, { alias, streamId, cause: error })
    } catch (found) {
      return found
    }
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason
  }
}

function isNotFound(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'NotFoundError'
}
