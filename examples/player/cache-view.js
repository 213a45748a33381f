import { announce } from './announce.js'
import { byId, typedById } from './elements.js'
import { failureWords } from './failure-words.js'
import { formatBytes } from './format.js'
import { drawLane } from './lane.js'
import { RunningLine } from './running-line.js'

/** @import { EntryInfo, WorkerCache } from './types.ts' */

/** Bytes arrive far more often than anybody needs to see. */
const PAUSE_MS = 500

/** The part of the page that shows what the service worker has in its cache, and lets the user do without the network. */
export class CacheView {
  /** @type {WorkerCache | undefined} */
  #cache
  #offline = typedById('offline', HTMLInputElement)
  #clear = typedById('clear-cache', HTMLButtonElement)
  #emptying = new RunningLine()
  #switching = new AbortController()
  /** Whether the worker has not answered the last switch. */
  #isSwitching = false
  /** Resolves once the worker does what the last switch says, or has refused it. */
  switched = Promise.resolve()
  /** @type {EntryInfo | undefined} */
  #entry
  #isWaiting = false
  /** What the cache held when it was looked at last. */
  #bytes = 0
  /** Whether the page says that nothing is kept. */
  #isFailing = false

  constructor() {
    for (const id of ['cached-row', 'cache']) byId(id).hidden = false
    this.#offline.addEventListener('change', () => {
      this.switched = this.#switch()
    })
    this.#clear.after(this.#emptying.element)
    this.#clear.addEventListener('click', () => void this.#empty())
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data?.type === 'combstream:delivery') this.refreshSoon()
      if (data?.type === 'combstream:cache-failure') this.#sayWhyNothingIsKept(data)
    })
  }

  /** @param {WorkerCache} cache that is shown from now on */
  use(cache) {
    this.#cache = cache
    this.refreshSoon()
  }

  /** Whether the worker uses only what is cached. */
  get isOffline() {
    return this.#offline.checked
  }

  /** @param {EntryInfo} entry whose cached bytes are shown from now on */
  show(entry) {
    this.#entry = entry
    this.refreshSoon()
  }

  /** Shows what is cached now, soon. */
  refreshSoon() {
    if (this.#isWaiting || !this.#cache) return
    this.#isWaiting = true
    setTimeout(() => void this.#refresh(), PAUSE_MS)
  }

  async #refresh() {
    try {
      const cache = /** @type {WorkerCache} */ (this.#cache)
      // What is on its way is kept then, and counts.
      await this.#drawEntry(cache)
      const { bytes, limit, networkBytes, cacheBytes, offline } = await cache.usage()
      if (bytes > this.#bytes && this.#isFailing) this.#say('')
      this.#bytes = bytes
      if (!this.#isSwitching) this.#offline.checked = offline
      byId('cache-text').textContent =
        `${formatBytes(networkBytes)} from the network, ${formatBytes(cacheBytes)} from the cache, ` +
        `which holds ${formatBytes(bytes)} of at most ${formatBytes(limit)}.`
    } catch (error) {
      byId('cache-text').textContent = `The cache cannot be used. ${failureWords(error)}`
    } finally {
      this.#isWaiting = false
    }
  }

  /** @param {WorkerCache} cache */
  async #drawEntry(cache) {
    const entry = this.#entry
    if (!entry) return
    const cached = await cache.cached(entry.alias)
    if (entry !== this.#entry) return
    const isThis = cached?.etag === entry.etag
    const ranges = isThis ? cached.ranges : []
    const bytes = isThis ? cached.bytes : 0
    const isPinned = isThis && cached.pinned
    const lane = byId('cached-lane')
    drawLane(lane, ranges, entry.size)
    lane.classList.toggle('pinned', isPinned)
    byId('cached-text').textContent = `${formatBytes(bytes)}${isPinned ? ', kept' : ` of ${formatBytes(entry.size)}`}`
  }

  /** Whoever changes their mind need not wait. */
  async #switch() {
    this.#switching.abort()
    const { signal } = (this.#switching = new AbortController())
    const isOffline = this.#offline.checked
    this.#isSwitching = true
    try {
      await this.#cache?.setOffline(isOffline, { signal })
      announce(isOffline ? 'Only what is cached is used now.' : 'The network is used again.')
      this.#say('')
    } catch (error) {
      if (signal.aborted) return
      this.#offline.checked = !isOffline
      this.#say(failureWords(error))
    } finally {
      if (!signal.aborted) this.#isSwitching = false
    }
  }

  async #empty() {
    this.#say('Emptying the cache …')
    const words = 'Emptying the cache'
    const cancelled = 'You cancelled it. A part of the cache may be gone already.'
    const outcome = await this.#emptying.run({ words, starter: this.#clear, cancelled }, async ({ signal }) =>
      this.#cache?.clear({ signal }),
    )
    this.#say(outcome ?? 'The cache is empty. What was kept for offline is gone, too.')
    this.refreshSoon()
  }

  /** @param {{ name: string, message: string }} failure */
  #sayWhyNothingIsKept({ name, message }) {
    const reason = name === 'QuotaExceededError' ? 'this browser has no more room' : message
    this.#say(`What you watch now is not kept: ${reason}.`)
    this.#isFailing = true
  }

  /** @param {string} words */
  #say(words) {
    this.#isFailing = false
    byId('cache-notice').textContent = words
  }
}
