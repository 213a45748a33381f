import { formatBytes } from './format.js'

/** @import { Upload, UploadState } from './upload.js' */

/** The actions of each state, by the method of an upload that performs them. */
const ACTIONS = {
  asking: { replace: 'Replace', cancel: 'Skip' },
  waiting: { cancel: 'Cancel' },
  sending: { cancel: 'Cancel' },
  stored: { dismiss: 'Dismiss' },
  failed: { retry: 'Try again', dismiss: 'Dismiss' },
  cancelled: { retry: 'Try again', dismiss: 'Dismiss' },
}

/** The line of one upload: its name, progress, result and actions. */
export class UploadLine {
  element = document.createElement('li')
  #upload
  #onAction
  #progress = document.createElement('progress')
  #words = document.createElement('p')
  #actions = document.createElement('div')
  /** @type {UploadState | undefined} */
  #shown

  /**
   * @param {Upload} upload
   * @param {(action: string) => void} onAction
   */
  constructor(upload, onAction) {
    this.#upload = upload
    this.#onAction = onAction
    const { file } = upload
    const name = document.createElement('span')
    name.className = 'name'
    name.textContent = file.name
    name.title = file.name
    const size = document.createElement('span')
    size.className = 'number quiet'
    size.textContent = formatBytes(file.size)
    this.#progress.setAttribute('aria-label', `Progress of ${file.name}`)
    this.#words.className = 'words'
    this.#actions.className = 'actions'
    this.element.append(name, size, this.#progress, this.#words, this.#actions)
    this.update()
  }

  /** Shows the current state of the upload. */
  update() {
    const { state, share } = this.#upload
    this.#progress.hidden = state !== 'sending'
    this.#progress.value = share
    this.#words.textContent = lineWords(this.#upload)
    // A button must not be replaced while it is being pressed.
    if (state === this.#shown) return
    this.#shown = state
    this.element.dataset['state'] = state
    const hadFocus = this.#actions.contains(document.activeElement)
    const buttons = Object.entries(ACTIONS[state]).map(([action, label]) => this.#button(action, label))
    this.#actions.replaceChildren(...buttons)
    if (hadFocus) buttons[0]?.focus()
  }

  /**
   * @param {string} action
   * @param {string} label
   */
  #button(action, label) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = label
    button.setAttribute('aria-label', `${label} ${this.#upload.file.name}`)
    button.addEventListener('click', () => this.#onAction(action))
    return button
  }
}

/**
 * The text in the line of an upload.
 *
 * @param {Upload} upload
 */
function lineWords({ state, share, failure, replaces }) {
  const words = {
    asking: 'The hive already has an entry with this name. Replace it?',
    waiting: 'Waiting for its turn',
    sending: share < 1 ? `Sending, ${Math.floor(share * 100)} %` : 'Sent; waiting for the hive to store it',
    stored: replaces === undefined ? 'Stored' : 'Replaced',
    failed: `Not stored. ${failure}`,
    cancelled: share < 1 ? 'Cancelled, not stored' : 'Cancelled, but all of it had been sent: it may be stored',
  }
  return words[state]
}
