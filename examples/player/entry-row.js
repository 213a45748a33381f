import { mediaUrl } from '/combstream/page.js'
import { formatBytes } from './format.js'

/** @import { EntryInfo, ListedEntry } from './types.ts' */

/** The row of one entry in the list. It is kept when the entry changes, because it may have the focus. */
export class EntryRow {
  element = document.createElement('tr')
  #hiveUrl
  #onPlay
  #entry
  #name = document.createElement('th')
  #size = document.createElement('td')
  #etag = document.createElement('code')
  /** @type {'damaged' | 'media' | 'other' | undefined} */
  #kind

  /**
   * @param {ListedEntry} entry
   * @param {string} hiveUrl
   * @param {(entry: EntryInfo) => void} onPlay
   */
  constructor(entry, hiveUrl, onPlay) {
    this.#entry = entry
    this.#hiveUrl = hiveUrl
    this.#onPlay = onPlay
    this.#name.scope = 'row'
    this.#size.className = 'number'
    const version = document.createElement('td')
    version.className = 'version'
    version.append(this.#etag)
    this.element.append(this.#name, this.#size, version)
    this.#draw()
  }

  /** @param {ListedEntry} entry another version of the same entry */
  update(entry) {
    const { etag, type, damage } = this.#entry
    if (entry.etag === etag && entry.type === type && entry.damage === damage) return
    this.#entry = entry
    this.#draw()
  }

  /** @param {boolean} isPlaying */
  mark(isPlaying) {
    if (isPlaying) this.element.setAttribute('aria-current', 'true')
    else this.element.removeAttribute('aria-current')
  }

  #draw() {
    const entry = this.#entry
    const kind = entry.damage !== undefined ? 'damaged' : isMedia(entry) ? 'media' : 'other'
    if (this.#kind !== kind) this.#name.replaceChildren(this.#makeName(kind))
    this.#kind = kind
    const link = this.#name.firstElementChild
    if (link instanceof HTMLAnchorElement) link.href = mediaUrl(this.#hiveUrl, entry)
    this.#size.textContent = kind === 'damaged' ? 'damaged' : formatBytes(entry.size)
    this.#size.title = entry.damage ?? `${entry.size.toLocaleString('en')} bytes`
    this.#etag.textContent = kind === 'damaged' ? '' : `${entry.etag.slice(1, 9)}…`
    this.#etag.title = entry.etag
  }

  /** @param {'damaged' | 'media' | 'other'} kind */
  #makeName(kind) {
    const { alias } = this.#entry
    const name = document.createElement('span')
    name.className = 'name'
    name.textContent = alias
    name.title = alias
    if (kind === 'damaged') return name
    const control = document.createElement(kind === 'media' ? 'button' : 'a')
    if (control instanceof HTMLButtonElement) {
      control.type = 'button'
      control.className = 'play'
      control.addEventListener('click', () => this.#onPlay(this.#entry))
    }
    control.append(name)
    return control
  }
}

/**
 * Whether a browser is likely to play an entry.
 *
 * @param {EntryInfo} entry
 */
export function isMedia({ type }) {
  return /^(video|audio)\//.test(type)
}
