import type { ByteSource } from '../bytes/byte-source.ts'

/** Options that every operation of a hive takes. */
export interface HiveCallOptions {
  /** Gives the operation up; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** What a hive knows about an entry without reading it. */
export interface EntryInfo {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /**
   * The strong validator of the version (RFC 9110, section 8.8.3), quotes included: the base64url of the SHA-256 of
   * the bytes, so that whoever has the bytes can tell whether they are these.
   */
  readonly etag: string
  /** Media type, as it was given to the sink; `application/octet-stream` if none was. */
  readonly type: string
  /** When this version was committed. */
  readonly modified: Date
}

/** An entry as a list has it. */
export interface ListedEntry extends EntryInfo {
  /**
   * What is wrong with the entry, if the hive cannot read what it knows of it: then `size` is 0, `etag` is `""` in its
   * quotes, `type` is `application/octet-stream` and `modified` is 1970. It
   * cannot be opened. It can be removed and replaced, unless a later version of the package wrote it.
   */
  readonly damage?: string | undefined
}

/** Entries of a hive, in the order of the UTF-8 bytes of their aliases. */
export interface EntryList {
  /** The entries: at most as many as were asked for, perhaps fewer. */
  readonly entries: readonly ListedEntry[]
  /** There are more entries: pass this as `after` to get them. Absent at the end. */
  readonly next?: string | undefined
}

/** Options of {@linkcode Entry.stream}. */
export interface EntryStreamOptions extends HiveCallOptions {
  /**
   * Offset of the first byte.
   * @default 0
   */
  start?: number | undefined
  /**
   * Offset after the last byte.
   * @default the size of the entry
   */
  end?: number | undefined
}

/** Options of {@linkcode Entry.reader}. */
export interface EntryReaderOptions {
  /**
   * Largest number of bytes of one read, 1,024 to 10,485,760; fixed from here on.
   * @default the bufferSize that the entry was opened with
   */
  bufferSize?: number | undefined
}

/**
 * An entry, opened: pinned to the one version that it had then. It is a {@linkcode ByteSource}, so it can be served,
 * signed, or be the basis of a patch.
 *
 * With `consistency: 'conflict'` every stream, slice and reader compares the version at each buffer, and fails with a
 * `ConflictError` once the entry has been updated, or a `NotFoundError` once it has been removed: nothing is locked.
 */
export interface Entry extends EntryInfo, ByteSource, AsyncDisposable {
  /**
   * The bytes from `start` up to, not including, `end`, as a source of its own; clamped as in `Blob.slice`.
   *
   * @throws {TypeError} if `start` or `end` is no integer.
   */
  slice(start?: number, end?: number): ByteSource
  /**
   * Reads the version, or a range of it, progressively: nothing is read before the reader asks.
   *
   * @throws {RangeError} at once, if `start` or `end` is negative, past the end of the entry, or in the wrong order.
   * @throws {TypeError} at once, if one of them is no integer, or the entry is closed.
   */
  stream(options?: EntryStreamOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * Opens a streaming handle: a position in the version, with `read` and `seek`.
   *
   * @throws {TypeError} if `bufferSize` is no integer, or the entry is closed.
   * @throws {RangeError} if `bufferSize` is not from 1 KiB to 10 MiB.
   */
  reader(options?: EntryReaderOptions): EntryReader
  /**
   * The rdiff signature of the version (RabinKarp and BLAKE2b, librsync's default parameters for this size). It is
   * computed when it is first asked for, given as it is computed, and kept beside the version where that is possible.
   *
   * @throws {TypeError} at once, if the entry is closed.
   */
  signature(options?: HiveCallOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /** Opens the entry again, with the same options: the version that it has now. */
  reopen(options?: HiveCallOptions): Promise<Entry>
  /** Ends every stream and reader of this handle. A closed entry throws TypeErrors; closing twice is fine. */
  close(): Promise<void>
}

/**
 * A streaming handle: an offset in one version of an entry. After an error it is dead, and every later call rejects
 * with the same error.
 */
export interface EntryReader {
  /** Offset in bytes of the next read. */
  readonly offset: number
  /** Number of bytes of the version. */
  readonly size: number
  /** Largest number of bytes of one read. */
  readonly bufferSize: number
  /**
   * Reads `bufferSize` bytes, or what is left of them, and moves on. The array belongs to the caller.
   *
   * @throws {RangeError} at the end; the handle stays usable.
   * @throws {ConflictError} if the entry has been updated; `offset` tells how far this version was read. To go on there in
   * the new version is right only for content that has grown at its end.
   * @throws {NotFoundError} if the entry has been removed.
   * @throws {TypeError} if the handle is closed, or another read is pending.
   */
  read(options?: HiveCallOptions): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Sets the offset of the next read: from 0 up to and including the size.
   *
   * @throws {RangeError} beyond the size; the handle stays usable.
   * @throws {TypeError} if `offset` is no integer, or the handle is closed.
   */
  seek(offset: number): void
  /** Frees everything; closing twice is fine. */
  close(): Promise<void>
}

/**
 * - `conflict`: a reader fails once the entry is no longer the version that was opened.
 * - `snapshot`: a reader finishes the version that was opened.
 */
export type Consistency = 'conflict' | 'snapshot'

/** Options of {@linkcode Hive.open}. */
export interface OpenOptions extends HiveCallOptions {
  /**
   * Largest number of bytes that are delivered between two looks at the version, 1,024 to 10,485,760.
   * @default 1_048_576
   */
  bufferSize?: number | undefined
  /**
   * What a reader does once the entry is updated.
   * @default 'conflict'
   */
  consistency?: Consistency | undefined
}

/** Options of {@linkcode Hive.sink}. */
export interface SinkOptions extends HiveCallOptions {
  /** Replace only the version with this etag; `'*'`: only if the entry exists. Looked at when writing begins, and at the commit. */
  ifMatch?: string | undefined
  /** `'*'`: only if there is no entry yet. Looked at when writing begins, and at the commit. */
  ifNoneMatch?: '*' | undefined
  /**
   * Media type of the entry.
   * @default 'application/octet-stream'
   */
  type?: string | undefined
}

/** Options of {@linkcode Hive.patchSink}. */
export interface PatchSinkOptions extends HiveCallOptions {
  /** Etag of the version that is the basis of the delta; `'*'`, or none: the version that the entry has when writing begins. */
  ifMatch?: string | undefined
}

/**
 * Takes the bytes of a new version. `close()` commits it atomically; a sink that is aborted before leaves nothing. An
 * abort after `close()` has begun may commit all the same.
 */
export interface EntrySink extends WritableStream<Uint8Array> {
  /** The entry, opened at the new version, once it is committed; its rejection is never an unhandled one. */
  readonly entry: Promise<Entry>
}

/** Options of {@linkcode Hive.remove}. */
export interface RemoveOptions extends HiveCallOptions {
  /** Remove only the version with this etag. */
  ifMatch?: string | undefined
}

/** Options of {@linkcode Hive.entries}. */
export interface EntriesOptions extends HiveCallOptions {
  /**
   * Only aliases that begin with this text.
   * @default ''
   */
  prefix?: string | undefined
  /** Only aliases that come after this one, in the order of their UTF-8 bytes. */
  after?: string | undefined
}

/** Options of {@linkcode Hive.list}. */
export interface ListOptions extends EntriesOptions {
  /**
   * Largest number of entries, 1 to 1,000.
   * @default 1000
   */
  limit?: number | undefined
}

/**
 * A namespace of entries. `LocalHive` keeps one in a stream store, `HttpHive` reaches one over the network; both behave
 * alike.
 *
 * An alias is 1 to 1,023 bytes of UTF-8; it has no lone surrogates and no segment `.` or `..`, and does not begin with
 * `-/`. Every operation throws a TypeError for another one.
 */
export interface Hive {
  /**
   * Opens an entry at the version that it has now.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {IntegrityError} if what the hive knows of it is damaged.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote it.
   * @throws {TypeError} if `bufferSize` is no integer, or `consistency` something else.
   * @throws {RangeError} if `bufferSize` is not from 1 KiB to 10 MiB.
   */
  open(alias: string, options?: OpenOptions): Promise<Entry>
  /**
   * Tells what is known of an entry.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {IntegrityError} if what the hive knows of it is damaged.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote it.
   */
  stat(alias: string, options?: HiveCallOptions): Promise<EntryInfo>
  /**
   * Lists entries in the order of the UTF-8 bytes of their aliases, up to `limit` of them. `next` tells whether there
   * are more; {@linkcode Hive.entries} gives all.
   *
   * @throws {TypeError} if `limit` is not an integer, or `prefix` or `after` is not a string without lone surrogates.
   * @throws {RangeError} if `limit` is not from 1 to 1,000.
   */
  list(options?: ListOptions): Promise<EntryList>
  /**
   * All entries, or those whose aliases begin with `prefix`, in the order of the UTF-8 bytes of their aliases. They are
   * fetched as they are read, so an entry that is stored or removed meanwhile may or may not be among them.
   *
   * @throws {TypeError} at once, if `prefix` or `after` is not a string without lone surrogates.
   */
  entries(options?: EntriesOptions): ReadableStream<ListedEntry>
  /**
   * Removes an entry, a damaged one too.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {ConflictError} if `ifMatch` is given and the entry has another etag.
   * @throws {IntegrityError} if `ifMatch` is given, and the entry is so damaged that its etag is not known.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote it.
   */
  remove(alias: string, options?: RemoveOptions): Promise<void>
  /**
   * Makes a sink for a new version of an entry, new or not; it replaces a damaged one too. Its writes, or its close, fail
   * with `AlreadyExistsError` (`ifNoneMatch`), `ConflictError` (`ifMatch`), `IntegrityError` (`ifMatch`, and the entry is
   * so damaged that its etag is not known), `FormatError` (a later version of the package wrote the entry) or
   * `QuotaExceededError`, and nothing is stored.
   */
  sink(alias: string, options?: SinkOptions): EntrySink
  /**
   * Makes a sink for a delta (rdiff format) against the version that the entry has; what it commits is the patched
   * version. Fails as `sink` does, with `NotFoundError` if there is no such entry, and with `FormatError` if the bytes
   * are not a delta, with `IntegrityError` if the version is damaged.
   */
  patchSink(alias: string, options?: PatchSinkOptions): EntrySink
}
