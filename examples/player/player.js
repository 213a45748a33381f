import { mediaUrl } from '/combstream/browser-hive.js'
import { DeliveryLanes } from './delivery-lanes.js'
import { byId, typedById } from './elements.js'
import { failureWords } from './failure-words.js'
import { formatBytes, formatTime, shorten } from './format.js'
import { Position } from './position.js'
import { Recovery } from './recovery.js'
import { SeekBar } from './seek-bar.js'

/** @import { EntryInfo, Hive, HiveWorker, ListedEntry } from './types.ts' */

/** Length of a name in a sentence. */
const NAME_CHARACTERS = 48

/** Plays one version of an entry at a time, and continues with the next one when the entry is replaced. */
export class Player {
  #video = typedById('video', HTMLVideoElement)
  #position = new Position(this.#video)
  #lanes = new DeliveryLanes(this.#video)
  #recovery
  /** @type {(entry: EntryInfo) => string} */
  #url
  #onLoad
  #onPicture
  #hasFailed = false
  /** Whether the notice says that the entry was removed. It may be stored again. */
  #isRemoved = false
  /** @type {EntryInfo | undefined} */
  entry
  /** Whether the user does without the network. */
  isOffline = () => false

  /**
   * @param {Hive} probe is asked what failed
   * @param {string} hiveUrl
   * @param {(entry: EntryInfo) => void} onLoad
   * @param {(entry: EntryInfo, video: HTMLVideoElement) => void} onPicture is called now and then while the video shows one
   */
  constructor(probe, hiveUrl, onLoad, onPicture) {
    new SeekBar(this.#video).listen()
    this.#onPicture = onPicture
    for (const event of ['loadeddata', 'timeupdate']) {
      this.#video.addEventListener(event, () => this.entry && this.#onPicture(this.entry, this.#video))
    }
    this.#url = (entry) => mediaUrl(hiveUrl, entry)
    this.#onLoad = onLoad
    this.#recovery = new Recovery(this.#video, this.#position, probe, {
      entry: () => this.entry,
      reload: () => this.entry && this.load(this.entry, this.#position),
      goOnWith: (entry) => this.#goOnWith(entry),
      wait: (words) => this.#wait(words),
      fail: (words) => this.#fail(words),
    })
  }

  /**
   * The URL of a version of an entry: that of the service worker, once there is one.
   *
   * @param {EntryInfo} entry
   */
  url(entry) {
    return this.#url(entry)
  }

  /**
   * Plays through a service worker from now on.
   *
   * @param {HiveWorker} worker
   */
  playThrough(worker) {
    this.#url = worker.url
    this.#lanes.listen()
  }

  /**
   * Plays an entry; resumes it if it is already loaded.
   *
   * @param {EntryInfo} entry
   */
  play(entry) {
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
    this.#recovery.stop()
    this.#say('')
    this.entry = entry
    byId('playing').textContent = entry.alias
    byId('playing').title = entry.alias
    byId('version').textContent = `${formatBytes(entry.size)} · ${entry.type} · version ${entry.etag.slice(1, 9)}…`
    this.#lanes.show(entry)
    this.#position.restore(at, playing)
    // The URL pins the version, because no browser would notice a change between two ranges.
    this.#video.src = this.#url(entry)
    if (playing) void this.#start()
    this.#onLoad(entry)
  }

  /** Loads what has failed again: the reason may be gone. */
  retry() {
    if (this.entry && this.#video.error) this.load(this.entry, this.#position)
  }

  /**
   * Takes the current entries of the hive: the entry that is playing may have a new version, or have been removed.
   *
   * @param {ListedEntry[]} entries
   */
  know(entries) {
    const { entry } = this
    if (!entry) return
    const current = entries.find(({ alias }) => alias === entry.alias)
    const renamed = current ? undefined : entries.find(({ etag }) => etag === entry.etag)
    if (renamed) this.#follow(renamed)
    else if (!current) {
      if (this.#hasFailed) return
      this.#say(`${nameOf(entry)} was removed from the hive.`)
      this.#isRemoved = true
    } else if (current.damage === undefined && current.etag !== entry.etag) this.#goOnWith(current)
    else if (this.#isRemoved) this.#say('')
  }

  async #start() {
    try {
      await this.#video.play()
    } catch (error) {
      const { name } = /** @type {Error} */ (error)
      // AbortError: something else was loaded meanwhile. NotSupportedError: the error event has more information.
      if (name === 'NotAllowedError') this.#say('The browser requires you to press play.')
      else if (name !== 'AbortError' && name !== 'NotSupportedError') this.#say(failureWords(error), 'problem')
    }
  }

  /** @param {string} words why the video cannot go on */
  #fail(words) {
    const name = this.entry ? nameOf(this.entry) : ''
    const isMissing = `${name} is not wholly in the cache, and the page was told to use nothing else.`
    this.#say(this.isOffline() ? isMissing : words, 'problem')
  }

  /** @param {EntryInfo} entry */
  #goOnWith(entry) {
    const { at } = this.#position
    this.load(entry, this.#position)
    this.#say(`${nameOf(entry)} was replaced: this is the new version, from ${formatTime(at)} on.`)
  }

  /** @param {EntryInfo} entry the same version under another name */
  #follow(entry) {
    const words = `${this.entry ? nameOf(this.entry) : ''} is now ${nameOf(entry)}.`
    this.load(entry, this.#position)
    this.#say(words)
  }

  /** @param {string} words why the hive is unreachable; empty when it is back */
  #wait(words) {
    this.#say(words && `${words} The video will continue where it stopped once the hive answers.`)
  }

  /**
   * @param {string} words
   * @param {'' | 'problem'} kind
   */
  #say(words, kind = '') {
    const notice = byId('notice')
    this.#hasFailed = kind === 'problem'
    this.#isRemoved = false
    notice.classList.toggle('problem', this.#hasFailed)
    // A screen reader would read the same message again.
    if (notice.textContent !== words) notice.textContent = words
  }
}

/** @param {EntryInfo} entry */
function nameOf({ alias }) {
  return shorten(alias, NAME_CHARACTERS)
}
