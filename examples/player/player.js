import { mediaUrl } from '/combstream/page.js'
import { byId, typedById } from './elements.js'
import { formatBytes, formatError, formatTime } from './format.js'
import { Ranges } from './ranges.js'

/** @import { Delivery, EntryInfo, Hive, HiveWorker } from './types.ts' */

/** Plays one version of an entry at a time, and goes on with the next one when the entry is replaced. */
export class Player {
  #hive
  #video = typedById('video', HTMLVideoElement)
  /** @type {(entry: EntryInfo) => string} */
  #url
  #fetched = new Ranges()
  #throughWorker = false
  /** Where the video is, in seconds, and whether it plays: WebKit forgets both when it fails. */
  #position = { at: 0, playing: false }
  /** @type {EntryInfo | undefined} */
  entry

  /**
   * @param {Hive} hive
   * @param {string} hiveUrl
   */
  constructor(hive, hiveUrl) {
    this.#hive = hive
    this.#url = (entry) => mediaUrl(hiveUrl, entry)
    this.#video.addEventListener('error', () => void this.#onMediaError())
    for (const event of ['timeupdate', 'play', 'pause', 'ended']) {
      this.#video.addEventListener(event, () => this.#notePosition())
    }
    for (const event of ['progress', 'timeupdate', 'seeked', 'durationchange', 'emptied']) {
      this.#video.addEventListener(event, () => this.#drawBuffered())
    }
  }

  /**
   * Plays through a service worker from now on, which tells what it delivers.
   *
   * @param {HiveWorker} worker
   */
  playThrough(worker) {
    this.#url = worker.url
    this.#throughWorker = true
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data?.type === 'combstream:delivery') this.#onDelivery(data)
    })
  }

  /**
   * Plays an entry; goes on if it is loaded already.
   *
   * @param {EntryInfo} entry
   */
  play(entry) {
    this.say('')
    const loaded = this.entry?.alias === entry.alias && this.entry.etag === entry.etag && !this.#video.error
    if (loaded) void this.#start()
    else this.load(entry, { playing: true })
  }

  /**
   * Loads an entry.
   *
   * @param {EntryInfo} entry
   * @param {{ at?: number, playing?: boolean }} [options] `at` is in seconds
   */
  load(entry, { at = 0, playing = false } = {}) {
    this.entry = entry
    this.#fetched = new Ranges()
    byId('playing').textContent = entry.alias
    byId('version').textContent = `${formatBytes(entry.size)} · ${entry.type} · version ${entry.etag.slice(1, 9)}…`
    this.#drawFetched()
    // The URL pins the version: no browser would notice that it has changed between two ranges.
    this.#video.src = this.#url(entry)
    if (at > 0) {
      const seek = () => (this.#video.currentTime = Math.min(at, this.#video.duration))
      this.#video.addEventListener('loadedmetadata', seek, { once: true })
    }
    if (playing) void this.#start()
  }

  /**
   * Tells what the hive has now: the entry that is playing may be another version, or gone.
   *
   * @param {EntryInfo[]} entries
   */
  know(entries) {
    const { entry } = this
    if (!entry) return
    const current = entries.find(({ alias }) => alias === entry.alias)
    if (!current) this.say(`${entry.alias} was removed from the hive.`)
    else if (current.etag !== entry.etag) this.#goOnWith(current)
  }

  /** @param {string} text */
  say(text) {
    byId('notice').textContent = text
  }

  async #start() {
    try {
      await this.#video.play()
    } catch (error) {
      const { name } = /** @type {Error} */ (error)
      // AbortError: something else was loaded meanwhile. NotSupportedError: the error event tells more.
      if (name === 'NotAllowedError') this.say('The browser wants you to press play yourself.')
      else if (name !== 'AbortError' && name !== 'NotSupportedError') this.say(formatError(error))
    }
  }

  /** A media error says nothing of its reason: the hive knows whether the version is still there. */
  async #onMediaError() {
    const { entry } = this
    const { error } = this.#video
    if (!entry) return
    try {
      const current = await this.#hive.stat(entry.alias)
      if (this.entry !== entry) return
      if (current.etag !== entry.etag) this.#goOnWith(current)
      else this.say(`The browser cannot play ${entry.alias}: ${error?.message || `media error ${error?.code}`}`)
    } catch (failure) {
      this.say(formatError(failure))
    }
  }

  /** @param {EntryInfo} entry */
  #goOnWith(entry) {
    const { at, playing } = this.#position
    this.load(entry, { at, playing })
    this.say(`${entry.alias} was replaced meanwhile: this is the new version, from ${formatTime(at)} on.`)
  }

  #notePosition() {
    const { currentTime, paused, ended, error } = this.#video
    if (!error) this.#position = { at: currentTime, playing: !paused && !ended }
  }

  /** @param {Delivery} delivery */
  #onDelivery({ alias, etag, start, end }) {
    if (alias !== this.entry?.alias || etag !== this.entry.etag) return
    this.#fetched.add(start, end)
    this.#drawFetched()
  }

  #drawFetched() {
    const size = this.entry?.size ?? 0
    drawLane('fetched-lane', [...this.#fetched], size)
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
    drawLane('buffered-lane', ranges, known)
    const seconds = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    byId('buffered-text').textContent = `${formatTime(seconds)} of ${formatTime(known)}`
  }
}

/**
 * Draws ranges on a lane that stands for the whole.
 *
 * @param {string} id
 * @param {{ start: number, end: number }[]} ranges
 * @param {number} whole
 */
function drawLane(id, ranges, whole) {
  const pieces = ranges.map(({ start, end }) => {
    const piece = document.createElement('i')
    piece.style.left = `${(start / whole) * 100}%`
    piece.style.width = `${((end - start) / whole) * 100}%`
    return piece
  })
  byId(id).replaceChildren(...pieces)
}
