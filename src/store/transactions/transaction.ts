import type { ByteSource } from '../../bytes/byte-source.ts'
import type { BackendCallOptions } from '../backend.ts'
import type { ReferenceOwner } from '../rows/row-keys.ts'
import type { StoredStream } from '../reading/stored-stream.ts'

/** A row as its owner sees it. */
export interface SpaceRow {
  /** The key; it belongs to the caller. */
  readonly key: Uint8Array
  /** The value; it belongs to the caller. */
  readonly value: Uint8Array
}

/** Which rows {@linkcode RowSpace.list} gives. */
export interface ListSpaceOptions {
  /**
   * Only keys that begin with these bytes.
   * @default all keys
   */
  prefix?: Uint8Array | undefined
  /** Only keys that come after this one. */
  after?: Uint8Array | undefined
  /** The largest number of rows, from 1. */
  limit: number
}

/**
 * Rows that are read and written within a transaction: keys of 1 to 1,024 bytes, values below 60 KB. A transaction sees
 * its own writes.
 */
export interface RowSpace {
  /** The value of a row. It is what it was, when the transaction commits, or the transaction runs again. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Writes a row. The bytes are copied. */
  set(key: Uint8Array, value: Uint8Array): void
  /** Deletes a row, whether it exists or not. */
  delete(key: Uint8Array): void
  /**
   * Rows in the order of the bytes of their keys. A row that appears in the range before the commit is not a conflict:
   * read rows that must not change with `get`.
   */
  list(options: ListSpaceOptions): Promise<SpaceRow[]>
}

/** What a reference is, besides its bytes. */
export interface ReferenceOptions {
  /**
   * Who holds the reference; equal references of different owners are different references.
   * @default 'user'
   */
  owner?: ReferenceOwner | undefined
  /** When it ends to keep the stream alive; it never does, if this is not given. Marking again renews it. */
  expires?: Date | undefined
}

/**
 * One attempt at a change of the store. What it reads is remembered, and what it writes is held back. All of it is
 * committed in one step if nothing that was read has changed; otherwise the function that got the transaction runs
 * again, with a new one. Its rows are `u/<key>`: whatever their keys, they never touch the store's own.
 *
 * One commit takes 10 conditions (rows read, streams marked, references removed) and 100 changes; more is a RangeError.
 * A transaction that has ended throws TypeErrors.
 */
export interface Transaction extends RowSpace {
  /**
   * Opens a stored stream, and fetches its first blocks: `max(1, floor(inMemoryThreshold / blockSize))`, as far as
   * `readAheadBytes` has room for them. The rest is fetched as the stream is read, also after the commit. If the
   * transaction runs again, the streams that were read from it end with a ConflictError.
   *
   * @throws {NotFoundError} if there is no such stream.
   */
  open(id: string): Promise<StoredStream>
  /**
   * Adds a reference, opaque bytes, to a stream: a stream is not collected while it has one. Adding it again changes
   * nothing.
   *
   * @throws {NotFoundError} if there is no such stream, or it was collected.
   * @throws {RangeError} if the reference is longer than 32 KiB.
   */
  markAsUsed(id: string, reference: Uint8Array, options?: ReferenceOptions): Promise<void>
  /**
   * Removes a reference; a stream without references is collected later. Removing it again changes nothing. Of several
   * calls of `markAsUsed` and `unmarkAsUsed` for the same stream and reference, the last one counts.
   */
  unmarkAsUsed(id: string, reference: Uint8Array, options?: Pick<ReferenceOptions, 'owner'>): Promise<void>
  /**
   * Finds the stream with this SHA-256, or stores it, and adds a reference. A stream that has lost a block, or was found
   * damaged, is stored again, which repairs it. Storing is not part of the transaction: if the transaction fails, the
   * stored stream stays, without a reference, until it is collected.
   *
   * @param digest SHA-256 of the bytes.
   * @param source Where the bytes come from, if they are needed: a Blob, another byte source, or a function that makes
   * a stream; not a stream, which would be empty at a second attempt.
   * @throws {IntegrityError} if the bytes have another digest; nothing is stored.
   */
  getByDigestOrStore(
    digest: Uint8Array,
    source: ByteSource | (() => ByteSource | ReadableStream<Uint8Array>),
    reference: Uint8Array,
    options?: ReferenceOptions,
  ): Promise<StoredStream>
}

/** Options of {@linkcode StreamStore.transaction}. */
export interface TransactionOptions extends BackendCallOptions {
  /**
   * A transaction that you have open in the engine, of which everything becomes a part: marks, unmarks and rows are
   * committed when you commit it, together with your own tables, and undone when you roll it back. With
   * `postgresBackend`, the argument that the client's `begin` passes to your function; with `directoryBackend`, a
   * `DatabaseSync` of `node:sqlite` on the database of the directory. Streams that `getByDigestOrStore` stores are not
   * part of it: they stay, and are collected if nothing refers to them in the end.
   * @default a transaction of its own
   */
  join?: unknown
}

/** Rows that are read outside of a transaction. */
export interface ReadonlyRowSpace {
  /** The value of a row: one `get` of the metadata. */
  get(key: Uint8Array, options?: BackendCallOptions): Promise<Uint8Array | undefined>
  /** Rows in the order of the bytes of their keys. */
  list(options: ListSpaceOptions & BackendCallOptions): Promise<SpaceRow[]>
}
