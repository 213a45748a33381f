import type { ByteSource } from '../bytes/byte-source.ts'
import type { EntryManifest, ManifestOptions } from './entry-manifest.ts'
import type { HiveCallOptions } from './hive-call-options.ts'
import type { HiveChange } from './hive-change.ts'

/** What a hive knows about an entry without reading it. */
export interface EntryInfo {
  /** Name of the entry. An entry that `openUrl` has opened is named by its URL. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /**
   * The strong validator of the version (RFC 9110, section 8.8.3), quotes included. In a hive, it is the base64url of the
   * SHA-256 of the bytes, so anyone who has bytes can tell whether they are the same. An entry that `openUrl` has opened
   * has the validator of its server.
   */
  readonly etag: string
  /** Media type, as it was given to the sink; `application/octet-stream` if none was. */
  readonly type: string
  /** When this version was committed. */
  readonly modified: Date
  /** Whether the server forbids keeping the bytes (`Cache-Control: no-store`); absent if it does not. */
  readonly noStore?: true | undefined
}

/** An entry in a list. */
export interface ListedEntry extends EntryInfo {
  /**
   * What is wrong with the entry, if its row is damaged. Then `size` is 0, `etag` is `""` (the two quotes), `type` is
   * `application/octet-stream` and `modified` is 1970. The entry cannot be opened. It can be removed and replaced,
   * unless a later version of the package wrote it.
   */
  readonly damage?: string | undefined
}

/** Entries of a hive, in the order of the UTF-8 bytes of their aliases. */
export interface EntryList {
  /** The entries: at most `limit` of them, perhaps fewer. */
  readonly entries: readonly ListedEntry[]
  /** If there are more entries: the value of `after` that lists them. Absent at the end. */
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

/** Options of {@linkcode Entry.bytes}, {@linkcode Entry.blob} and {@linkcode Entry.text}. */
export interface ReadWholeOptions extends HiveCallOptions {
  /**
   * Largest size in bytes that is read into memory; Infinity for any size.
   * @default 1_073_741_824, and 268_435_456 for `text`
   */
  limit?: number | undefined
}

/**
 * An open entry, pinned to the version that it had when it was opened. It is a {@linkcode ByteSource}, so it can be
 * served, signed, or used as the basis of a patch.
 *
 * With `consistency: 'conflict'`, every stream, slice and reader compares the version at each buffer. It fails with a
 * `ConflictError` once the entry has been updated, or a `NotFoundError` once it has been removed. Nothing is locked.
 */
export interface Entry extends EntryInfo, ByteSource, AsyncDisposable {
  /**
   * The bytes from `start` up to, not including, `end`, as a separate source; clamped as in `Blob.slice`.
   *
   * @throws {TypeError} if `start` or `end` is not an integer.
   */
  slice(start?: number, end?: number): ByteSource
  /**
   * Reads the version, or a range of it, progressively: nothing is read before the stream is.
   *
   * @throws {RangeError} at once, if `start` or `end` is negative, past the end of the entry, or in the wrong order.
   * @throws {TypeError} at once, if one of them is not an integer, or the entry is closed.
   */
  stream(options?: EntryStreamOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * Opens a streaming handle: a position in the version, with `read` and `seek`.
   *
   * @throws {TypeError} if `bufferSize` is not an integer, or the entry is closed.
   * @throws {RangeError} if `bufferSize` is not from 1 KiB to 10 MiB.
   */
  reader(options?: EntryReaderOptions): EntryReader
  /**
   * Reads the whole version into memory.
   *
   * @throws {QuotaExceededError} before anything is read, if the entry is larger than `limit`.
   * @throws {TypeError} if `limit` is not an integer, or the entry is closed.
   */
  bytes(options?: ReadWholeOptions): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Reads the whole version into a Blob of the type of the entry. Errors are those of {@linkcode Entry.bytes}.
   */
  blob(options?: ReadWholeOptions): Promise<Blob>
  /**
   * Reads the whole version as UTF-8, as `Blob.text` does: a byte order mark is dropped, and invalid bytes become U+FFFD.
   * Errors are those of {@linkcode Entry.bytes}.
   */
  text(options?: ReadWholeOptions): Promise<string>
  /**
   * Answers a request for this version, whatever its URL: GET and HEAD, with conditions and a range (RFC 9110, sections
   * 13 and 14). The answer is 200, 206, 304, 405, 412 or 416; its header fields are those of `createHiveHandler`, which
   * allow a browser to show the bytes, but not to run them as a page.
   *
   * The first bytes are read before the promise resolves, so it rejects if they cannot be read, for example with a
   * `ConflictError` because the entry has been updated. If a later byte cannot be read, the body fails.
   *
   * @throws {TypeError} if the entry is closed.
   * @example
   * ```ts
   * import { LocalHive, StreamStore } from 'combstream'
   * import { memoryBackend } from 'combstream/backends/memory'
   *
   * const hive = new LocalHive(new StreamStore(memoryBackend()))
   * await new Blob(['buzz']).stream().pipeTo(hive.sink('bee.txt'))
   * const entry = await hive.open('bee.txt')
   *
   * // Deno.serve((request) => entry.response(request)), or right here:
   * const request = new Request('http://localhost/', { headers: { Range: 'bytes=1-2' } })
   * const response = await entry.response(request)
   * console.log(response.status, await response.text()) // 206 'uz'
   * ```
   */
  response(request: Pick<Request, 'method' | 'headers' | 'signal'>): Promise<Response>
  /**
   * The rdiff signature of the version (RabinKarp and BLAKE2b, librsync's default parameters for this size). It is
   * computed at the first request, delivered as it is computed, and kept beside the version where that is possible.
   *
   * @throws {TypeError} at once, if the entry is closed.
   */
  signature(options?: HiveCallOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * The digests of the blocks of the version, or of those that a range touches: as many as the hive gives at a time, in a
   * `LocalHive` 64 of 1,000,000 bytes each, which it reads for that. `next` says where to go on.
   *
   * @throws {RangeError} if `start` or `end` is negative, past the end of the entry, or in the wrong order.
   * @throws {TypeError} if one of them is not an integer, or the entry is closed.
   */
  manifest(options?: ManifestOptions): Promise<EntryManifest>
  /** Opens the entry again at its current version, with the same options. */
  reopen(options?: HiveCallOptions): Promise<Entry>
  /** Ends every stream and reader of this entry. A closed entry throws TypeErrors; closing twice is allowed. */
  close(): Promise<void>
}

/**
 * A streaming handle: an offset in one version of an entry. After an error, every later call fails with the same error,
 * unless noted otherwise.
 */
export interface EntryReader {
  /** Offset in bytes of the next read. */
  readonly offset: number
  /** Number of bytes of the version. */
  readonly size: number
  /** Largest number of bytes of one read. */
  readonly bufferSize: number
  /**
   * Reads `bufferSize` bytes, or as many as are left, and moves the offset. The array belongs to the caller.
   *
   * @throws {RangeError} at the end; the handle stays usable.
   * @throws {ConflictError} if the entry has been updated; `offset` says how far this version was read. Continuing
   * there in the new version is right only for content that has grown at its end.
   * @throws {NotFoundError} if the entry has been removed.
   * @throws {TypeError} if the handle is closed, or another read is pending.
   */
  read(options?: HiveCallOptions): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Sets the offset of the next read: from 0 up to and including the size.
   *
   * @throws {RangeError} beyond the size; the handle stays usable.
   * @throws {TypeError} if `offset` is not an integer, or the handle is closed.
   */
  seek(offset: number): void
  /** Frees everything; closing twice is allowed. */
  close(): Promise<void>
}

/**
 * - `conflict`: a reader fails once the entry is no longer the version that was opened.
 * - `snapshot`: a reader finishes the version that was opened. A collection may delete that version an hour after the update, or
 *   after another grace period. A reader that is not done by then fails with a `ConflictError`, or a `NotFoundError` if the entry
 *   was removed.
 */
export type Consistency = 'conflict' | 'snapshot'

/** Options of {@linkcode Hive.open}. */
export interface OpenOptions extends HiveCallOptions {
  /**
   * Largest number of bytes that are delivered between two checks of the version, 1,024 to 10,485,760. With the
   * default, a stream over HTTP checks the version less often: for each range, whose size its read-ahead decides.
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
  /**
   * Replace only the version with this etag, or, with `'*'`, any version of an entry that exists. Checked when writing
   * begins, and at the commit.
   */
  ifMatch?: string | undefined
  /** With `'*'`, write only if there is no entry yet. Checked when writing begins, and at the commit. */
  ifNoneMatch?: '*' | undefined
  /**
   * Media type of the entry.
   * @default 'application/octet-stream'
   */
  type?: string | undefined
}

/** Options of {@linkcode Hive.patchSink}. */
export interface PatchSinkOptions extends HiveCallOptions {
  /**
   * Etag of the version that is the basis of the delta; `'*'` stands for the version that the entry has when writing
   * begins.
   * @default '*'
   */
  ifMatch?: string | undefined
}

/**
 * Takes the bytes of a new version. `close()` commits it atomically; a sink that is aborted before that leaves nothing.
 * After an abort that comes once `close()` has begun, the version may be committed all the same.
 */
export interface EntrySink extends WritableStream<Uint8Array> {
  /** The entry, opened at the new version, once that is committed; never an unhandled rejection. */
  readonly entry: Promise<Entry>
}

/** Options of {@linkcode Hive.remove}. */
export interface RemoveOptions extends HiveCallOptions {
  /** Remove only the version with this etag. */
  ifMatch?: string | undefined
}

/** Options of {@linkcode Hive.rename}. */
export interface RenameOptions extends HiveCallOptions {
  /** Rename only the version with this etag. */
  ifMatch?: string | undefined
  /**
   * Whether an entry that has the new name already is replaced.
   * @default false
   */
  overwrite?: boolean | undefined
}

/** Options of {@linkcode Hive.entries}. */
export interface EntriesOptions extends HiveCallOptions {
  /**
   * Only aliases that begin with this string.
   * @default ''
   */
  prefix?: string | undefined
  /** Only aliases that come after this one, in the order of their UTF-8 bytes. */
  after?: string | undefined
}

/** Options of {@linkcode Hive.watch}. */
export interface WatchOptions extends HiveCallOptions {
  /**
   * Called with true whenever a server shows that it still sends changes: with each of them, and every eight seconds
   * without one. Called with false when the connection has broken off, until it is resumed. Only an `HttpHive` calls it,
   * while the stream is read.
   */
  onAlive?: ((isAlive: boolean) => void) | undefined
  /**
   * Only aliases that begin with this string.
   * @default ''
   */
  prefix?: string | undefined
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
 * An alias is 1 to 1,023 bytes of UTF-8. It has no lone surrogates and no segment `.` or `..`, and does not begin with
 * `-/`. Every operation throws a TypeError for any other alias.
 */
export interface Hive {
  /**
   * Opens an entry at its current version.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {IntegrityError} if the row of the entry is damaged.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote it.
   * @throws {TypeError} if `bufferSize` is not an integer, or `consistency` is neither `'conflict'` nor `'snapshot'`.
   * @throws {RangeError} if `bufferSize` is not from 1 KiB to 10 MiB.
   */
  open(alias: string, options?: OpenOptions): Promise<Entry>
  /**
   * Describes an entry without reading it.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {IntegrityError} if the row of the entry is damaged.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote it.
   */
  stat(alias: string, options?: HiveCallOptions): Promise<EntryInfo>
  /**
   * Lists up to `limit` entries, in the order of the UTF-8 bytes of their aliases. `next` says whether there are more;
   * {@linkcode Hive.entries} streams all of them.
   *
   * @throws {TypeError} if `limit` is not an integer, or `prefix` or `after` is not a string without lone surrogates.
   * @throws {RangeError} if `limit` is not from 1 to 1,000.
   */
  list(options?: ListOptions): Promise<EntryList>
  /**
   * All entries, or those whose aliases begin with `prefix`, in the order of the UTF-8 bytes of their aliases. They are
   * fetched as they are read, so an entry that is stored or removed in the meantime may or may not be among them.
   *
   * @throws {TypeError} at once, if `prefix` or `after` is not a string without lone surrogates.
   */
  entries(options?: EntriesOptions): ReadableStream<ListedEntry>
  /**
   * Streams the changes that are committed from now on, soon after each: entries that are stored, updated or removed. Of
   * an entry that changes often, some changes may be left out, but not the last one.
   *
   * An `HttpHive` resumes after a cut without a loss, as far as the server remembers the changes. If it does not, or while
   * nobody reads for long, a change whose `alias` is undefined says that some were missed. It goes on through failures of
   * the network, however long they last. It ends with an `AccessError` if the server does not allow it, or a `FormatError`
   * if the server is not a hive that can be watched.
   *
   * A change may be missed in other ways, for example if the tab that made it is closed at once; so use it to look sooner,
   * not in place of looking.
   *
   * @throws {TypeError} at once, if `prefix` is not a string without lone surrogates.
   */
  watch(options?: WatchOptions): ReadableStream<HiveChange>
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
   * Gives an entry another name, in one step. No bytes are sent or copied. Readers that have the entry open under its old
   * name fail as if it had been removed; watchers see both names change.
   *
   * @throws {NotFoundError} if there is no such entry.
   * @throws {AlreadyExistsError} if an entry has the new name, and `overwrite` is not set.
   * @throws {ConflictError} if `ifMatch` is given and the entry has another etag.
   * @throws {IntegrityError} if the row of the entry is damaged.
   * @throws {FormatError} with `reason: 'unsupported'` if a later version of the package wrote one of the rows.
   * @throws {TypeError} if both names are the same.
   */
  rename(alias: string, to: string, options?: RenameOptions): Promise<void>
  /**
   * Makes a sink for a new version of an entry, which need not exist; it replaces a damaged entry too. Nothing is
   * stored if its writes or its close fail with one of these: `AlreadyExistsError` (`ifNoneMatch`), `ConflictError`
   * (`ifMatch`), `IntegrityError` (`ifMatch`, and the entry is so damaged that its etag is not known), `FormatError` (a
   * later version of the package wrote the entry) or `QuotaExceededError`.
   */
  sink(alias: string, options?: SinkOptions): EntrySink
  /**
   * Makes a sink for a delta (rdiff format) against the current version of an entry; it commits the patched version. It
   * fails as `sink` does, and also with `NotFoundError` if there is no such entry, `FormatError` if the bytes are not a
   * delta, and `IntegrityError` if the version is damaged.
   */
  patchSink(alias: string, options?: PatchSinkOptions): EntrySink
}
