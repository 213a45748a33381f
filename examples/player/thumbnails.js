import { eventOf, FrameSource, pictureOf } from './frame-source.js'

/** @import { EntryInfo } from './types.ts' */

/** A video of which a picture is drawn by itself has at most this many bytes: WebKit loads all of it for that. */
const MAX_VIDEO_BYTES = 64_000_000
const MAX_IMAGE_BYTES = 8_000_000
/** Most pictures that are kept; each takes up to 100 kB. */
const MAX_KEPT = 200
/** The first picture of many videos is black. */
const FRAME_AT_SECONDS = 1

/**
 * Small pictures of entries, for the rows that can be seen: drawn one at a time, given up when the row is scrolled away,
 * and kept by version.
 */
export class Thumbnails {
  /** By etag; undefined if there is none. @type {Map<string, HTMLCanvasElement | undefined>} */
  #pictures = new Map()
  /** Etags of those that were taken from the beginning of a video. @type {Set<string>} */
  #early = new Set()
  /** What each element is to show. @type {Map<Element, EntryInfo>} */
  #entries = new Map()
  /** The elements that can be seen, and wait. @type {Set<Element>} */
  #waiting = new Set()
  /** @type {{ etag: string, giveUp: AbortController } | undefined} */
  #drawing
  /** Etag of the version that the player has loaded. @type {string | undefined} */
  #left
  /** @type {((entry: EntryInfo) => string) | undefined} */
  #url
  #observer = new IntersectionObserver((seen) => this.#onSeen(seen))

  /**
   * Begins to draw.
   *
   * @param {(entry: EntryInfo) => string} url
   */
  start(url) {
    this.#url = url
    void this.#drawAll()
  }

  /**
   * Shows the picture of an entry in an element from now on, when it can be seen.
   *
   * @param {HTMLElement} element
   * @param {EntryInfo} entry
   */
  show(element, entry) {
    this.forget(element)
    element.dataset['kind'] = kindOf(entry)
    element.replaceChildren()
    element.classList.remove('drawn')
    const isSmall = entry.size > 0 && entry.size <= (isImage(entry) ? MAX_IMAGE_BYTES : MAX_VIDEO_BYTES)
    // Once there is a picture, it is shown, however large the entry is.
    if (!/^(video|image)\//.test(entry.type) || (!isSmall && !this.#pictures.has(entry.etag))) return
    this.#entries.set(element, entry)
    this.#observer.observe(element)
  }

  /**
   * The URL of a picture that has been drawn; empty if there is none.
   *
   * @param {EntryInfo} entry
   */
  posterOf({ etag }) {
    return this.#pictures.get(etag)?.toDataURL('image/jpeg') ?? ''
  }

  /** @param {Element} element that is no longer in the page */
  forget(element) {
    this.#observer.unobserve(element)
    this.#entries.delete(element)
    this.#waiting.delete(element)
  }

  /**
   * Takes the picture of an entry from a video that plays it anyway.
   *
   * @param {EntryInfo} entry
   * @param {HTMLVideoElement} video
   */
  take({ etag }, video) {
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return
    const isEarly = video.currentTime < FRAME_AT_SECONDS
    const isBetter = this.#early.has(etag) && !isEarly
    if (this.#pictures.get(etag) && !isBetter) return
    if (isEarly) this.#early.add(etag)
    else this.#early.delete(etag)
    this.#keep(etag, pictureOf(video))
    for (const [element, entry] of this.#entries) if (entry.etag === etag) this.#draw(element)
  }

  /**
   * Leaves an entry to the player, which has loaded it: it is not loaded once more.
   *
   * @param {EntryInfo} entry
   */
  leave({ etag }) {
    this.#left = etag
    if (this.#drawing?.etag === etag) this.#drawing.giveUp.abort()
    void this.#drawAll()
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #onSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) this.#waiting.delete(target)
      else if (!this.#draw(target)) this.#waiting.add(target)
    }
    const etags = Array.from(this.#waiting, (element) => this.#entries.get(element)?.etag)
    if (this.#drawing && !etags.includes(this.#drawing.etag)) this.#drawing.giveUp.abort()
    void this.#drawAll()
  }

  async #drawAll() {
    if (this.#drawing || !this.#url) return
    for (let entry = this.#next(); entry; entry = this.#next()) {
      const { etag } = entry
      const giveUp = new AbortController()
      this.#drawing = { etag, giveUp }
      const picture = await make(this.#url(entry), entry, giveUp.signal)
      this.#drawing = undefined
      // What has been given up may be wanted again.
      if (giveUp.signal.aborted) continue
      this.#keep(etag, picture)
      for (const element of this.#waiting) if (this.#draw(element)) this.#waiting.delete(element)
    }
  }

  /** The next entry that is to be drawn. */
  #next() {
    for (const element of this.#waiting) {
      const entry = this.#entries.get(element)
      if (entry && entry.etag !== this.#left) return entry
    }
    return undefined
  }

  /**
   * Shows the picture if it has been drawn, or could not be.
   *
   * @param {Element} element
   */
  #draw(element) {
    const { etag = '' } = this.#entries.get(element) ?? {}
    if (!this.#pictures.has(etag)) return false
    const picture = this.#pictures.get(etag)
    if (!picture) return true
    const shown = document.createElement('canvas')
    shown.width = picture.width
    shown.height = picture.height
    shown.getContext('2d')?.drawImage(picture, 0, 0)
    element.replaceChildren(shown)
    element.classList.add('drawn')
    return true
  }

  /**
   * @param {string} etag
   * @param {HTMLCanvasElement | undefined} picture
   */
  #keep(etag, picture) {
    this.#pictures.delete(etag)
    this.#pictures.set(etag, picture)
    for (const oldest of this.#pictures.keys()) {
      if (this.#pictures.size <= MAX_KEPT) return
      this.#pictures.delete(oldest)
      this.#early.delete(oldest)
    }
  }
}

/**
 * Draws the picture of an entry; undefined if that is not possible.
 *
 * @param {string} url
 * @param {EntryInfo} entry
 * @param {AbortSignal} signal
 */
async function make(url, entry, signal) {
  if (isImage(entry)) {
    const image = new Image()
    const loaded = eventOf(image, 'load', signal)
    image.src = url
    return loaded.then(
      () => pictureOf(image),
      () => {
        image.removeAttribute('src')
        return undefined
      },
    )
  }
  const source = new FrameSource(url)
  try {
    return await source.frame(FRAME_AT_SECONDS, signal)
  } catch {
    // Its icon is shown.
    return undefined
  } finally {
    source.close()
  }
}

/** @param {EntryInfo} entry */
function isImage({ type }) {
  return type.startsWith('image/')
}

/** @param {EntryInfo} entry */
function kindOf({ type }) {
  return /^(video|audio|image|text)\//.exec(type)?.[1] ?? 'other'
}
