import { byId } from './elements.js'
import { formatBytes, formatTime } from './format.js'
import { drawLane } from './lane.js'
import { Ranges } from './ranges.js'

/** @import { Delivery, EntryInfo } from './types.ts' */

/** Shows what the video has buffered, in seconds, and what the worker has fetched for it, in bytes. */
export class DeliveryLanes {
  #video
  #fetched = new Ranges()
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
    this.#throughWorker = true
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data?.type === 'combstream:delivery') this.#onDelivery(data)
    })
  }

  /** @param {EntryInfo} entry whose bytes are shown from now on; what has been fetched of this version stays */
  show(entry) {
    if (this.#entry?.alias !== entry.alias || this.#entry.etag !== entry.etag) this.#fetched = new Ranges()
    this.#entry = entry
    this.#drawFetched()
  }

  /** @param {Delivery} delivery */
  #onDelivery({ alias, etag, start, end }) {
    if (alias !== this.#entry?.alias || etag !== this.#entry.etag) return
    this.#fetched.add(start, end)
    this.#drawFetched()
  }

  #drawFetched() {
    const size = this.#entry?.size ?? 0
    drawLane(byId('fetched-lane'), this.#fetched, size)
    const through = this.#throughWorker ? formatBytes(this.#fetched.total) : '–'
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
