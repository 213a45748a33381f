/**
 * Files that a service worker keeps, so that its page opens without a network: the page, its scripts and its styles. A file
 * comes from the network if that is possible, and from the cache otherwise.
 */
export class KeptFiles {
  readonly #cacheName: string
  readonly #paths: ReadonlySet<string>
  readonly #networkTimeoutMs: number

  /**
   * @param cacheName Name of the Cache.
   * @param paths Paths of the files, of the worker's own origin.
   * @param networkTimeoutMs Milliseconds after which a silent network counts as absent.
   */
  constructor(cacheName: string, paths: readonly string[], networkTimeoutMs = 5_000) {
    this.#cacheName = cacheName
    this.#paths = new Set(paths)
    this.#networkTimeoutMs = networkTimeoutMs
  }

  /** Fetches all files and keeps them; rejects if one cannot be had. */
  async install(): Promise<void> {
    if (this.#paths.size === 0) return
    const cache = await caches.open(this.#cacheName)
    // Past the browser's HTTP cache, which may hold files of different releases.
    await cache.addAll(Array.from(this.#paths, (path) => new Request(path, { cache: 'reload' })))
  }

  /** Answers a request for one of the files; returns undefined for any other, which is up to the browser. */
  answer(request: Request): Promise<Response> | undefined {
    const { origin, pathname } = new URL(request.url)
    const isKept = request.method === 'GET' && origin === location.origin && this.#paths.has(pathname)
    return isKept ? this.#answer(request, pathname) : undefined
  }

  async #answer(request: Request, path: string): Promise<Response> {
    const cache = await caches.open(this.#cacheName)
    try {
      const response = await fetch(request, { signal: AbortSignal.timeout(this.#networkTimeoutMs) })
      if (response.ok) await cache.put(path, response.clone())
      if (response.status < 500) return response
      return (await cache.match(path)) ?? response
    } catch (error) {
      const kept = await cache.match(path)
      if (kept) return kept
      throw error
    }
  }
}
