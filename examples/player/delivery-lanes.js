import { byId } from './elements.js'
import { formatBytes, formatTime } from './format.js'
import { drawLane } from './lane.js'
import { Ranges } from './ranges.js'

/** @import { Delivery, EntryInfo } from './types.ts' */

/** Versions of which it is remembered what was fetched. */
const MAX_VERSIONS = 100

/**
 * Shows what the video has buffered, in seconds, and what the worker has delivered of the version since the page was opened,
 * in bytes: to the video, or to the one that draws pictures, since browsers share what they have got of a URL.
 */
export class DeliveryLanes {
  #video
  /** By etag and alias. @type {Map<string, Ranges>} */
  #fetched = new Map()
  #throughWorker = false
  /** @type {EntryInfo | undefined} */
  #entry

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video
    for (const event of ['progress', 'timeupdate', 'seeked', 'durationchange', 'emptied']) {
      video.addEventListener(event, () => this.#drawBuffered())
    }
  }

  /** Listens to the worker, which reports what it delivers. */
  listen() {
    if (this.#throughWorker) return
    this.#throughWorker = true
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data?.type === 'combstream:delivery') this.#onDelivery(data)
    })
  }

  /** @param {EntryInfo} entry whose bytes are shown from now on */
  show(entry) {
    this.#entry = entry
    this.#drawFetched()
  }

  /** @param {Delivery} delivery */
  #onDelivery({ alias, etag, start, end }) {
    this.#rangesOf(alias, etag).add(start, end)
    if (alias === this.#entry?.alias && etag === this.#entry.etag) this.#drawFetched()
  }

  /**
   * @param {string} alias
   * @param {string} etag
   */
  #rangesOf(alias, etag) {
    const key = etag + alias
    const ranges = this.#fetched.get(key) ?? new Ranges()
    this.#fetched.delete(key)
    this.#fetched.set(key, ranges)
    for (const oldest of this.#fetched.keys()) {
      if (this.#fetched.size <= MAX_VERSIONS) break
      this.#fetched.delete(oldest)
    }
    return ranges
  }

  #drawFetched() {
    const { alias = '', etag = '', size = 0 } = this.#entry ?? {}
    const fetched = this.#rangesOf(alias, etag)
    drawLane(byId('fetched-lane'), fetched, size)
    const through = this.#throughWorker ? formatBytes(fetched.total) : '–'
    byId('fetched-text').textContent = `${through} of ${formatBytes(size)}`
  }

  #drawBuffered() {
    const { buffered, duration } = this.#video
    const ranges = Array.from({ length: buffered.length }, (_, i) => ({
      start: buffered.start(i),
      end: buffered.end(i),
    }))
    const known = Number.isFinite(duration) ? duration : 0
    drawLane(byId('buffered-lane'), ranges, known)
    const seconds = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    byId('buffered-text').textContent = known === 0 ? '–' : `${formatTime(seconds)} of ${formatTime(known)}`
  }
}
