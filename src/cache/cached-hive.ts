import { isTransient } from '../bytes/is-transient.ts'
import { checkAlias } from '../hive/alias.ts'
import { checkBufferSize } from '../hive/buffer-size.ts'
import { checkConsistency } from '../hive/consistency.ts'
import { entrySink } from '../hive/entry-sink.ts'
import { entryStream } from '../hive/entry-stream.ts'
import type { HiveChange } from '../hive/hive-change.ts'
import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type {
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
} from '../hive/hive.ts'
import { checkListOptions } from '../hive/list-options.ts'
import { checkMediaType } from '../hive/media-type.ts'
import { checkPrecondition } from '../hive/precondition.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { AliasKeys } from './alias-keys.ts'
import { BlockCache } from './block-cache.ts'
import type { AliasKey } from './cache-keys.ts'
import { type CachedRanges, findCached } from './find-cached.ts'
import type {
  CachedEntry,
  CachedEntryInfo,
  CachedHive,
  CachedHiveOptions,
  CacheUsage,
  ClearOptions,
  OpenEntry,
  PinOptions,
} from './cached-hive-types.ts'
import { checkCachedHive } from './check-cached-hive.ts'
import { CachedVersion, type CachedVersionOptions } from './cached-version.ts'
import { readUsage } from './cache-usage.ts'
import { clearCache } from './clear-cache.ts'
import { type Confirmation, ConfirmedVersions } from './confirmed-versions.ts'
import { CurrentVersions, describeEntry } from './current-versions.ts'
import { FollowedHive } from './followed-hive.ts'
import type { HiveCache } from './hive-cache.ts'
import { listCached } from './list-cached.ts'
import type { Opening } from './open-confirmed.ts'
import { OpenCachedEntry } from './open-cached-entry.ts'
import { costOf, pinVersion, unpin } from './pin-version.ts'
import { listPins } from './pinned-blocks.ts'
import { RecentNames } from './recent-names.ts'
import { SharedVersions } from './shared-version.ts'
import { VersionRows } from './version-rows.ts'

/**
 * Makes a hive in front of another, `remote`, that keeps the blocks of what is read in `store`, and reads them from there
 * the next time. Instead of a hive, `remote` may be a function that opens entries, such as `openUrl`.
 *
 * The store must not be used for anything else: give it a name of its own if it shares a backend. Several tabs and
 * processes can use one at the same time.
 *
 * @throws {TypeError} if an argument is of a wrong type.
 * @throws {RangeError} if a number is negative.
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { cachedHive } from 'combstream/cache'
 *
 * // Stands for an HttpHive; in a page, use indexedDbBackend for the store.
 * const remote = new LocalHive(new StreamStore(memoryBackend()))
 * await new Blob(['buzz']).stream().pipeTo(remote.sink('bee.txt'))
 *
 * const store = new StreamStore(memoryBackend(), { name: 'cache' })
 * const hive = cachedHive(remote, store, { bytes: 1_000_000_000 })
 * for (let i = 0; i < 2; i++) {
 *   console.log(await (await hive.open('bee.txt')).text()) // 'buzz'
 *   await hive.flush()
 * }
 * console.log(hive.statistics) // { networkBytes: 4, cacheBytes: 4 }
 * ```
 */
export function cachedHive(remote: Hive | OpenEntry, store: StreamStore, options: CachedHiveOptions): CachedHive {
  return new BlockCachedHive(remote, store, options)
}

class BlockCachedHive implements CachedHive {
  readonly statistics: { networkBytes: number; cacheBytes: number } = { networkBytes: 0, cacheBytes: 0 }
  readonly #remote: Hive | undefined
  readonly #cache: HiveCache
  readonly #followed: FollowedHive | undefined
  readonly #confirmed: ConfirmedVersions
  readonly #current: CurrentVersions
  readonly #keys = new AliasKeys()

  constructor(remote: Hive | OpenEntry, store: StreamStore, options: CachedHiveOptions) {
    const checked = checkCachedHive(remote, store, options)
    const { bytes, hive, principal, staleAfterMs, memoryBytes, follow, signal, onError, host } = checked
    this.#remote = typeof remote === 'function' ? undefined : remote
    this.#followed =
      follow && this.#remote
        ? new FollowedHive(this.#remote, {
            host,
            signal,
            onChange: async (alias, etag) => this.#current.learn(await this.#keys.get(alias), etag),
          })
        : undefined
    this.#confirmed = new ConfirmedVersions(host)
    this.#cache = {
      store,
      blocks: new BlockCache(store, { limit: bytes, memory: memoryBytes, host, onError, signal }),
      rows: new VersionRows(store, host, hive, principal),
      shared: new SharedVersions(),
      recentNames: new RecentNames(host),
      abandoned: new Set(),
      pinning: new Map(),
      hasManifests: typeof remote !== 'function',
      statistics: this.statistics,
      open: typeof remote === 'function' ? remote : (alias, given) => remote.open(alias, given),
      stat: typeof remote === 'function' ? remote : (alias, given) => remote.stat(alias, given),
      learn: (key, etag) => {
        this.#forget(key.alias)
        return this.#current.learn(key, etag)
      },
      isConfirmed: (alias, etag) => this.#confirmed.get(alias, etag)?.isRecent ?? false,
    }
    this.#current = new CurrentVersions(this.#cache, staleAfterMs, this.#followed)
  }

  async open(alias: string, options: OpenOptions = {}): Promise<CachedEntry> {
    checkAlias(alias)
    const consistency = checkConsistency(options.consistency)
    const bufferSize = checkBufferSize(options.bufferSize)
    const key = await this.#keys.get(alias)
    const ask = (signal: AbortSignal): Promise<Entry> => this.#cache.open(alias, { consistency, bufferSize, signal })
    const asking = this.#confirmed.begin(alias)
    let confirmation: Confirmation | undefined
    try {
      const asked = await this.#current.ask(key, ask, options.signal)
      const { found, answer: remote, known, stale, removals, toleratedEtag } = asked
      if (remote?.noStore) this.#confirmed.forget(alias)
      else if (remote) confirmation = { key, remote, consistency, bufferSize, known }
      const info = { ...describeEntry(found), alias }
      const version = this.#version(key, info, { consistency, bufferSize, remote, known, removals, toleratedEtag })
      return new OpenCachedEntry(version, bufferSize, stale)
    } finally {
      this.#confirmed.end(asking, confirmation)
    }
  }

  /** See {@linkcode openConfirmed}. */
  openConfirmed(alias: string, etag: string, { consistency, bufferSize }: Opening): CachedEntry | undefined {
    const found = this.#confirmed.get(alias, etag)
    if (!found || found.consistency !== consistency || found.bufferSize !== bufferSize) return undefined
    const { key, remote, known, isRecent } = found
    // First, since it takes longest: the rest of the answer is made meanwhile.
    const readingRemovals = this.#cache.blocks.removals()
    if (!isRecent) this.#confirmed.confirm(alias, () => this.open(alias, { consistency, bufferSize }))
    const info = { ...describeEntry(remote), alias }
    const opening = { consistency, bufferSize, remote, known, removals: undefined }
    const version = this.#version(key, info, { ...opening, isReused: true, readingRemovals })
    return new OpenCachedEntry(version, bufferSize, false)
  }

  async stat(alias: string, options: HiveCallOptions = {}): Promise<CachedEntryInfo> {
    checkAlias(alias)
    const key = await this.#keys.get(alias)
    const ask = (signal: AbortSignal): Promise<EntryInfo> => this.#cache.stat(alias, { signal })
    const { found, stale } = await this.#current.ask(key, ask, options.signal)
    return { ...describeEntry(found), alias, ...(stale && { stale }) }
  }

  async list(options: ListOptions = {}): Promise<EntryList> {
    const checked = checkListOptions(options)
    options.signal?.throwIfAborted()
    if (this.#remote) {
      try {
        return await this.#remote.list(options)
      } catch (error) {
        if (options.signal?.aborted || !isTransient(error)) throw error
      }
    }
    return listCached(this.#cache, checked)
  }

  entries(options: EntriesOptions = {}): ReadableStream<ListedEntry> {
    return entryStream((page) => this.list(page), options)
  }

  watch(options: WatchOptions = {}): ReadableStream<HiveChange> {
    const transform = async (
      change: HiveChange,
      controller: TransformStreamDefaultController<HiveChange>,
    ): Promise<void> => {
      if (change.alias === undefined) this.#confirmed.forgetAll()
      else this.#confirmed.forget(change.alias)
      if (change.alias !== undefined) await this.#current.learn(await this.#keys.get(change.alias), change.etag)
      controller.enqueue(change)
    }
    const strategy = { highWaterMark: 0 }
    return this.#writable('watch')
      .watch(options)
      .pipeThrough(new TransformStream({ transform }, { highWaterMark: 1 }, strategy))
  }

  async remove(alias: string, options: RemoveOptions = {}): Promise<void> {
    await this.#writable('remove').remove(alias, options)
    this.#forget(alias)
    await this.#current.learn(await this.#keys.get(alias), undefined)
  }

  async rename(alias: string, to: string, options: RenameOptions = {}): Promise<void> {
    await this.#writable('rename').rename(alias, to, options)
    for (const each of [alias, to]) this.#forget(each)
    await this.#current.learn(await this.#keys.get(alias), undefined)
    // The new name may have had another version. If the hive cannot be asked now, it is asked when that is opened.
    await this.stat(to, { signal: options.signal }).catch((error: unknown) => this.#cache.blocks.report(error))
  }

  sink(alias: string, options: SinkOptions = {}): EntrySink {
    const remote = this.#writable('sink')
    checkAlias(alias)
    checkPrecondition(options)
    checkMediaType(options.type)
    return this.#sink(alias, options.signal, (signal) => remote.sink(alias, { ...options, signal }))
  }

  patchSink(alias: string, options: PatchSinkOptions = {}): EntrySink {
    const remote = this.#writable('patchSink')
    checkAlias(alias)
    checkPrecondition({ ifMatch: options.ifMatch })
    return this.#sink(alias, options.signal, (signal) => remote.patchSink(alias, { ...options, signal }))
  }

  async pin(alias: string, { signal, onProgress }: PinOptions = {}): Promise<CachedEntryInfo> {
    checkAlias(alias)
    const key = await this.#keys.get(alias)
    const { store, blocks } = this.#cache
    const removals = await readUsage(store, blocks.host)
    const remote = await this.#cache.open(alias, { signal })
    const known = await this.#current.know(key, remote)
    const info = { ...describeEntry(remote), alias }
    const options = { consistency: 'conflict', bufferSize: checkBufferSize(), remote, known, removals } as const
    await pinVersion(this.#cache, key, this.#version(key, info, options), { signal, onProgress })
    return info
  }

  async unpin(alias: string, { signal }: HiveCallOptions = {}): Promise<void> {
    checkAlias(alias)
    signal?.throwIfAborted()
    await unpin(this.#cache, await this.#keys.get(alias))
  }

  async cached(alias: string, { signal }: HiveCallOptions = {}): Promise<CachedRanges | undefined> {
    checkAlias(alias)
    return findCached(this.#cache, await this.#keys.get(alias), signal)
  }

  async usage({ signal }: HiveCallOptions = {}): Promise<CacheUsage> {
    signal?.throwIfAborted()
    const { blocks, store } = this.#cache
    const pins = await listPins(store)
    const pinnedBytes = pins.reduce((sum, { version }) => sum + costOf(version), 0)
    return { bytes: await blocks.usedBytes(), pinnedBytes, limit: blocks.limit }
  }

  async clear({ everyone = false, signal }: ClearOptions = {}): Promise<void> {
    this.#confirmed.forgetAll()
    try {
      await clearCache(this.#cache, everyone ? undefined : await this.#cache.rows.partition, signal)
    } finally {
      // Those that were opened meanwhile may have seen what is gone.
      this.#confirmed.forgetAll()
    }
  }

  flush(): Promise<void> {
    return this.#cache.blocks.flush()
  }

  #version(
    alias: AliasKey,
    info: EntryInfo,
    options: Pick<
      CachedVersionOptions,
      'consistency' | 'bufferSize' | 'remote' | 'known' | 'removals' | 'isReused' | 'readingRemovals' | 'toleratedEtag'
    >,
  ): CachedVersion {
    const reopen = (changed: OpenOptions): Promise<Entry> => {
      this.#forget(alias.alias)
      return this.open(alias.alias, changed)
    }
    return new CachedVersion({ ...options, cache: this.#cache, alias, info, reopen })
  }

  #sink(alias: string, signal: AbortSignal | undefined, make: (signal: AbortSignal) => EntrySink): EntrySink {
    const open = async (given: AbortSignal): Promise<{ writable: EntrySink; entry: Promise<Entry> }> => {
      const writable = make(given)
      return { writable, entry: writable.entry.then((entry) => this.#written(alias, entry)) }
    }
    return entrySink(open, { signal })
  }

  async #written(alias: string, remote: Entry): Promise<Entry> {
    this.#forget(alias)
    const key = await this.#keys.get(alias)
    const removals = await this.#cache.blocks.removals()
    const known = await this.#current.know(key, remote)
    const bufferSize = checkBufferSize()
    const version = this.#version(key, describeEntry(remote), {
      consistency: 'conflict',
      bufferSize,
      remote,
      known,
      removals,
    })
    return new OpenCachedEntry(version, bufferSize, false)
  }

  /** Forgets what the hive has said of an entry, because that has changed. */
  #forget(alias: string): void {
    this.#followed?.forget(alias)
    this.#confirmed.forget(alias)
  }

  #writable(operation: string): Hive {
    if (this.#remote) return this.#remote
    throw new TypeError(`${operation} needs a hive, but this cache has only a function that opens entries`)
  }
}
