import type { ClearOptions, PinOptions } from '../cache/cached-hive-types.ts'
import type { CachedRanges } from '../cache/find-cached.ts'
import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type { EntryInfo, EntryList, ListOptions } from '../hive/hive.ts'
import type { WorkerCacheUsage } from './page-calls.ts'
import type { WorkerCalls } from './worker-calls.ts'

/**
 * The cache of a service worker, for its pages. All errors are those of `cachedHive`. A call is made again if the browser
 * has ended the worker meanwhile.
 */
export class WorkerCache {
  readonly #calls: WorkerCalls

  /** Speaks to the worker that answers these calls. */
  constructor(calls: WorkerCalls) {
    this.#calls = calls
  }

  /** Fetches all of an entry, and keeps it until it is unpinned. See `CachedHive.pin`. */
  pin(alias: string, { signal, onProgress }: PinOptions = {}): Promise<EntryInfo> {
    return this.#calls.send({ call: 'pin', alias }, signal, onProgress) as Promise<EntryInfo>
  }

  /** Lets the pinned version of an entry be evicted. See `CachedHive.unpin`. */
  async unpin(alias: string, { signal }: HiveCallOptions = {}): Promise<void> {
    await this.#calls.send({ call: 'unpin', alias }, signal)
  }

  /** Which bytes of an entry are here. See `CachedHive.cached`. */
  cached(alias: string, { signal }: HiveCallOptions = {}): Promise<CachedRanges | undefined> {
    return this.#calls.send({ call: 'cached', alias }, signal) as Promise<CachedRanges | undefined>
  }

  /** Entries of the hive; without a network, those of which something is here. See `CachedHive.list`. */
  list({ after, signal }: Pick<ListOptions, 'after' | 'signal'> = {}): Promise<EntryList> {
    return this.#calls.send({ call: 'list', after }, signal) as Promise<EntryList>
  }

  /** What the cache occupies, and where bytes came from. */
  usage({ signal }: HiveCallOptions = {}): Promise<WorkerCacheUsage> {
    return this.#calls.send({ call: 'usage' }, signal) as Promise<WorkerCacheUsage>
  }

  /** Removes everything that the cache has for this user, pinned entries too. See `CachedHive.clear`. */
  async clear({ everyone = false, signal }: ClearOptions = {}): Promise<void> {
    await this.#calls.send({ call: 'clear', everyone }, signal)
  }

  /** Makes the worker answer from the cache only, for all pages, until this is called with false. */
  async setOffline(offline: boolean, { signal }: HiveCallOptions = {}): Promise<void> {
    await this.#calls.send({ call: 'offline', offline }, signal)
  }
}
