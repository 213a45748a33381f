import { failureWords } from './failure-words.js'
import { readFile } from './read-file.js'

/** @import { EntryInfo, Failure, SinkOptions } from './types.ts' */
/** @import { PageHive } from './hives.js' */
/** @typedef {'asking' | 'waiting' | 'sending' | 'stored' | 'failed' | 'cancelled'} UploadState */

/** The etag of an entry in a list that cannot be read; no condition can name it. */
const DAMAGED_ETAG = '""'

/** One file on its way to the hive, with its own state, progress and failure. */
export class Upload {
  /** @type {UploadState} */
  state = 'waiting'
  /** How much of it has been sent, 0 to 1. */
  share = 0
  /** Why it failed, in words for people. */
  failure = ''
  /**
   * Etag of the version that it would replace or has replaced.
   *
   * @type {string | undefined}
   */
  replaces
  #onChange
  #mayReplace = false
  #cancelling = new AbortController()

  /**
   * @param {File} file
   * @param {EntryInfo | undefined} existing the entry with this name, which is not replaced without asking
   * @param {(upload: Upload) => void} onChange
   */
  constructor(file, existing, onChange) {
    this.file = file
    this.#onChange = onChange
    if (existing) this.#askAbout(existing.etag)
  }

  /** Answers the question: yes, replace the entry. */
  replace() {
    if (this.state !== 'asking') return
    this.#mayReplace = true
    this.#become('waiting')
  }

  /** Queues a failed or cancelled upload again; an unanswered question is asked again. */
  retry() {
    if (this.state !== 'failed' && this.state !== 'cancelled') return
    this.share = 0
    this.#become(this.replaces === undefined || this.#mayReplace ? 'waiting' : 'asking')
  }

  /** Cancels the upload; if it has been stored, it stays stored. */
  cancel() {
    if (this.state === 'sending') this.#cancelling.abort()
    else if (this.state === 'waiting' || this.state === 'asking') this.#become('cancelled')
  }

  /**
   * Fails.
   *
   * @param {string} words why
   */
  refuse(words) {
    this.failure = words
    this.#become('failed')
  }

  /**
   * Sends the file. Never rejects: the state holds the result.
   *
   * @param {PageHive['connect']} connect
   */
  async send(connect) {
    this.#cancelling = new AbortController()
    const { signal } = this.#cancelling
    this.share = 0
    this.#become('sending')
    try {
      const hive = connect((share) => this.#advance(share), this.file.size)
      const sink = hive.sink(this.file.name, {
        signal,
        ...(this.file.type && { type: this.file.type }),
        ...this.#condition(),
      })
      await readFile(this.file).pipeTo(sink, { signal })
      this.#become('stored')
    } catch (error) {
      if (signal.aborted) this.#become('cancelled')
      else this.#onFailure(/** @type {Failure} */ (error))
    }
  }

  /**
   * A version that somebody else has stored since the question was asked is not replaced either.
   *
   * @returns {SinkOptions}
   */
  #condition() {
    if (this.replaces === undefined) return { ifNoneMatch: '*' }
    return this.replaces === DAMAGED_ETAG ? {} : { ifMatch: this.replaces }
  }

  /** @param {Failure} error */
  #onFailure(error) {
    const isConflict = error.name === 'AlreadyExistsError' || error.name === 'ConflictError'
    if (isConflict && error.actualEtag !== undefined) {
      this.#askAbout(error.actualEtag)
    } else if (isConflict && this.replaces !== undefined) {
      // The entry to be replaced has been removed, so storing this file loses nothing.
      this.replaces = undefined
      this.#become('waiting')
    } else {
      this.refuse(failureWords(error))
    }
  }

  /** @param {string} etag */
  #askAbout(etag) {
    this.replaces = etag
    this.#mayReplace = false
    this.share = 0
    this.#become('asking')
  }

  /** @param {number} share */
  #advance(share) {
    this.share = share
    this.#onChange(this)
  }

  /** @param {UploadState} state */
  #become(state) {
    this.state = state
    this.#onChange(this)
  }
}
