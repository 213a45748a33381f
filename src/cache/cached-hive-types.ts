import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type { Entry, EntryInfo, Hive, OpenOptions } from '../hive/hive.ts'
import type { StoreHost } from '../store/host.ts'
import type { CachedRanges } from './find-cached.ts'
import type { PinProgress } from './pin-version.ts'

/** Opens an entry over the network by its name, as {@linkcode Hive.open} does: for {@linkcode openUrl}, by its URL. */
export type OpenEntry = (alias: string, options: OpenOptions) => Promise<Entry>

/** Options of {@linkcode cachedHive}. */
export interface CachedHiveOptions {
  /**
   * Budget of the store in bytes, for all hives and principals that use it: what is kept, and 512 bytes for each block of
   * it. What is read is at most 1,000,000 bytes a block.
   */
  bytes: number
  /**
   * Name of the remote hive. What is cached under one name is never served under another.
   * @default the URL of an `HttpHive`, else `''`
   */
  hive?: string | undefined
  /**
   * Whose access to the hive it is, such as the name of a user: not a token, which changes. What was fetched for one
   * principal is never served to another.
   * @default ''
   */
  principal?: string | undefined
  /**
   * Milliseconds after which `open` and `stat` stop waiting for the remote hive, and serve the version that was seen last,
   * if there is one.
   * @default 3_000
   */
  staleAfterMs?: number | undefined
  /**
   * Bytes of blocks that are held in memory besides: those that were read last, so that they are not read from the store and
   * checked again for each range of them.
   * @default 0
   */
  memoryBytes?: number | undefined
  /**
   * Whether to keep a watch of the remote hive open, and to ask it for the current version of an entry only if that may have
   * changed. What the hive has answered is trusted until it tells of a change, or the watch breaks off, but for ten seconds
   * at most: meanwhile, `open` and `stat` may give a version that has just been replaced. It takes an `HttpHive` that can be
   * watched; any other hive is asked each time.
   * @default false
   */
  follow?: boolean | undefined
  /** Ends the storing of blocks and the watch of `follow`, for good. What has been stored can still be read. */
  signal?: AbortSignal | undefined
  /**
   * Gets what no reader notices: the store is full or fails, so that nothing is kept for a while, or the network has
   * changed bytes, so that they are not kept. An error that repeats is reported once in ten seconds.
   */
  onError?: ((error: unknown) => void) | undefined
  /**
   * Clock and timers, for tests that control them. The clock decides which blocks are evicted first, how long nobody waits
   * for a store or a hive that has failed, and, with `follow`, how long an answer is trusted.
   * @default systemHost
   */
  host?: StoreHost | undefined
}

/** What describes an entry of a {@linkcode CachedHive}. */
export interface CachedEntryInfo extends EntryInfo {
  /**
   * Whether the remote hive could not be asked, so that this is the version that is pinned, or else the one that was seen
   * last; absent if it could.
   */
  readonly stale?: true | undefined
}

/** An open entry of a {@linkcode CachedHive}. */
export interface CachedEntry extends Entry, CachedEntryInfo {}

/** Options of {@linkcode CachedHive.pin}. */
export interface PinOptions extends HiveCallOptions {
  /** Called as the bytes arrive. */
  onProgress?: ((progress: PinProgress) => void) | undefined
}

/** Options of {@linkcode CachedHive.clear}. */
export interface ClearOptions extends HiveCallOptions {
  /**
   * Removes what all hives and principals have in the store, and not only this hive's and this principal's.
   * @default false
   */
  everyone?: boolean | undefined
}

/** What a cache occupies. */
export interface CacheUsage {
  /** Bytes in use, with 512 for each block: also those of evicted blocks whose space was not given back yet. */
  readonly bytes: number
  /** Bytes that the pinned versions of entries that are not gone need, whether they are here yet or not. */
  readonly pinnedBytes: number
  /** The budget. */
  readonly limit: number
}

/** Where the bytes came from that were read since the hive was made. */
export interface CacheStatistics {
  /** Bytes that arrived from the remote hive. */
  readonly networkBytes: number
  /** Bytes that were read and came from the cache. */
  readonly cacheBytes: number
}

/**
 * A hive in front of another that keeps what was read. Entries that are read again, or while there is no network, come
 * from the store; docs/cache.md says what is kept, and for how long.
 */
export interface CachedHive extends Hive {
  /** Where the bytes came from. */
  readonly statistics: CacheStatistics
  /** See {@linkcode Hive.open}. Without a network, it opens the version that is pinned, or was seen last. */
  open(alias: string, options?: OpenOptions): Promise<CachedEntry>
  /** See {@linkcode Hive.stat}. Without a network, it describes the version that is pinned, or was seen last. */
  stat(alias: string, options?: HiveCallOptions): Promise<CachedEntryInfo>
  /**
   * Fetches all of the current version of an entry, and keeps it until it is unpinned, or another version is pinned. If it
   * fails or is aborted, the entry is pinned as it was before. A process that is killed meanwhile leaves the version
   * pinned, as far as it came; pin it again to complete it.
   *
   * @throws {QuotaExceededError} before anything is fetched, if the pinned versions would be larger than the budget, or
   *   later, if the store is full.
   * @throws {IntegrityError} if bytes do not match the digest that the hive tells.
   * @throws {ConflictError} if the entry is updated meanwhile.
   * @throws {DOMException} named `AbortError` if it is unpinned meanwhile, another version is pinned, or the cache is
   *   cleared.
   * @throws {FormatError} with `reason: 'unsupported'` if the server forbids keeping the bytes (`no-store`).
   */
  pin(alias: string, options?: PinOptions): Promise<CachedEntryInfo>
  /** Lets the pinned version of an entry be evicted. Nothing happens if there is none. */
  unpin(alias: string, options?: HiveCallOptions): Promise<void>
  /** Which bytes are here of the version that was seen last; undefined if there are none. The remote hive is not asked. */
  cached(alias: string, options?: HiveCallOptions): Promise<CachedRanges | undefined>
  /** What the cache occupies, with all that other hives and principals have in the store. */
  usage(options?: HiveCallOptions): Promise<CacheUsage>
  /**
   * Removes all that this hive has for this principal, pinned versions too. Entries that are open, also in other tabs, can
   * still be read, but nothing of them is kept any more.
   */
  clear(options?: ClearOptions): Promise<void>
  /** Waits until all blocks that were read are stored or given up. */
  flush(): Promise<void>
}
