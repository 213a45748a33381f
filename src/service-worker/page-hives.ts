import { markHandled } from '../bytes/promises.ts'
import { cachedHive } from '../cache/cached-hive.ts'
import type { CachedHive, CacheStatistics } from '../cache/cached-hive-types.ts'
import type { Hive } from '../hive/hive.ts'
import type { HttpHiveOptions } from '../http/client/http-hive.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { type FetchResponder, type FetchResponderOptions, pinningResponder } from './fetch-responder.ts'
import { isLost } from './is-lost.ts'
import type { OfflineSwitch } from './offline-switch.ts'
import { authorizedFetch, type PageIdentities } from './page-identities.ts'
import { VersionPins } from './version-pins.ts'

/** What the hives of pages are made of. */
export interface PageHivesOptions {
  /** Makes the hive. */
  hiveAt(options: HttpHiveOptions): Hive | (() => Promise<Hive>)
  /** Name of the hive in the cache. */
  readonly name: string
  /** The cache, if there is one. */
  readonly cache:
    | { readonly bytes: number; openStore(): Promise<StreamStore>; readonly offline: Pick<OfflineSwitch, 'get'> }
    | undefined
  /** The identities of pages, if they have tokens. */
  readonly identities: PageIdentities | undefined
  /** Gets why nothing is kept for a while: see `onError` of `cachedHive`. */
  readonly onCacheError?: ((error: unknown) => void) | undefined
  /** How requests are answered. */
  readonly responder: FetchResponderOptions
}

/** What is made for one page, or, if pages have no tokens, for all. */
interface Made {
  readonly responder: FetchResponder
  hive: Promise<Hive> | undefined
}

/** Most pages whose hives are kept. */
const MAX_PAGES = 100

/** Opens the hive for each page: with its token, and what is cached for its user. */
export class PageHives {
  readonly #options: PageHivesOptions
  readonly #made = new Map<string, Made>()
  /** A hive that is opened anew does not change which version a page is reading. */
  readonly #pins = new VersionPins()
  /** Of the hives that were made last. */
  readonly #statistics = new Set<CacheStatistics>()
  /** The sum of those that were made before them. */
  readonly #former = { networkBytes: 0, cacheBytes: 0 }
  #store: Promise<StreamStore> | undefined
  #opened: StreamStore | undefined

  constructor(options: PageHivesOptions) {
    this.#options = options
    // A URL that is wrong fails the start of the worker, and not each request.
    options.hiveAt({})
  }

  /** What answers the requests of a page. */
  responderOf(clientId: string): FetchResponder {
    return this.#of(clientId).responder
  }

  /**
   * Runs `work` with the cache of a page. If the data of the site have been deleted meanwhile, it runs once more, with the
   * empty one that has taken its place.
   *
   * @throws {TypeError} if the worker has none.
   * @throws {BackendError} if the browser has no storage for it.
   */
  async useCache<T>(clientId: string, work: (cache: CachedHive) => Promise<T>): Promise<T> {
    const cache = await this.#openCache(clientId)
    const store = this.#opened
    try {
      return await work(cache)
    } catch (error) {
      if (isLost(error) && store) this.#replace(store)
      // A request of another page may have found out first.
      if (this.#opened === store) throw error
      return work(await this.#openCache(clientId))
    }
  }

  async #openCache(clientId: string): Promise<CachedHive> {
    if (!this.#options.cache) throw new TypeError('this service worker has no cache: register it with the option cache')
    await (this.#store ?? this.#openStore(this.#options.cache))
    const hive = await this.#open(clientId)
    if (isCached(hive)) return hive
    // The storage failed when the hive was opened. What answers the page's requests has that hive, too.
    this.#made.delete(this.#keyOf(clientId))
    return (await this.#open(clientId)) as CachedHive
  }

  /** Where the bytes came from since the worker was started. */
  statistics(): CacheStatistics {
    const sum = { ...this.#former }
    for (const each of this.#statistics) add(sum, each)
    return sum
  }

  /** Opens the hives of all pages anew, because their users or the network may be others. */
  forgetAll(): void {
    this.#made.clear()
  }

  #keyOf(clientId: string): string {
    return this.#options.identities ? clientId : ''
  }

  #of(clientId: string): Made {
    const key = this.#keyOf(clientId)
    const found = this.#made.get(key)
    const made = found ?? {
      responder: pinningResponder(() => this.#openAnew(clientId), this.#options.responder, this.#pins),
      hive: undefined,
    }
    this.#made.delete(key)
    this.#made.set(key, made)
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= MAX_PAGES) break
      this.#made.delete(oldest)
    }
    return made
  }

  /** The responder asks again once a hive has failed for good. */
  #openAnew(clientId: string): Promise<Hive> {
    const made = this.#of(clientId)
    made.hive = undefined
    return this.#open(clientId)
  }

  #open(clientId: string): Promise<Hive> {
    const made = this.#of(clientId)
    made.hive ??= this.#make(clientId).catch((error: unknown) => {
      made.hive = undefined
      throw error
    })
    return made.hive
  }

  async #make(clientId: string): Promise<Hive> {
    const { identities, cache, hiveAt, name: hive, onCacheError: onError } = this.#options
    const principal = (await identities?.of(clientId))?.principal ?? ''
    const isOffline = (await cache?.offline.get()) ?? false
    const remote = hiveAt({
      ...(identities && { fetch: authorizedFetch(identities, clientId, principal) }),
      ...(isOffline && { fetch: refuse, retries: 0 }),
    })
    const opened = typeof remote === 'function' ? await remote() : remote
    if (!cache) return opened
    let store: StreamStore
    try {
      store = await (this.#store ?? this.#openStore(cache))
    } catch (error) {
      // Without storage, as in some private windows, pages still play from the network.
      onError?.(error)
      return opened
    }
    const onCacheError = (error: unknown): void => {
      if (isLost(error)) this.#replace(store)
      onError?.(error)
    }
    const cached = cachedHive(opened, store, { bytes: cache.bytes, hive, principal, onError: onCacheError })
    this.#statistics.add(cached.statistics)
    for (const oldest of this.#statistics) {
      if (this.#statistics.size <= MAX_PAGES) break
      add(this.#former, oldest)
      this.#statistics.delete(oldest)
    }
    return cached
  }

  /** Opens the store anew when it is needed, because this one has failed for good. */
  #replace(store: StreamStore): void {
    if (this.#opened !== store) return
    this.#opened = undefined
    this.#store = undefined
    this.forgetAll()
    // What it listens to would stay open.
    markHandled(store.close())
  }

  #openStore({ openStore }: NonNullable<PageHivesOptions['cache']>): Promise<StreamStore> {
    this.#store = openStore().then((opened) => (this.#opened = opened))
    this.#store.catch(() => (this.#store = undefined))
    return this.#store
  }
}

function isCached(hive: Hive): hive is CachedHive {
  return 'cached' in hive
}

function add(sum: { networkBytes: number; cacheBytes: number }, { networkBytes, cacheBytes }: CacheStatistics): void {
  sum.networkBytes += networkBytes
  sum.cacheBytes += cacheBytes
}

/** The `fetch` of a worker that answers from the cache only. */
function refuse(): Promise<Response> {
  return Promise.reject(new TypeError('the service worker was told to answer from the cache only'))
}
