import { DeltaStream, loadSignature } from '/combstream/browser-hive.js'
import { demoEdit } from './demo-edit.js'
import { byId, typedById } from './elements.js'
import { failureWords } from './failure-words.js'
import { formatBytes, formatShare, shorten } from './format.js'
import { readFile } from './read-file.js'

/** @import { EntryInfo, Hive } from './types.ts' */
/** @typedef {{ sent: number, received: number }} Traffic what this page sent and received, in bytes */

/** Names in the list of options are shortened, because it is as wide as its longest option, even wider than the page. */
const NAME_CHARACTERS = 48

/**
 * Makes `edited` the new version of an entry, and sends only the bytes that the current version does not have. If somebody
 * else replaces that version first, it rejects with a ConflictError.
 *
 * @param {Hive} hive
 * @param {string} alias
 * @param {Blob} edited
 */
export async function updateByDelta(hive, alias, edited) {
  const entry = await hive.open(alias)
  const signature = await loadSignature(entry.signature())
  const sink = hive.patchSink(alias, { ifMatch: entry.etag })
  await readFile(edited).pipeThrough(new DeltaStream(signature)).pipeTo(sink)
  return sink.entry
}

/** The part of the page that updates entries, and shows how many bytes that took. */
export class DeltaUpdate {
  #hive
  #onUpdated
  #text = byId('update-text')
  #select = typedById('update-alias', HTMLSelectElement)
  #isBusy = false

  /**
   * @param {Hive} hive
   * @param {() => Promise<unknown>} onUpdated
   */
  constructor(hive, onUpdated) {
    this.#hive = hive
    this.#onUpdated = onUpdated
    const input = typedById('update-input', HTMLInputElement)
    byId('update').addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      if (file) void this.#run(async () => ({ alias: this.#select.value, edited: file, what: file.name }))
      input.value = ''
    })
    byId('demo').addEventListener('click', () => void this.#run(() => demoEdit(hive, (text) => this.#say(text))))
  }

  /**
   * Updates the list of entries.
   *
   * @param {EntryInfo[]} entries
   */
  know(entries) {
    const aliases = entries.map(({ alias }) => alias)
    if (aliases.join('\n') === [...this.#select.options].map(({ value }) => value).join('\n')) return
    const { value } = this.#select
    this.#select.replaceChildren(
      ...aliases.map((alias) => new Option(shorten(alias, NAME_CHARACTERS), alias, false, alias === value)),
    )
    typedById('update', HTMLButtonElement).disabled = this.#isBusy || aliases.length === 0
  }

  /** @param {() => Promise<{ alias: string, edited: Blob, what: string }>} prepare */
  async #run(prepare) {
    this.#setBusy(true)
    try {
      const { alias, edited, what } = await prepare()
      const names = { what: shorten(what, NAME_CHARACTERS), alias: shorten(alias, NAME_CHARACTERS) }
      this.#say(`Comparing ${names.what} with ${names.alias} …`)
      const before = await trafficOf(alias)
      const { size } = await updateByDelta(this.#hive, alias, edited)
      const after = await trafficOf(alias)
      this.#say(`${names.alias} is now ${names.what}, ${formatBytes(size)}.`)
      this.#show({ sent: after.sent - before.sent, received: after.received - before.received }, size)
    } catch (error) {
      this.#say(`Nothing was updated. ${failureWords(error)}`, 'problem')
    } finally {
      this.#setBusy(false)
      await this.#onUpdated()
    }
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#isBusy = isBusy
    typedById('demo', HTMLButtonElement).disabled = isBusy
    typedById('update', HTMLButtonElement).disabled = isBusy || this.#select.options.length === 0
  }

  /**
   * @param {Traffic} traffic
   * @param {number} size
   */
  #show({ sent, received }, size) {
    const moved = sent + received
    // If a file has nothing in common with the entry, the update takes more bytes than the file.
    const full = Math.max(size, moved, 1)
    byId('result-share').textContent = formatShare(moved / Math.max(size, 1))
    byId('result-whole').textContent = formatBytes(size)
    byId('result-moved').textContent = formatBytes(moved)
    byId('result-sent').style.width = `${(sent / full) * 100}%`
    byId('result-received').style.width = `${(received / full) * 100}%`
    byId('result-sent-text').textContent = `${formatBytes(sent)} sent: the delta,`
    byId('result-received-text').textContent = `${formatBytes(received)} received: the signature.`
    byId('result').hidden = false
  }

  /**
   * @param {string} text
   * @param {string} className
   */
  #say(text, className = '') {
    this.#text.className = className
    this.#text.textContent = text
  }
}

/**
 * The bytes that updates of an entry have transferred so far, as counted by the server, from the point of view of the page.
 *
 * @param {string} alias
 * @returns {Promise<Traffic>}
 */
async function trafficOf(alias) {
  const response = await fetch(`/traffic?alias=${encodeURIComponent(alias)}`)
  if (!response.ok) throw new Error(`the server did not report its counts: ${response.status}`)
  const { signature, patch } = await response.json()
  return {
    sent: (signature?.received ?? 0) + (patch?.received ?? 0),
    received: (signature?.sent ?? 0) + (patch?.sent ?? 0),
  }
}
