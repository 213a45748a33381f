import { failureWords } from './failure-words.js'

/**
 * How an action reports its progress, and is cancelled.
 *
 * @typedef {object} Running
 * @property {AbortSignal} signal
 * @property {(share: number) => void} onProgress gets 0 to 1
 */

/** What is said of an action that was cancelled, unless more is known. */
export const CANCELLED = 'You cancelled it.'

/** Shows the progress of an action, and a button that cancels it. One action at a time. */
export class RunningLine {
  element = document.createElement('div')
  #progress = document.createElement('progress')
  #cancel = makeButton('Cancel', () => this.#cancelling?.abort())
  /** @type {AbortController | undefined} */
  #cancelling

  constructor() {
    this.element.className = 'running'
    this.element.hidden = true
    this.#progress.ariaLabel = 'Progress'
    this.element.append(this.#progress, this.#cancel)
  }

  /** Whether an action is running. */
  get isBusy() {
    return this.#cancelling !== undefined
  }

  /**
   * Runs an action in place of the element that starts it. If that has the focus, the button that cancels gets it, and it is
   * given back in the end.
   *
   * @param {object} options
   * @param {string} options.words what is being done, for people who use a screen reader
   * @param {HTMLElement} options.starter is hidden meanwhile
   * @param {string | undefined} [options.cancelled] what to say if it is cancelled
   * @param {(running: Running) => Promise<void>} action
   * @returns {Promise<string | undefined>} why it did not succeed
   */
  async run({ words, starter, cancelled = CANCELLED }, action) {
    const cancelling = new AbortController()
    this.#cancelling = cancelling
    const { activeElement } = document
    const focused = activeElement instanceof HTMLElement && starter.contains(activeElement) ? activeElement : undefined
    this.#progress.removeAttribute('value')
    this.#progress.ariaLabel = words
    this.#cancel.ariaLabel = `Cancel: ${words}`
    this.element.hidden = false
    if (focused) this.#cancel.focus()
    starter.hidden = true
    try {
      await action({ signal: cancelling.signal, onProgress: (share) => void (this.#progress.value = share) })
      return undefined
    } catch (error) {
      return cancelling.signal.aborted ? cancelled : failureWords(error)
    } finally {
      this.#cancelling = undefined
      starter.hidden = false
      if (document.activeElement === this.#cancel) focused?.focus()
      this.element.hidden = true
    }
  }
}

/**
 * @param {string} label
 * @param {() => void} act
 */
export function makeButton(label, act) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = label
  button.addEventListener('click', act)
  return button
}
