import { byId, typedById } from './elements.js'
import { formatBytes, formatError } from './format.js'

/** @import { EntryInfo, Hive } from './types.ts' */

/** Stores files in the hive: chosen, or dropped. */
export class Uploads {
  #connect
  #onStored
  #progress = typedById('upload-progress', HTMLProgressElement)
  #text = byId('upload-text')
  /** @type {Map<string, EntryInfo>} */
  #known = new Map()
  /** One after the other: each has to stand in memory. */
  #queue = Promise.resolve()

  /**
   * @param {(onProgress: (share: number) => void) => Hive} connect makes a hive that tells how far an upload is
   * @param {() => Promise<unknown>} onStored
   */
  constructor(connect, onStored) {
    this.#connect = connect
    this.#onStored = onStored
    const input = typedById('upload-input', HTMLInputElement)
    byId('upload').addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      this.#add(input.files)
      input.value = ''
    })
    this.#acceptDrops(byId('drop'))
  }

  /**
   * Tells what the hive has now.
   *
   * @param {EntryInfo[]} entries
   */
  know(entries) {
    this.#known = new Map(entries.map((entry) => [entry.alias, entry]))
  }

  /** @param {HTMLElement} zone */
  #acceptDrops(zone) {
    // Anywhere else, a file that is dropped would replace the page.
    for (const event of ['dragover', 'drop']) addEventListener(event, (drag) => drag.preventDefault())
    zone.addEventListener('dragover', () => zone.classList.add('over'))
    zone.addEventListener('dragleave', () => zone.classList.remove('over'))
    zone.addEventListener('drop', ({ dataTransfer }) => {
      zone.classList.remove('over')
      this.#add(dataTransfer?.files)
    })
  }

  /** @param {FileList | null | undefined} files */
  #add(files) {
    for (const file of files ?? []) this.#queue = this.#queue.then(() => this.#store(file))
  }

  /** @param {File} file */
  async #store(file) {
    const hive = this.#connect((share) => (this.#progress.value = share))
    const known = this.#known.get(file.name)
    this.#progress.value = 0
    this.#progress.hidden = false
    this.#text.className = ''
    this.#text.textContent = `Sending ${file.name}, ${formatBytes(file.size)} …`
    try {
      const sink = hive.sink(file.name, {
        ...(file.type && { type: file.type }),
        // What somebody else has stored since the list was shown is not overwritten.
        ...(known ? { ifMatch: known.etag } : { ifNoneMatch: '*' }),
      })
      await file.stream().pipeTo(sink)
      this.#text.textContent = `${known ? 'Replaced' : 'Stored'} ${file.name}, ${formatBytes(file.size)}.`
    } catch (error) {
      this.#text.className = 'problem'
      this.#text.textContent = `${file.name} was not stored. ${formatError(error)}`
    } finally {
      this.#progress.hidden = true
      await this.#onStored()
    }
  }
}
