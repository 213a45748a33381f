import { describeValue } from '../bytes/describe-value.ts'
import { markHandled } from '../bytes/promises.ts'
import { NotFoundError, QuotaExceededError } from '../errors.ts'
import { PatchStream } from '../rsync/patch-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { noticesOf } from '../store/notices.ts'
import {
  aliasRowsIn,
  aliasRowsOf,
  describeStreamIn,
  readReferenceIn,
  type StreamFacts,
} from '../store/transactions/alias-rows.ts'
import { checkAlias } from './alias.ts'
import { assertReplaceable, readAliasRow, readReplaced, type Replaced } from './alias-row.ts'
import { checkBufferSize } from './buffer-size.ts'
import { checkRename } from './check-rename.ts'
import { checkConsistency } from './consistency.ts'
import { announceChange, changeStream } from './entry-changes.ts'
import { entrySink, type EntryTarget } from './entry-sink.ts'
import { DAMAGED_ETAG, entryInfo, type EntryRecord, etagOf, formatEntryRecord } from './entry-record.ts'
import { entryStream } from './entry-stream.ts'
import type { HiveCallOptions } from './hive-call-options.ts'
import type {
  Consistency,
  EntriesOptions,
  Entry,
  EntryInfo,
  EntryList,
  EntrySink,
  Hive,
  ListedEntry,
  ListOptions,
  OpenOptions,
  PatchSinkOptions,
  RemoveOptions,
  RenameOptions,
  SinkOptions,
  WatchOptions,
} from './hive.ts'
import type { HiveChange } from './hive-change.ts'
import { checkListOptions } from './list-options.ts'
import type { Computing } from './kept-signature.ts'
import { PinnedEntry } from './pinned-entry.ts'
import { StoredVersion } from './stored-version.ts'
import { checkMediaType } from './media-type.ts'
import { assertPrecondition, checkPrecondition } from './precondition.ts'
import { entryReference, signatureReference } from './alias-references.ts'

/** Who holds the references of entries. */
const ALIAS = { owner: 'alias' } as const

/** The precondition of a name that must not be taken. */
const NEW = { ifNoneMatch: '*' } as const

/** What makes a change a part of a transaction that the caller has open. */
export interface JoinOptions {
  /**
   * The transaction, as `StreamStore.transaction` takes it: what the client's `begin` passes on, with PostgreSQL, or a
   * `DatabaseSync`, with a directory.
   * @default a transaction of its own
   */
  join?: unknown
}

/** Options of {@linkcode LocalHive.link}. */
export interface LinkOptions extends SinkOptions, JoinOptions {}

/** Options of {@linkcode LocalHive}. */
export interface LocalHiveOptions {
  /**
   * Largest entry, in bytes. A sink that gets more fails with a `QuotaExceededError`. A delta that makes more fails
   * with a `FormatError` whose reason is `limit`; a delta of a few bytes can make an entry of any size.
   * @default Infinity
   */
  maxEntrySize?: number | undefined
}

/**
 * A hive that lives in a stream store: each alias is a row that points to a stored stream, and references it.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { memoryBackend } from 'combstream/backends/memory'
 *
 * const hive = new LocalHive(new StreamStore(memoryBackend()))
 * await new Blob(['buzz']).stream().pipeTo(hive.sink('bee.txt', { type: 'text/plain' }))
 *
 * const entry = await hive.open('bee.txt')
 * console.log(await new Response(entry.stream({ start: 1 })).text()) // 'uzz'
 * ```
 */
export class LocalHive implements Hive {
  readonly #store: StreamStore
  readonly #maxEntrySize: number
  readonly #computing: Computing = new Map()

  /**
   * Opens the hive in a store; one store holds one hive.
   *
   * @throws {TypeError} if `store` is not a StreamStore, or `maxEntrySize` is neither an integer nor Infinity.
   * @throws {RangeError} if `maxEntrySize` is negative.
   */
  constructor(store: StreamStore, { maxEntrySize = Infinity }: LocalHiveOptions = {}) {
    if (typeof store?.sink !== 'function')
      throw new TypeError(`store must be a StreamStore, got ${describeValue(store)}`)
    if (maxEntrySize !== Infinity && !Number.isSafeInteger(maxEntrySize)) {
      throw new TypeError(
        `maxEntrySize must be an integer up to 2^53 - 1, or Infinity, got ${describeValue(maxEntrySize)}`,
      )
    }
    if (maxEntrySize < 0) throw new RangeError(`maxEntrySize must be at least 0, got ${maxEntrySize}`)
    this.#store = store
    this.#maxEntrySize = maxEntrySize
  }

  /** See {@linkcode Hive.open}. */
  async open(alias: string, options: OpenOptions = {}): Promise<Entry> {
    const { signal } = options
    const bufferSize = checkBufferSize(options.bufferSize)
    const consistency = checkConsistency(options.consistency)
    return new PinnedEntry(this.#version(alias, await this.#lookup(alias, { signal }), consistency), bufferSize)
  }

  /** See {@linkcode Hive.stat}. */
  async stat(alias: string, options: HiveCallOptions = {}): Promise<EntryInfo> {
    return entryInfo(alias, await this.#lookup(alias, options))
  }

  /** See {@linkcode Hive.list}. */
  async list(options: ListOptions = {}): Promise<EntryList> {
    const { prefix, after, limit } = checkListOptions(options)
    const encoder = new TextEncoder()
    const rows = await aliasRowsOf(this.#store).list({
      prefix: encoder.encode(prefix),
      after: after === undefined ? undefined : encoder.encode(after),
      // One more than `limit` shows whether there are more.
      limit: limit + 1,
      signal: options.signal,
    })
    // A byte order mark at the beginning is part of the alias.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const entries = rows.slice(0, limit).map(({ key, value }) => listed(decoder.decode(key), value))
    return rows.length > limit ? { entries, next: entries.at(-1)!.alias } : { entries }
  }

  /** See {@linkcode Hive.entries}. */
  entries(options: EntriesOptions = {}): ReadableStream<ListedEntry> {
    return entryStream((page) => this.list(page), options)
  }

  /**
   * Streams the changes that are committed from now on, soon after each: entries that are stored, updated or removed. How
   * far it sees depends on the backend: with IndexedDB, to all tabs and workers of the origin; with PostgreSQL, to all who
   * have the same schema open; otherwise to all hives of this process that use the same backend object.
   *
   * While nobody reads, only the last change of each entry is kept. A change without an `alias` says that some may have been
   * missed. One may be missed in silence, as when the tab that made it closes at once; so look by other means, too.
   *
   * The stream fails with the reason of `signal`, with a `TypeError` when the store is closed, and with a `BackendError`
   * if changes of more than 10,000 entries wait to be read.
   *
   * @throws {TypeError} at once, if `prefix` is not a string without lone surrogates.
   */
  watch(options: WatchOptions = {}): ReadableStream<HiveChange> {
    return changeStream(noticesOf(this.#store), options)
  }

  /**
   * Makes an entry of a stream that is stored already, or the next version of one. A stream that was stored without a
   * reference is kept by this one from now on.
   *
   * With `join`, this is part of a transaction that you have open in the engine. Then `watch` does not show it.
   *
   * @param id Id of the stored stream.
   * @throws {NotFoundError} if there is no such stream.
   * @throws {ConflictError} if the entry is not the version that `ifMatch` names.
   * @throws {AlreadyExistsError} if there is an entry, and `ifNoneMatch` is given.
   * @throws {QuotaExceededError} if the stream is larger than `maxEntrySize`.
   */
  async link(alias: string, id: string, { join, ...options }: LinkOptions = {}): Promise<void> {
    const key = checkAlias(alias)
    checkPrecondition(options)
    const type = checkMediaType(options.type)
    const { signal } = options
    const limit = this.#maxEntrySize
    const digest = await this.#store.transaction(
      async (tx) => {
        const stored = await describeStreamIn(tx, id)
        if (stored.size > limit) throw new QuotaExceededError(`the entry is larger than ${limit} bytes`, { limit })
        await setAlias(tx, { alias, key, type, precondition: options }, stored)
        await tx.markAsUsed(id, entryReference(key), ALIAS)
        return stored.digest
      },
      { signal, join },
    )
    if (join === undefined) announceChange(noticesOf(this.#store), { alias, etag: etagOf(digest) })
  }

  /** See {@linkcode Hive.remove}. With `join`, it is part of a transaction that you have open in the engine. */
  async remove(alias: string, { ifMatch, signal, join }: RemoveOptions & JoinOptions = {}): Promise<void> {
    const key = checkAlias(alias)
    checkPrecondition({ ifMatch })
    await this.#store.transaction(
      async (tx) => {
        const old = await replacedBy(tx, alias, key)
        if (!old) throw notFound(alias)
        assertReplaceable(alias, old, { ifMatch })
        aliasRowsIn(tx).delete(key)
        await unmarkVersion(tx, key, old)
      },
      { signal, join },
    )
    if (join === undefined) announceChange(noticesOf(this.#store), { alias, etag: undefined })
  }

  /**
   * See {@linkcode Hive.rename}. The signature of the version is kept. With `join`, it is part of a transaction that you
   * have open in the engine. Then `watch` does not show it.
   */
  async rename(alias: string, to: string, options: RenameOptions & JoinOptions = {}): Promise<void> {
    const keys = checkRename(alias, to, options)
    const { ifMatch, overwrite = false, signal, join } = options
    const etag = await this.#store.transaction(
      async (tx) => {
        const row = await aliasRowsIn(tx).get(keys.from)
        if (!row) throw notFound(alias)
        const record = readAliasRow(alias, row)
        assertPrecondition(alias, etagOf(record.digest), { ifMatch })
        const target = { alias: to, key: keys.to, type: record.type, precondition: overwrite ? {} : NEW }
        await moveAlias(tx, keys.from, record, target)
        return etagOf(record.digest)
      },
      { signal, join },
    )
    if (join !== undefined) return
    announceChange(noticesOf(this.#store), { alias: to, etag })
    announceChange(noticesOf(this.#store), { alias, etag: undefined })
  }

  /** See {@linkcode Hive.sink}. */
  sink(alias: string, options: SinkOptions = {}): EntrySink {
    const key = checkAlias(alias)
    checkPrecondition(options)
    const type = checkMediaType(options.type)
    const open = async (signal: AbortSignal): Promise<EntryTarget> => {
      const row = await aliasRowsOf(this.#store).get(key, { signal })
      assertReplaceable(alias, row && readReplaced(alias, row), options)
      return this.#target(alias, key, type, options, signal)
    }
    return entrySink(open, { signal: options.signal, maxBytes: this.#maxEntrySize })
  }

  /** See {@linkcode Hive.patchSink}. */
  patchSink(alias: string, { ifMatch, signal: userSignal }: PatchSinkOptions = {}): EntrySink {
    const key = checkAlias(alias)
    checkPrecondition({ ifMatch })
    const open = async (signal: AbortSignal): Promise<EntryTarget> => {
      const record = await this.#lookup(alias, { signal })
      const version = this.#version(alias, record, 'snapshot')
      const basis = new PinnedEntry(version, checkBufferSize())
      assertPrecondition(alias, basis.etag, { ifMatch })
      // If the size is damaged, the delta may not fit it, although nothing is wrong with the delta.
      await version.checkStored(signal)
      const patch = new PatchStream(basis, { maxOutputLength: this.#maxEntrySize })
      const target = this.#target(alias, key, basis.type, { ifMatch: basis.etag }, signal)
      const piped = patch.readable.pipeTo(target.writable)
      markHandled(piped)
      return { writable: patch.writable, entry: piped.then(() => target.entry) }
    }
    return entrySink(open, { signal: userSignal })
  }

  /** A sink of the store whose commit also moves the alias. */
  #target(alias: string, key: Uint8Array, type: string, precondition: SinkOptions, signal: AbortSignal): EntryTarget {
    let committed: EntryRecord
    const sink = this.#store.sink({
      signal,
      reference: entryReference(key),
      owner: 'alias',
      prepareCommit: async (tx) => {
        const old = await replacedBy(tx, alias, key)
        if (old)
          await Promise.all(referencesOf(key, old).map(([id, reference]) => readReferenceIn(tx, id, reference, ALIAS)))
      },
      onCommit: async (tx, stored) => {
        // The store sets the new reference after this.
        committed = await setAlias(tx, { alias, key, type, precondition }, stored)
      },
    })
    const entry = sink.stored.then(() => {
      announceChange(noticesOf(this.#store), { alias, etag: etagOf(committed.digest) })
      return new PinnedEntry(this.#version(alias, committed, 'conflict'), checkBufferSize())
    })
    markHandled(entry)
    return { writable: sink, entry }
  }

  #version(alias: string, record: EntryRecord, consistency: Consistency): StoredVersion {
    const lookup = (): Promise<EntryRecord> => this.#lookup(alias)
    const computing = this.#computing
    return new StoredVersion({ hive: this, store: this.#store, alias, record, consistency, computing, lookup })
  }

  /** The current record of an alias. */
  async #lookup(alias: string, { signal }: HiveCallOptions = {}): Promise<EntryRecord> {
    const row = await aliasRowsOf(this.#store).get(checkAlias(alias), { signal })
    if (!row) throw notFound(alias)
    return readAliasRow(alias, row)
  }
}

/** Gives what an alias has to another one, with the signature. */
async function moveAlias(tx: Transaction, from: Uint8Array, record: EntryRecord, target: AliasChange): Promise<void> {
  const old = await replacedBy(tx, target.alias, target.key)
  assertReplaceable(target.alias, old, target.precondition)
  if (old) await unmarkVersion(tx, target.key, old)
  await tx.markAsUsed(record.id, entryReference(target.key), ALIAS)
  const signatureId = record.signatureId && (await keepSignature(tx, target.key, record.signatureId))
  await Promise.all(referencesOf(from, record).map(([id, reference]) => tx.unmarkAsUsed(id, reference, ALIAS)))
  aliasRowsIn(tx).delete(from)
  aliasRowsIn(tx).set(target.key, formatEntryRecord({ ...record, modifiedMs: nextModified(old), signatureId }))
}

/** Keeps a signature under another alias, unless it is lost: it can be computed again. */
async function keepSignature(tx: Transaction, key: Uint8Array, id: string): Promise<string | undefined> {
  try {
    await tx.markAsUsed(id, signatureReference(key), ALIAS)
    return id
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') return undefined
    throw error
  }
}

/** What an alias becomes. */
interface AliasChange {
  readonly alias: string
  readonly key: Uint8Array
  readonly type: string
  readonly precondition: SinkOptions
}

/** Points an alias to a stored stream, whose reference is set besides, and drops the references of its former version. */
async function setAlias(
  tx: Transaction,
  { alias, key, type, precondition }: AliasChange,
  { id, digest, size }: StreamFacts,
): Promise<EntryRecord> {
  const old = await replacedBy(tx, alias, key)
  assertReplaceable(alias, old, precondition)
  // Where both streams are one, the reference stays.
  if (old && old.id !== id) await unmarkVersion(tx, key, old)
  const signatureId = old?.id === id ? old.signatureId : undefined
  const record = { id, digest, size, type, modifiedMs: nextModified(old), signatureId }
  aliasRowsIn(tx).set(key, formatEntryRecord(record))
  return record
}

/** The time of the version that replaces another: the clock may be set back, but the times of versions must grow. */
function nextModified(old: Replaced | undefined): number {
  return Math.max(Date.now(), (old?.modifiedMs ?? -1) + 1)
}

async function replacedBy(tx: Transaction, alias: string, key: Uint8Array): Promise<Replaced | undefined> {
  const row = await aliasRowsIn(tx).get(key)
  return row && readReplaced(alias, row)
}

/** Drops the references by which an alias keeps its streams alive. */
async function unmarkVersion(tx: Transaction, key: Uint8Array, version: Replaced): Promise<void> {
  await Promise.all(referencesOf(key, version).map(([id, reference]) => tx.unmarkAsUsed(id, reference, ALIAS)))
}

/** The streams of a version, and the references by which an alias keeps them. */
function referencesOf(
  key: Uint8Array,
  { id, signatureId }: Pick<Replaced, 'id' | 'signatureId'>,
): (readonly [id: string, reference: Uint8Array])[] {
  return [
    ...(id === undefined ? [] : [[id, entryReference(key)] as const]),
    ...(signatureId === undefined ? [] : [[signatureId, signatureReference(key)] as const]),
  ]
}

/** Describes an entry for a list; a row that cannot be read must not hide the other entries. */
function listed(alias: string, row: Uint8Array): ListedEntry {
  try {
    return entryInfo(alias, readAliasRow(alias, row))
  } catch (error) {
    const { message: damage } = error as Error
    return { alias, size: 0, etag: DAMAGED_ETAG, type: checkMediaType(), modified: new Date(0), damage }
  }
}

function notFound(alias: string): NotFoundError {
  return new NotFoundError(`there is no such entry: ${alias}`, { alias })
}
