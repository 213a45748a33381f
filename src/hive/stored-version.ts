import type { ByteRange } from '../bytes/byte-range.ts'
import { ConflictError, IntegrityError, type NotFoundError } from '../errors.ts'
import { openStoredBlocks, type StoredStream } from '../store/reading/stored-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { checkAlias } from './alias.ts'
import { openStored } from './open-stored.ts'
import { type EntryRecord, entryInfo, etagOf } from './entry-record.ts'
import type { Consistency, Entry, EntryInfo, Hive, OpenOptions } from './hive.ts'
import { type Computing, openSignature } from './kept-signature.ts'
import { bytesOfStream, type VersionBytes } from './version-bytes.ts'
import type { VersionReading, VersionSource } from './version-source.ts'
import { versionStream } from './version-stream.ts'

/** What a {@linkcode StoredVersion} is, and where it comes from. */
export interface StoredVersionOptions {
  readonly hive: Hive
  readonly store: StreamStore
  readonly alias: string
  readonly record: EntryRecord
  /** What a reader does once the entry is updated. */
  readonly consistency: Consistency
  /** The signatures that the hive is computing. */
  readonly computing: Computing
  /** Reads the current record of the alias; rejects with a NotFoundError if there is none. */
  lookup(): Promise<EntryRecord>
}

/** A version of an entry of a `LocalHive`: one stored stream. */
export class StoredVersion implements VersionSource {
  readonly info: EntryInfo
  readonly #options: StoredVersionOptions

  constructor(options: StoredVersionOptions) {
    this.info = entryInfo(options.alias, options.record)
    this.#options = options
  }

  get digest(): Uint8Array {
    return this.#options.record.digest
  }

  read(range: ByteRange, { bufferSize, signals }: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    return versionStream({
      range,
      bufferSize,
      open: async (givenUp) => storedBytes(await this.#openStored(givenUp), range),
      check: (offset) => this.#check(offset),
      explain: (error, offset) => this.#explain(error, offset),
      signals,
    })
  }

  signature({ bufferSize, signals }: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { store, record, computing, alias } = this.#options
    const version = { store, record, computing, alias, aliasBytes: checkAlias(alias) }
    return versionStream({
      range: { start: 0, end: Infinity },
      bufferSize,
      open: async (givenUp) => bytesOfStream(await openSignature(version, givenUp)),
      check: () => this.#check(0),
      explain: (error) => this.#explain(error, 0),
      signals,
    })
  }

  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry> {
    const { hive, alias, consistency } = this.#options
    return hive.open(alias, { ...options, consistency })
  }

  /** Rejects if the stored stream is missing, or does not have the bytes that the row of the alias describes. */
  async checkStored(signal: AbortSignal): Promise<void> {
    try {
      await this.#openStored(signal)
    } catch (error) {
      throw await this.#explain(error, 0)
    }
  }

  /** Rejects once the entry has another version or is gone, if consistency asks for that. */
  async #check(offset: number): Promise<void> {
    if (this.#options.consistency === 'conflict') await this.#current(offset)
  }

  /** The current record of the alias; rejects if it describes other bytes. */
  async #current(offset: number): Promise<EntryRecord> {
    const current = await this.#options.lookup()
    // Compared by content: an update with the same bytes is not a conflict.
    const actualEtag = etagOf(current.digest)
    const { alias, etag: expectedEtag } = this.info
    if (actualEtag === expectedEtag) return current
    throw new ConflictError(`the entry was updated while it was being read: ${alias}`, {
      alias,
      expectedEtag,
      actualEtag,
      offset,
    })
  }

  async #openStored(signal: AbortSignal): Promise<StoredStream> {
    const { store, alias, record } = this.#options
    return openStored(store, alias, record, signal).catch(async (error: unknown) => {
      // An update with the same bytes may have put them in another stream.
      const current = isNotFound(error) ? await this.#current(0) : record
      if (current.id === record.id) throw error
      return openStored(store, alias, current, signal)
    })
  }

  /** Adds the name of the entry to an error about damage, and finds out why a stream is missing. */
  async #explain(error: unknown, offset: number): Promise<unknown> {
    const { alias } = this.info
    const { name, message, ...facts } = error as IntegrityError | NotFoundError
    if (facts.alias !== undefined) return error
    if (name === 'IntegrityError') {
      return new IntegrityError(`the entry ${alias} is damaged: ${message}`, { ...facts, alias, cause: error })
    }
    if (name !== 'NotFoundError') return error
    try {
      const { id: streamId } = await this.#current(offset)
      if (streamId !== this.#options.record.id) return error
      return new IntegrityError(`the entry ${alias} is damaged: ${message}`, { alias, streamId, cause: error })
    } catch (found) {
      return found
    }
  }
}

/** A range of a stored stream. */
function storedBytes(stored: StoredStream, range: ByteRange): VersionBytes {
  const blocks = openStoredBlocks(stored, range)
  return {
    read: async (lent) => (lent ? blocks.lend() : blocks.next()),
    fill: (buffer) => blocks.fill(buffer),
    cancel: (reason) => blocks.cancel(reason),
  }
}

function isNotFound(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'NotFoundError'
}
