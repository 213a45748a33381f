import { byId, typedById } from './elements.js'
import { formatBytes, formatCount } from './format.js'
import { RunningLine } from './running-line.js'

/** @import { BrowserStorage as Storage, EntryInfo } from './types.ts' */

/** Other tabs store and collect too, without a change of the entries. */
const MEASURE_MS = 30_000

/** Not every WebKit has all of it. @type {Partial<StorageManager> | undefined} */
const manager = navigator.storage

/** The part of the page that shows what a hive in the browser occupies, and frees what nothing uses any longer. */
export class BrowserStorage {
  #storage
  #free = typedById('free', HTMLButtonElement)
  #freeing = new RunningLine()
  #persist = typedById('persist', HTMLButtonElement)
  /** The versions at the last measurement. */
  #versions = ''
  #measuredAt = -Infinity

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage
    byId('storage').hidden = false
    this.#free.after(this.#freeing.element)
    this.#free.addEventListener('click', () => void this.#collect())
    this.#persist.addEventListener('click', () => void this.#askToPersist())
  }

  /**
   * Takes the current entries of the hive. Looks at every block if they have changed, or if the last look was a while ago.
   *
   * @param {EntryInfo[]} entries
   */
  async know(entries) {
    const versions = entries.map(({ alias, etag }) => etag + alias).join()
    if (versions === this.#versions && performance.now() - this.#measuredAt < MEASURE_MS) return
    this.#versions = versions
    await this.#show()
  }

  /** Shows what the hive occupies now. */
  async #show() {
    this.#measuredAt = performance.now()
    const { count, bytes } = await this.#measure()
    const { quota } = (await manager?.estimate?.()) ?? {}
    const allowed = quota === undefined ? '' : ` This browser allows this site ${formatBytes(quota)}.`
    byId('storage-text').textContent = `${formatBytes(bytes)} in ${formatCount(count, 'block', 'blocks')}.${allowed}`
    this.#persist.hidden = (await manager?.persisted?.()) ?? true
  }

  /** @param {AbortSignal} [signal] */
  async #measure(signal) {
    let count = 0
    let bytes = 0
    for (let after = ''; ;) {
      const some = await this.#storage.backend.blocks.list({ prefix: '', after, limit: 1_000, signal })
      const last = some.at(-1)
      if (!last) return { count, bytes }
      count += some.length
      bytes += some.reduce((sum, { size }) => sum + size, 0)
      after = last.name
    }
  }

  async #collect() {
    let freed = 0
    const words = 'Freeing space'
    const cancelled = 'You cancelled it. What is left can be freed later.'
    this.#say('Freeing space …')
    const outcome = await this.#freeing.run({ words, starter: this.#free, cancelled }, async ({ signal }) => {
      const before = (await this.#measure(signal)).bytes
      // The user wants the space now: a tab that still plays what was removed gets an error.
      await this.#storage.store.collectGarbage({ graceMs: 0, signal })
      freed = before - (await this.#measure(signal)).bytes
      await this.#show()
    })
    if (outcome !== undefined) this.#measuredAt = -Infinity
    this.#say(outcome ?? (freed > 0 ? `${formatBytes(freed)} freed.` : 'There was nothing to free.'))
  }

  async #askToPersist() {
    const granted = (await manager?.persist?.()) ?? false
    this.#say(
      granted
        ? 'This browser will not delete the hive by itself.'
        : 'This browser does not promise to keep the hive: it may delete it when space is short.',
    )
    this.#persist.hidden = granted
  }

  /** @param {string} words */
  #say(words) {
    byId('storage-notice').textContent = words
  }
}
