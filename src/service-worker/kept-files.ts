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
   * @param paths Paths of the files, of the worker's own origin, with their queries.
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

  /**
   * Answers a request for one of the files; returns undefined for any other, which is up to the browser. If a page is
   * opened with a query that is not that of a file, its file without a query serves without a network.
   */
  answer(request: Request): Promise<Response> | undefined {
    const { origin, pathname, search } = new URL(request.url)
    if (request.method !== 'GET' || origin !== location.origin) return undefined
    const path = pathname + search
    if (this.#paths.has(path)) return this.#answer(request, path, true)
    if (request.mode === 'navigate' && this.#paths.has(pathname)) return this.#answer(request, pathname, false)
    return undefined
  }

  async #answer(request: Request, path: string, keeps: boolean): Promise<Response> {
    try {
      const response = await this.#fetch(request)
      if (response.status >= 500) return (await this.#kept(path)) ?? response
      if (keeps && response.status === 200) await this.#keep(path, response.clone())
      return response
    } catch (error) {
      const kept = await this.#kept(path)
      if (kept) return kept
      throw error
    }
  }

  /** The server's answer; that with a file is complete. A slow network is not a silent one. */
  async #fetch(request: Request): Promise<Response> {
    const silence = new AbortController()
    const fail = (): void => silence.abort(new DOMException('the network is silent', 'TimeoutError'))
    let timer = setTimeout(fail, this.#networkTimeoutMs)
    try {
      const response = await fetch(request, { signal: silence.signal })
      if (response.status !== 200 || !response.body) return response
      const chunks: BlobPart[] = []
      const reader = response.body.getReader()
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        chunks.push(read.value)
        clearTimeout(timer)
        timer = setTimeout(fail, this.#networkTimeoutMs)
      }
      return new Response(new Blob(chunks), response)
    } finally {
      clearTimeout(timer)
    }
  }

  async #keep(path: string, response: Response): Promise<void> {
    try {
      const cache = await caches.open(this.#cacheName)
      await cache.put(path, response)
    } catch {
      // There is no space left, or the server does not allow it: what was kept before remains.
    }
  }

  async #kept(path: string): Promise<Response | undefined> {
    const cache = await caches.open(this.#cacheName)
    const response = await cache.match(path)
    // Browsers do not open a page whose answer says that it was redirected (Fetch, section 4.3).
    return response?.redirected ? new Response(response.body, response) : response
  }
}
