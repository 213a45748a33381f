const MARK = '/offline'

/** Whether a service worker answers from its cache only. It is kept, because the browser may restart the worker. */
export class OfflineSwitch {
  readonly #cacheName: string
  #isOffline: Promise<boolean> | undefined
  /** The last value that is known. */
  value: boolean = false

  /** @param cacheName Name of the Cache that keeps it. */
  constructor(cacheName: string) {
    this.#cacheName = cacheName
  }

  /** Whether the worker answers from its cache only. */
  get(): Promise<boolean> {
    this.#isOffline ??= caches.match(MARK, { cacheName: this.#cacheName }).then(
      (found) => (this.value = found !== undefined),
      () => false,
    )
    return this.#isOffline
  }

  /** Keeps another value. */
  async set(offline: boolean): Promise<void> {
    const cache = await caches.open(this.#cacheName)
    if (offline) await cache.put(MARK, new Response(null))
    else await cache.delete(MARK)
    this.value = offline
    this.#isOffline = Promise.resolve(offline)
  }
}
