import { failureWords } from './failure-words.js'
import { shorten } from './format.js'
import { askUntilAnswered } from './hive-probe.js'

/** @import { EntryInfo, Hive } from './types.ts' */
/** @import { Position } from './position.js' */

/**
 * The entry that is playing, and the actions for a recovery.
 *
 * @typedef {object} Playing
 * @property {() => EntryInfo | undefined} entry
 * @property {() => void} reload reloads the same version at the same position
 * @property {(entry: EntryInfo) => void} goOnWith loads another version at the same position
 * @property {(words: string) => void} wait says that the hive is unreachable; empty when it is back
 * @property {(words: string) => void} fail says why the video cannot continue
 */

const TICK_MS = 1_000
/** If a video has stalled for this long, the hive may be unreachable. */
const STALLED_TICKS = 3
/** If a video has neither moved nor received anything for this long although the hive answers, WebKitGTK may have forgotten it. */
const IDLE_TICKS = 4
/** If a video has neither moved nor received anything for this long, the worker that reads it has been terminated. */
const HUNG_TICKS = 12
/** After an outage, the worker may be about to resume by itself. */
const SETTLE_MS = 1_500
/** How often to retry a position that cannot be played although the hive answers. */
const MAX_TRIES = 2
/** Length of a name in a sentence. */
const NAME_CHARACTERS = 48

/**
 * Makes a video continue where it stopped after an outage, and finds out what failed if it cannot continue. A `<video>`
 * reports next to nothing about its failures, so the hive is asked.
 */
export class Recovery {
  #video
  #position
  #hive
  #playing
  /** @type {AbortController | undefined} */
  #asking
  #ticks = { at: -1, still: 0, silent: 0 }
  #tried = { at: -1, times: 0 }
  /** Whether the page says that it waits for the hive. */
  #isWaiting = false
  /** Some engines keep reporting a failed video as playing. */
  #hasGivenUp = false

  /**
   * @param {HTMLVideoElement} video
   * @param {Position} position
   * @param {Hive} hive fails at once if it cannot be reached
   * @param {Playing} playing
   */
  constructor(video, position, hive, playing) {
    this.#video = video
    this.#position = position
    this.#hive = hive
    this.#playing = playing
    video.addEventListener('error', () => void this.#ask())
    video.addEventListener('progress', () => (this.#ticks.silent = 0))
    setInterval(() => this.#look(), TICK_MS)
  }

  /** Stops asking, because something else is being loaded. */
  stop() {
    this.#asking?.abort()
    this.#asking = undefined
    this.#isWaiting = false
    this.#ticks = { at: -1, still: 0, silent: 0 }
    this.#hasGivenUp = false
  }

  /** An outage does not always cause an error: the video may just stall. */
  #look() {
    const { currentTime, paused, ended, error } = this.#video
    // What is cached plays without the hive.
    if (this.#isWaiting && !paused && !error && currentTime > this.#ticks.at) {
      this.#asking?.abort()
      this.#asking = undefined
      this.#isWaiting = false
      this.#playing.wait('')
    }
    if (paused || ended || currentTime !== this.#ticks.at) this.#ticks = { at: currentTime, still: 0, silent: 0 }
    this.#ticks.still++
    this.#ticks.silent++
    if (this.#ticks.still <= STALLED_TICKS || this.#hasGivenUp) return
    this.#ticks.still = 0
    void this.#ask()
  }

  async #ask() {
    const entry = this.#playing.entry()
    if (!entry || this.#asking) return
    const asking = new AbortController()
    this.#asking = asking
    const { signal } = asking
    let away = false
    try {
      const current = await askUntilAnswered(this.#hive, entry.alias, {
        signal,
        onFailure: (failure) => {
          away = true
          this.#isWaiting = true
          this.#playing.wait(failureWords(failure))
        },
      })
      if (signal.aborted) return
      if (current.etag !== entry.etag) this.#playing.goOnWith(current)
      else await this.#resume(away, entry, signal)
    } catch (failure) {
      if (signal.aborted) return
      const removed = /** @type {Error} */ (failure).name === 'NotFoundError'
      this.#giveUp(
        removed ? `${shorten(entry.alias, NAME_CHARACTERS)} was removed from the hive.` : failureWords(failure),
      )
    } finally {
      if (this.#asking === asking) {
        this.#asking = undefined
        this.#isWaiting = false
      }
    }
  }

  /** @param {string} words why */
  #giveUp(words) {
    this.#hasGivenUp = true
    this.#playing.fail(words)
  }

  /**
   * Called when the hive answers and has the version that is playing.
   *
   * @param {boolean} wasAway
   * @param {EntryInfo} entry
   * @param {AbortSignal} signal
   */
  async #resume(wasAway, entry, signal) {
    const { at } = this.#position
    if (wasAway && !this.#video.error) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      if (signal.aborted) return
      this.#playing.wait('')
    }
    if (!this.#video.error) {
      const isStill = this.#position.at === at && this.#position.playing
      if (isStill && (wasAway || this.#ticks.silent > HUNG_TICKS)) this.#playing.reload()
      else if (isStill && this.#ticks.silent >= IDLE_TICKS) this.#restart()
      return
    }
    if (this.#tried.at !== at) this.#tried = { at, times: 0 }
    if (wasAway || this.#tried.times++ < MAX_TRIES) this.#playing.reload()
    else await this.#judge(entry, signal)
  }

  /** WebKitGTK sometimes stops a video to buffer it, and does not notice that it has enough, whoever serves the file. */
  #restart() {
    this.#video.pause()
    this.#video.play().catch(() => undefined)
  }

  /**
   * Says what failed although the hive answers and has the version: if its bytes can be fetched, the media itself.
   *
   * @param {EntryInfo} entry
   * @param {AbortSignal} signal
   */
  async #judge({ alias, type }, signal) {
    const { error, src } = this.#video
    const answer = await fetch(src, { headers: { Range: 'bytes=0-0' }, signal }).catch(() => undefined)
    await answer?.body?.cancel()
    if (signal.aborted) return
    const name = shorten(alias, NAME_CHARACTERS)
    // 416: an empty entry has no first byte.
    if (!answer) this.#giveUp(`The network failed: ${name} cannot be fetched.`)
    else if (!answer.ok && answer.status !== 416) {
      this.#giveUp(`The hive failed: it answered ${answer.status} for ${name}.`)
    } else if (error?.code === MediaError.MEDIA_ERR_DECODE) {
      this.#giveUp(`The format is wrong: ${name} is damaged, or is not ${type}.`)
    } else {
      this.#giveUp(`The format is not supported: this browser cannot play ${name}, which is ${type}.`)
    }
  }
}
