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
 * @property {(entry: ListedEntry, signal: AbortSignal) => Promise<void>} remove
 * @property {import('./entry-panel.js').PanelActions} panel
 * @property {import('./thumbnails.js').Thumbnails} thumbnails
 */

/** How long the question whether to remove an entry stands. */
const QUESTION_MS = 5_000
/** Nobody can take back a request that has arrived. */
const REMOVAL_CANCELLED = 'You cancelled it. If the hive had already got the request, the entry goes all the same.'

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
        this.#panel.element.addEventListener('keydown', ({ key }) => {
          // What is going on would be hidden.
          if (key === 'Escape' && !this.#panel?.isBusy) toggle(false)
        })
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
   * A button that asks before it removes the entry, and cancels while it removes. There is no undo afterwards: a hive frees
   * what no entry needs, and to delay the removal would show other pages an entry that is about to go, and lose the removal
   * if this page is closed.
   */
  #makeRemover() {
    const button = document.createElement('button')
    button.type = 'button'
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    /** @type {AbortController | undefined} */
    let removing
    const become = (/** @type {'' | 'asking' | 'removing'} */ state) => {
      clearTimeout(timer)
      button.className = `quiet-button remove ${state}`
      button.textContent = { '': '×', asking: 'Remove?', removing: 'Cancel' }[state]
      const { alias } = this.#entry
      button.ariaLabel = { '': `Remove ${alias}`, asking: null, removing: `Cancel removing ${alias}` }[state]
      if (state === 'asking') timer = setTimeout(() => become(''), QUESTION_MS)
    }
    become('')
    button.addEventListener('blur', () => removing ?? become(''))
    const remove = async () => {
      removing = new AbortController()
      become('removing')
      await this.#remove(button, removing.signal)
      removing = undefined
      become('')
    }
    button.addEventListener('click', ({ detail }) => {
      if (removing) {
        // Who clicks twice to be sure does not mean to cancel.
        if (detail < 2) removing.abort()
      } else if (button.classList.contains('asking')) void remove()
      else {
        announce(`Remove ${this.#entry.alias}? Press again within ${QUESTION_MS / 1_000} seconds.`)
        become('asking')
      }
    })
    return button
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {AbortSignal} signal
   */
  async #remove(button, signal) {
    const { alias } = this.#entry
    const hadFocus = document.activeElement === button
    const neighbour = this.element.nextElementSibling ?? this.element.previousElementSibling
    this.element.ariaBusy = 'true'
    this.#problem.textContent = ''
    this.#size.textContent = 'removing …'
    try {
      await this.#actions.remove(this.#entry, signal)
      announce(`${alias} is removed.`)
    } catch (error) {
      const words = signal.aborted ? REMOVAL_CANCELLED : `Not removed. ${failureWords(error)}`
      announce(`${alias}: ${words}`)
      this.#problem.textContent = words
    } finally {
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
