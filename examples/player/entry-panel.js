import { announce } from './announce.js'
import { makeButton, RunningLine } from './running-line.js'

/** @import { ListedEntry } from './types.ts' */
/** @import { Running } from './running-line.js' */

/**
 * What the panel of an entry can do.
 *
 * @typedef {object} PanelActions
 * @property {(entry: ListedEntry, running: Running) => Promise<void>} download
 * @property {(entry: ListedEntry, to: string, running: Running) => Promise<void>} rename
 * @property {(entry: ListedEntry) => Promise<boolean | undefined>} isPinned whether it is kept for offline, if it can be
 * @property {(entry: ListedEntry, running: Running) => Promise<void>} pin
 * @property {(entry: ListedEntry, running: Running) => Promise<void>} unpin
 */

/** Nobody can take back a request that has arrived. */
const RENAME_CANCELLED =
  'You cancelled it. If the hive had already got the request, the entry has its new name all the same.'

/** The part of a row that opens below its name: what else can be done with the entry, one thing at a time. */
export class EntryPanel {
  element = document.createElement('div')
  #entry
  #actions
  #buttons = document.createElement('div')
  #pin = makeButton('Keep for offline', () => void this.#togglePin())
  #isPinned = false
  #form = document.createElement('form')
  #name = document.createElement('input')
  #running = new RunningLine()
  #starters = document.createElement('div')
  #words = document.createElement('p')
  #facts = document.createElement('p')

  /**
   * @param {() => ListedEntry} entry
   * @param {PanelActions} actions
   */
  constructor(entry, actions) {
    this.#entry = entry
    this.#actions = actions
    this.element.className = 'panel'
    this.#words.className = 'words'
    this.#facts.className = 'words quiet'
    this.describe()
    this.#buttons.className = 'actions'
    this.#buttons.append(
      makeButton('Download', () => void this.#download()),
      makeButton('Rename', () => this.#askForName()),
      this.#pin,
    )
    this.#pin.hidden = true
    this.#makeForm()
    this.#starters.append(this.#buttons, this.#form)
    this.element.append(this.#facts, this.#starters, this.#running.element, this.#words)
  }

  /** Says what kind of an entry it is, and which version. */
  describe() {
    const { type, etag, modified } = this.#entry()
    const time = modified.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })
    this.#facts.textContent = `${type} · version ${etag.slice(1, 9)}… of ${time}`
    this.#facts.title = etag
  }

  /** Puts the focus on the first thing that can be done. */
  focus() {
    this.#buttons.querySelector('button')?.focus()
    void this.#drawPin()
  }

  /** Whether closing the panel would hide something that is going on. */
  get isBusy() {
    return this.#running.isBusy
  }

  #makeForm() {
    const form = this.#form
    form.className = 'rename'
    form.hidden = true
    this.#name.type = 'text'
    this.#name.required = true
    // It takes the width that there is, and does not widen the table.
    this.#name.size = 1
    this.#name.autocomplete = 'off'
    this.#name.spellcheck = false
    this.#name.ariaLabel = 'New name'
    const save = makeButton('Save', () => undefined)
    save.type = 'submit'
    form.append(
      this.#name,
      save,
      makeButton('Keep the name', () => this.#endForm()),
    )
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#rename(this.#name.value)
    })
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      this.#endForm()
    })
  }

  #askForName() {
    const { alias } = this.#entry()
    this.#words.textContent = ''
    this.#buttons.hidden = true
    this.#form.hidden = false
    this.#name.value = alias
    this.#name.focus()
    // All but the ending and the folder, which mostly stay.
    const start = alias.lastIndexOf('/') + 1
    const dot = alias.lastIndexOf('.')
    this.#name.setSelectionRange(start, dot > start ? dot : alias.length)
  }

  #endForm() {
    this.#form.hidden = true
    this.#buttons.hidden = false
    this.#buttons.querySelectorAll('button')[1]?.focus()
  }

  async #rename(/** @type {string} */ to) {
    const { alias } = this.#entry()
    if (to === alias) return this.#endForm()
    const outcome = await this.#run(
      'Renaming …',
      (running) => this.#actions.rename(this.#entry(), to, running),
      RENAME_CANCELLED,
    )
    if (outcome !== undefined) {
      this.#form.hidden = false
      this.#buttons.hidden = true
      const words = outcome === RENAME_CANCELLED ? outcome : `Not renamed. ${outcome}`
      this.#say(words)
      announce(words)
      this.#giveFocus(this.#name)
    } else announce(`${alias} is now ${to}.`)
  }

  /** Shows whether the entry is kept for offline. */
  async #drawPin() {
    const isPinned = await this.#actions.isPinned(this.#entry()).catch(() => undefined)
    this.#pin.hidden = isPinned === undefined
    this.#isPinned = isPinned ?? false
    this.#pin.textContent = this.#isPinned ? 'Do not keep for offline' : 'Keep for offline'
  }

  async #togglePin() {
    const { alias } = this.#entry()
    const pins = !this.#isPinned
    const outcome = await this.#run(pins ? 'Keeping …' : 'Releasing …', (running) =>
      pins ? this.#actions.pin(this.#entry(), running) : this.#actions.unpin(this.#entry(), running),
    )
    const done = pins ? 'Kept for offline' : 'No longer kept for offline'
    this.#say(outcome ?? done)
    announce(`${alias}: ${outcome ?? done}.`)
    await this.#drawPin()
    this.#giveFocus(this.#pin)
  }

  async #download() {
    const { alias } = this.#entry()
    const outcome = await this.#run('Downloading …', (running) => this.#actions.download(this.#entry(), running))
    this.#say(outcome === undefined ? 'Downloaded' : `Not downloaded. ${outcome}`)
    announce(outcome === undefined ? `${alias} is downloaded.` : `${alias} is not downloaded. ${outcome}`)
    this.#giveFocus(this.#buttons.querySelector('button'))
  }

  /**
   * Gives an element the focus when an action has ended, unless the user has put it elsewhere meanwhile.
   *
   * @param {HTMLElement | null} element
   */
  #giveFocus(element) {
    const { activeElement } = document
    if (activeElement === document.body || this.element.contains(activeElement)) element?.focus()
  }

  /**
   * Runs an action, with its progress and a button that cancels it.
   *
   * @param {string} words
   * @param {(running: Running) => Promise<void>} action
   * @param {string} [cancelled] what to say if it is cancelled
   * @returns {Promise<string | undefined>} why it did not succeed
   */
  async #run(words, action, cancelled) {
    this.#say(words)
    const options = { words: `${words.replace(' …', '')} ${this.#entry().alias}`, starter: this.#starters, cancelled }
    const outcome = await this.#running.run(options, ({ signal, onProgress }) =>
      action({
        signal,
        onProgress: (share) => {
          onProgress(share)
          this.#say(`${words.replace(' …', '')}, ${Math.floor(share * 100)} %`)
        },
      }),
    )
    this.#form.hidden = true
    this.#buttons.hidden = false
    this.#say('')
    return outcome
  }

  #say(/** @type {string} */ words) {
    this.#words.textContent = words
  }
}
