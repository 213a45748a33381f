import { byId, typedById } from './elements.js'
import { formatTime } from './format.js'
import { FrameSource } from './frame-source.js'

/** Most pictures of one video. A position is shown by the nearest picture before it. */
const MAX_PICTURES = 100
/** Two pictures are at least this far apart. */
const LEAST_SECONDS = 1
/** The second copy of the video is given up when nobody has looked for a picture for this long. */
const IDLE_MS = 10_000
const MOVING_KEY = /^(Arrow\w+|Home|End|Page\w+)$/

/** The position of the video as a slider, with a picture of the place to which the user points, or that has the focus. */
export class SeekBar {
  #video
  #bar = typedById('seek', HTMLInputElement)
  #preview = byId('preview')
  #time = byId('preview-time')
  /** @type {FrameSource | undefined} */
  #source
  /** @type {Map<number, HTMLCanvasElement>} */
  #pictures = new Map()
  /** The number of the picture that is to be shown. @type {number | undefined} */
  #wanted
  #isDrawing = false
  #ending = new AbortController()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video
  }

  /** Follows the video, and the user. */
  listen() {
    const video = this.#video
    const bar = this.#bar
    for (const event of ['timeupdate', 'seeking', 'durationchange', 'emptied']) {
      video.addEventListener(event, () => this.#follow())
    }
    video.addEventListener('emptied', () => this.#forget())
    bar.addEventListener('input', () => {
      video.currentTime = bar.valueAsNumber
      this.#show(bar.valueAsNumber)
    })
    bar.addEventListener('pointermove', (event) => {
      const { left, width } = bar.getBoundingClientRect()
      this.#show(Math.min(Math.max((event.clientX - left) / width, 0), 1) * this.#duration)
    })
    bar.addEventListener('focus', () => bar.matches(':focus-visible') && this.#show(bar.valueAsNumber))
    for (const event of ['pointerleave', 'pointercancel', 'blur']) bar.addEventListener(event, () => this.#hide())
    bar.addEventListener('keydown', ({ key }) => key === 'Escape' && this.#hide())
    // At an end of the bar, a key changes nothing, and there is no event `input`.
    bar.addEventListener('keyup', ({ key }) => MOVING_KEY.test(key) && this.#show(bar.valueAsNumber))
    this.#follow()
  }

  get #duration() {
    return Number.isFinite(this.#video.duration) ? this.#video.duration : 0
  }

  #follow() {
    const bar = this.#bar
    bar.disabled = this.#duration === 0
    bar.max = String(this.#duration)
    if (!bar.matches(':active')) bar.value = String(this.#video.currentTime)
    const words = this.#duration === 0 ? '–' : `${formatTime(this.#video.currentTime)} of ${formatTime(this.#duration)}`
    bar.setAttribute('aria-valuetext', words)
    byId('seek-text').textContent = words
  }

  /** @param {number} at in seconds */
  #show(at) {
    if (this.#duration === 0) return
    this.#time.textContent = formatTime(at)
    this.#preview.hidden = false
    const { offsetWidth } = this.#preview
    const { offsetLeft, offsetWidth: whole } = this.#bar
    const left = offsetLeft + (at / this.#duration) * whole - offsetWidth / 2
    this.#preview.style.left = `${Math.min(Math.max(left, offsetLeft), offsetLeft + whole - offsetWidth)}px`
    // Sound has no pictures.
    if (this.#video.videoWidth === 0) return
    this.#wanted = Math.floor(at / this.#spacing)
    this.#draw()
    void this.#drawWanted()
  }

  #hide() {
    this.#preview.hidden = true
    this.#wanted = undefined
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#stop(), IDLE_MS)
  }

  get #spacing() {
    return Math.max(LEAST_SECONDS, this.#duration / MAX_PICTURES)
  }

  /** Shows the picture that is wanted, if it has been drawn. */
  #draw() {
    const picture = this.#wanted === undefined ? undefined : this.#pictures.get(this.#wanted)
    if (picture) byId('preview-picture').replaceChildren(picture)
  }

  /** Draws one picture at a time: always the one that is wanted when the last one is done. */
  async #drawWanted() {
    clearTimeout(this.#idle)
    while (!this.#isDrawing && this.#wanted !== undefined && !this.#pictures.has(this.#wanted)) {
      const wanted = this.#wanted
      const { signal } = this.#ending
      this.#source ??= new FrameSource(this.#video.src)
      this.#isDrawing = true
      try {
        const picture = await this.#source.frame(wanted * this.#spacing, signal)
        if (picture) this.#pictures.set(wanted, picture)
        else return
      } catch {
        // The time is shown without a picture.
        if (!signal.aborted) this.#stop()
        return
      } finally {
        this.#isDrawing = false
      }
      this.#draw()
    }
  }

  /** Stops loading the second copy. */
  #stop() {
    this.#ending.abort()
    this.#ending = new AbortController()
    this.#source?.close()
    this.#source = undefined
  }

  #forget() {
    this.#stop()
    this.#pictures.clear()
    byId('preview-picture').replaceChildren()
    this.#hide()
  }
}
