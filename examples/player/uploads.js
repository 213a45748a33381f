import { announce } from './announce.js'
import { acceptDrops } from './drop-zone.js'
import { byId, typedById } from './elements.js'
import { formatCount } from './format.js'
import { Upload } from './upload.js'
import { UploadLine } from './upload-line.js'

/** @import { EntryInfo } from './types.ts' */
/** @import { PageHive } from './hives.js' */
/** @import { UploadState } from './upload.js' */

/** The part of the page that stores files. Each has a line of its own; they are sent one after the other. */
export class Uploads {
  #connect
  #onStored
  /** @type {Map<Upload, UploadLine>} */
  #lines = new Map()
  /** @type {Map<string, EntryInfo>} */
  #known = new Map()
  #sending = false

  /**
   * @param {PageHive['connect']} connect
   * @param {() => Promise<unknown>} onStored
   */
  constructor(connect, onStored) {
    this.#connect = connect
    this.#onStored = onStored
    const input = typedById('upload-input', HTMLInputElement)
    byId('upload').addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      this.#add(Array.from(input.files ?? [], (file) => ({ file, isFolder: false })))
      // The same file may be chosen again.
      input.value = ''
    })
    acceptDrops(byId('drop'), (dropped) => this.#add(dropped))
    byId('replace-all').addEventListener('click', () => this.#each('asking', (upload) => upload.replace()))
    byId('skip-all').addEventListener('click', () => this.#each('asking', (upload) => upload.cancel()))
    byId('retry-all').addEventListener('click', () => this.#each('failed', (upload) => upload.retry()))
    byId('cancel-all').addEventListener('click', () => {
      for (const state of /** @type {const} */ (['asking', 'waiting', 'sending'])) {
        this.#each(state, (upload) => upload.cancel())
      }
    })
    byId('clear').addEventListener('click', () => {
      this.#each('stored', (upload) => this.#dismiss(upload))
      this.#each('cancelled', (upload) => this.#dismiss(upload))
      byId('upload').focus()
    })
    addEventListener('beforeunload', (event) => {
      if (this.#count('sending') + this.#count('waiting') > 0) event.preventDefault()
    })
  }

  /**
   * Takes the current entries of the hive.
   *
   * @param {EntryInfo[]} entries
   */
  know(entries) {
    this.#known = new Map(entries.map((entry) => [entry.alias, entry]))
  }

  /** @param {import('./drop-zone.js').Dropped[]} dropped */
  #add(dropped) {
    for (const { file, isFolder } of dropped) {
      const upload = new Upload(file, this.#known.get(file.name), (changed) => this.#onChange(changed))
      const line = new UploadLine(upload, (action) => this.#act(upload, action))
      this.#lines.set(upload, line)
      byId('uploads').append(line.element)
      if (isFolder) upload.refuse('It is a folder: drop the files that are in it.')
    }
    this.#drawSummary()
    const questions = this.#count('asking')
    if (questions > 0) announce(`${formatCount(questions, 'file is', 'files are')} in the hive already. Replace?`)
    void this.#sendAll()
  }

  /**
   * @param {Upload} upload
   * @param {string} action
   */
  #act(upload, action) {
    if (action === 'replace') upload.replace()
    else if (action === 'retry') upload.retry()
    else if (action === 'cancel') upload.cancel()
    else this.#dismiss(upload)
    void this.#sendAll()
  }

  /** @param {Upload} upload */
  #dismiss(upload) {
    const line = this.#lines.get(upload)
    this.#lines.delete(upload)
    const hadFocus = line?.element.contains(document.activeElement)
    line?.element.remove()
    if (hadFocus) byId('upload').focus()
    this.#drawSummary()
  }

  /** Sends one file at a time, because each is held in memory. */
  async #sendAll() {
    if (this.#sending) return
    this.#sending = true
    for (let upload = this.#first('waiting'); upload; upload = this.#first('waiting')) {
      await upload.send(this.#connect)
    }
    this.#sending = false
    await this.#onStored()
  }

  /** @param {Upload} upload */
  #onChange(upload) {
    const line = this.#lines.get(upload)
    // An upload that has just been created has no line yet.
    if (!line) return
    line.update()
    const { file, state, failure } = upload
    if (state === 'stored') announce(`${file.name} is stored.`)
    if (state === 'failed') announce(`${file.name} was not stored. ${failure}`)
    if (state === 'asking') announce(`${file.name} is in the hive already. Replace it?`)
    if (state !== 'sending' || upload.share === 0) this.#drawSummary()
  }

  #drawSummary() {
    const counts = {
      stored: this.#count('stored'),
      failed: this.#count('failed'),
      asking: this.#count('asking'),
      waiting: this.#count('waiting') + this.#count('sending'),
    }
    byId('upload-area').hidden = this.#lines.size === 0
    byId('upload-summary').textContent = [
      `${counts.stored} of ${formatCount(this.#lines.size, 'file', 'files')} stored`,
      counts.waiting > 0 && `${counts.waiting} to go`,
      counts.asking > 0 && formatCount(counts.asking, 'question', 'questions'),
      counts.failed > 0 && `${counts.failed} failed`,
    ]
      .filter(Boolean)
      .join(' · ')
    byId('replace-all').hidden = byId('skip-all').hidden = counts.asking < 2
    byId('cancel-all').hidden = counts.waiting + counts.asking < 2
    byId('retry-all').hidden = counts.failed < 2
    byId('clear').hidden = counts.stored + this.#count('cancelled') < 2
  }

  /**
   * @param {UploadState} state
   * @param {(upload: Upload) => void} act
   */
  #each(state, act) {
    for (const upload of this.#lines.keys()) if (upload.state === state) act(upload)
    void this.#sendAll()
  }

  /** @param {UploadState} state */
  #first(state) {
    return [...this.#lines.keys()].find((upload) => upload.state === state)
  }

  /** @param {UploadState} state */
  #count(state) {
    let count = 0
    for (const upload of this.#lines.keys()) if (upload.state === state) count++
    return count
  }
}
