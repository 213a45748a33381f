import { describeValue } from '../bytes/describe-value.ts'
import { fromHex, toHex } from '../bytes/byte-text.ts'
import { NotFoundError } from '../errors.ts'
import { parseAtRest } from './rows/at-rest.ts'
import type { Backend, BackendCallOptions, BlockHints } from './backend.ts'
import { ID_BYTES, parseStream, parseStreamId, type StreamRecord } from './rows/row-values.ts'
import type { StoreHost } from './host.ts'
import { retryTransient } from './retry.ts'
import type { ReadAheadBudget } from './reading/read-ahead-budget.ts'
import type { StreamCache } from './reading/stream-cache.ts'
import type { RowKeys } from './rows/row-keys.ts'
import { VersionRow } from './version-row.ts'
import type { StreamIds } from './writing/stream-ids.ts'
import type { WriteBackoff } from './writing/write-backoff.ts'

/** What the parts of one store share. */
export interface StoreContext {
  readonly backend: Backend
  readonly keys: RowKeys
  readonly blockSize: number
  readonly inMemoryThreshold: number
  /** What all readers together may keep in memory. */
  readonly readAhead: ReadAheadBudget
  /** Streams that are kept whole in memory. */
  readonly cache: StreamCache
  readonly leaseMs: number
  /** Number of the codec that blocks are compressed with where that pays. */
  readonly codec: number
  /** Hint for the engine where to put blocks. */
  readonly temperature: BlockHints['temperature']
  /** The back-off of sinks now; it may change at any time. */
  writeBackoff(): WriteBackoff | undefined
  readonly host: StoreHost
  readonly streamIds: StreamIds
  /** The row that says what this package must know to read the store. */
  readonly versionRow: VersionRow
  /** Checks the version of the store, if there is one; called before anything is read. */
  ready(options?: BackendCallOptions): Promise<void>
  /** Checks the version of the store, or writes it if there is none; called before anything is written. */
  readyToWrite(options?: BackendCallOptions): Promise<void>
  /** Keeps the store open until the promise has settled, and ignores its failure. */
  track(work: Promise<unknown>): void
}

/**
 * The context of a store for work on its rows that is part of a transaction which the caller has open in the engine.
 *
 * Only through that transaction does it read rows: the caller may have all connections in use.
 *
 * @param assertOpen Throws if the store is closed.
 * @throws {TypeError} if the engine cannot do this, or this is not such a transaction.
 */
export function joinedContext(context: StoreContext, transaction: unknown, assertOpen: () => void): StoreContext {
  const { backend, keys, host } = context
  if (!backend.metadata.join) throw new TypeError('the backend of this store cannot join a transaction')
  const joined: Backend = {
    metadata: backend.metadata.join(transaction),
    blocks: backend.blocks,
    ...(backend.limits && { limits: backend.limits }),
    ...(backend.createHash && { createHash: () => backend.createHash!() }),
    close: () => Promise.reject(new TypeError('the store closes its backend')),
  }
  // What it writes may be rolled back, so it must not be remembered.
  const versionRow = new VersionRow({ backend: joined, keys, host })
  const ready = async (needed: number | undefined, options?: BackendCallOptions): Promise<void> => {
    assertOpen()
    await versionRow.ensure(needed, options)
  }
  return {
    ...context,
    backend: joined,
    versionRow,
    ready: (options) => ready(undefined, options),
    readyToWrite: (options) => ready(0, options),
  }
}

/** Makes a random id for an object. */
export function randomId({ host }: Pick<StoreContext, 'host'>): Uint8Array<ArrayBuffer> {
  return host.random(ID_BYTES)
}

/**
 * The bytes of an id.
 *
 * @throws {NotFoundError} if it is not an id of this package: an id is opaque, so one that was never given out does not exist.
 */
export function parseId(id: string): Uint8Array {
  if (typeof id !== 'string') throw new TypeError(`an id must be a string, got ${typeof id}`)
  const bytes = fromHex(id)
  if (bytes?.byteLength !== ID_BYTES || id !== toHex(bytes)) {
    throw new NotFoundError(`there is no stored stream ${describeValue(id)}`, { streamId: id })
  }
  return bytes
}

/** The error for a stream that is not there, or must not be read. */
export function noSuchStream(id: string): NotFoundError {
  return new NotFoundError(`there is no stored stream ${id}`, { streamId: id })
}

/**
 * Parses the row of a stream.
 *
 * @throws {IntegrityError} if the row is damaged.
 */
export function parseStreamRow(id: Uint8Array, value: Uint8Array): StreamRecord {
  const streamId = toHex(id)
  return parseAtRest(`the row of stored stream ${streamId}`, { streamId }, value, parseStream)
}

/**
 * Parses the row of a digest: the id of the stream that has it.
 *
 * @throws {IntegrityError} if the row is damaged.
 */
export function parseDigestRow(digest: Uint8Array, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return parseAtRest(`the row of the digest ${toHex(digest)}`, {}, value, parseStreamId)
}

/** A stream's row, parsed, with its version. */
export interface VersionedStream {
  readonly record: StreamRecord
  readonly version: string
}

/** Reads a stream's row; undefined if there is none. A read that fails in a way that may be temporary is repeated. */
export async function readStream(
  context: StoreContext,
  id: Uint8Array,
  options?: BackendCallOptions,
): Promise<VersionedStream | undefined> {
  const { backend, keys, host } = context
  const row = await retryTransient(host, () => backend.metadata.get(keys.stream(id), options), options?.signal)
  return row && { record: parseStreamRow(id, row.value), version: row.version }
}
