import { mediaUrl } from '/combstream/browser-hive.js'
import { announce } from './announce.js'
import { byId } from './elements.js'
import { EntryPanel } from './entry-panel.js'
import { failureWords } from './failure-words.js'
import { formatBytes } from './format.js'

/** @import { EntryInfo, ListedEntry } from './types.ts' */

/**
 * What a user can do with an entry.
 *
 * @typedef {object} EntryActions
 * @property {(entry: EntryInfo) => void} play
 * @property {(entry: ListedEntry) => Promise<void>} remove
 * @property {import('./entry-panel.js').PanelActions} panel
 * @property {import('./thumbnails.js').Thumbnails} thumbnails
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
  #picture = document.createElement('span')
  #problem = document.createElement('p')
  /** @type {EntryPanel | undefined} */
  #panel
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
    this.#picture.className = 'picture'
    this.#picture.ariaHidden = 'true'
    this.#problem.className = 'problem'
    const cell = document.createElement('td')
    cell.className = 'action'
    cell.append(this.#makeOpener(), this.#makeRemover())
    this.element.append(this.#name, this.#size, cell)
    this.#draw()
  }

  /** Lets go of everything: the row is no longer in the list. */
  dispose() {
    this.#actions.thumbnails.forget(this.#picture)
    this.element.remove()
  }

  /** Puts the focus on what else can be done with the entry. */
  focus() {
    this.element.querySelector('button')?.focus()
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
    if (this.#kind !== kind) this.#name.replaceChildren(this.#makeName(kind), this.#problem)
    if (this.#panel) this.#name.append(this.#panel.element)
    this.#kind = kind
    if (kind !== 'damaged') this.#actions.thumbnails.show(this.#picture, entry)
    const link = this.#name.firstElementChild
    if (link instanceof HTMLAnchorElement) link.href = mediaUrl(this.#hiveUrl, entry)
    this.#size.textContent = kind === 'damaged' ? 'damaged' : formatBytes(entry.size)
    this.#size.title = entry.damage ?? `${entry.size.toLocaleString('en')} bytes`
    this.#panel?.describe()
  }

  /** A button that shows what else can be done with the entry. */
  #makeOpener() {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet-button more'
    button.textContent = '⋯'
    button.ariaLabel = `More about ${this.#entry.alias}`
    button.ariaExpanded = 'false'
    const toggle = (/** @type {boolean} */ opens) => {
      button.ariaExpanded = String(opens)
      if (!this.#panel) {
        this.#panel = new EntryPanel(() => this.#entry, this.#actions.panel)
        this.#panel.element.addEventListener('keydown', ({ key }) => key === 'Escape' && toggle(false))
        this.#name.append(this.#panel.element)
      }
      if (!opens && this.#panel.element.contains(document.activeElement)) button.focus()
      this.#panel.element.hidden = !opens
      if (opens) this.#panel.focus()
    }
    button.addEventListener('click', () => toggle(button.ariaExpanded === 'false'))
    return button
  }

  /**
   * A button that asks before it removes the entry. There is no undo afterwards: a hive frees what no entry needs, and to
   * delay the removal would show other pages an entry that is about to go, and lose the removal if this page is closed.
   */
  #makeRemover() {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet-button remove'
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
      if (!button.classList.contains('asking')) {
        announce(`Remove ${this.#entry.alias}? Press again within ${QUESTION_MS / 1_000} seconds.`)
        return ask(true)
      }
      ask(false)
      void this.#remove(button)
    })
    return button
  }

  /** @param {HTMLButtonElement} button */
  async #remove(button) {
    const { alias } = this.#entry
    const hadFocus = document.activeElement === button
    const neighbour = this.element.nextElementSibling ?? this.element.previousElementSibling
    button.disabled = true
    this.element.ariaBusy = 'true'
    this.#problem.textContent = ''
    this.#size.textContent = 'removing …'
    try {
      await this.#actions.remove(this.#entry)
      announce(`${alias} is removed.`)
    } catch (error) {
      announce(`${alias} was not removed. ${failureWords(error)}`)
      this.#problem.textContent = `Not removed. ${failureWords(error)}`
    } finally {
      button.disabled = false
      this.element.ariaBusy = null
      if (this.element.isConnected) this.#draw()
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
    control.className = 'entry'
    if (control instanceof HTMLButtonElement) {
      control.type = 'button'
      control.className = 'entry play'
      control.addEventListener('click', () => this.#actions.play(this.#entry))
    }
    control.append(this.#picture, name)
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
