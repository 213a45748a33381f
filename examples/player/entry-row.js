import { mediaUrl } from '/combstream/browser-hive.js'
import { announce } from './announce.js'
import { byId } from './elements.js'
import { failureWords } from './failure-words.js'
import { formatBytes } from './format.js'

/** @import { EntryInfo, ListedEntry } from './types.ts' */

/**
 * What a user can do with an entry.
 *
 * @typedef {object} EntryActions
 * @property {(entry: EntryInfo) => void} play
 * @property {(entry: ListedEntry) => Promise<void>} remove
 */

/** How long the question whether to remove an entry stands. */
const QUESTION_MS = 5_000

/** The row of one entry in the list. It is kept when the entry changes, because it may have the focus. */
export class EntryRow {
  element = document.createElement('tr')
  #hiveUrl
  #actions
  #entry
  #name = document.createElement('th')
  #size = document.createElement('td')
  #etag = document.createElement('code')
  /** @type {'damaged' | 'media' | 'other' | undefined} */
  #kind

  /**
   * @param {ListedEntry} entry
   * @param {string} hiveUrl
   * @param {EntryActions} actions
   */
  constructor(entry, hiveUrl, actions) {
    this.#entry = entry
    this.#hiveUrl = hiveUrl
    this.#actions = actions
    this.#name.scope = 'row'
    this.#size.className = 'number'
    const version = document.createElement('td')
    version.className = 'version'
    version.append(this.#etag)
    this.element.append(this.#name, this.#size, version, this.#makeRemover())
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

  /** A button that asks before it removes the entry. */
  #makeRemover() {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'remove'
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    const ask = (/** @type {boolean} */ isAsking) => {
      clearTimeout(timer)
      button.classList.toggle('asking', isAsking)
      button.textContent = isAsking ? 'Remove?' : '×'
      button.ariaLabel = isAsking ? null : `Remove ${this.#entry.alias}`
      if (isAsking) timer = setTimeout(() => ask(false), QUESTION_MS)
    }
    ask(false)
    button.addEventListener('blur', () => ask(false))
    button.addEventListener('click', () => {
      if (!button.classList.contains('asking')) return ask(true)
      ask(false)
      void this.#remove(button)
    })
    const cell = document.createElement('td')
    cell.className = 'action'
    cell.append(button)
    return cell
  }

  /** @param {HTMLButtonElement} button */
  async #remove(button) {
    const { alias } = this.#entry
    const hadFocus = document.activeElement === button
    const neighbour = this.element.nextElementSibling ?? this.element.previousElementSibling
    button.disabled = true
    try {
      await this.#actions.remove(this.#entry)
      announce(`${alias} is removed.`)
    } catch (error) {
      announce(`${alias} was not removed. ${failureWords(error)}`)
      button.title = failureWords(error)
    } finally {
      button.disabled = false
    }
    // Whoever uses a keyboard goes on from here, not from the top of the page.
    if (!hadFocus || (document.activeElement ?? document.body) !== document.body) return
    const row = [this.element, neighbour].find((element) => element?.isConnected)
    const next = row?.querySelector('button.remove') ?? byId('upload')
    if (next instanceof HTMLElement) next.focus()
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
      control.addEventListener('click', () => this.#actions.play(this.#entry))
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
