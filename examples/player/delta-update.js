import { DeltaStream, HttpHive, loadSignature } from '/combstream/browser-hive.js'
import { demoEdit } from './demo-edit.js'
import { byId, typedById } from './elements.js'
import { formatBytes, formatShare, shorten } from './format.js'
import { HIVE_URL } from './place.js'
import { readFile } from './read-file.js'
import { CANCELLED, RunningLine } from './running-line.js'
import { fetchWithProgress } from './upload-fetch.js'

/** @import { EntryInfo, Hive } from './types.ts' */
/** @import { Running } from './running-line.js' */
/** @typedef {{ sent: number, received: number }} Traffic what this page sent and received, in bytes */

/** Names in the list of options are shortened, because it is as wide as its longest option, even wider than the page. */
const NAME_CHARACTERS = 48

/**
 * Makes `edited` the new version of an entry, and sends only the bytes that the current version does not have. If somebody
 * else replaces that version first, it rejects with a ConflictError.
 *
 * @param {Hive} hive
 * @param {Hive} sending the same hive, which reports how much of the delta has been sent
 * @param {string} alias
 * @param {Blob} edited
 * @param {Running} running tells how much of `edited` has been compared
 */
async function updateByDelta(hive, sending, alias, edited, { signal, onProgress }) {
  const entry = await hive.open(alias, { signal })
  const signature = await loadSignature(entry.signature().pipeThrough(new TransformStream(), { signal }))
  const sink = sending.patchSink(alias, { ifMatch: entry.etag, signal })
  await readFile(edited)
    .pipeThrough(counting((bytes) => onProgress(bytes / edited.size)))
    .pipeThrough(new DeltaStream(signature))
    .pipeTo(sink, { signal })
  return sink.entry
}

/**
 * @param {(bytes: number) => void} onProgress gets the number of bytes so far
 * @returns {TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>}
 */
function counting(onProgress) {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      onProgress((bytes += chunk.byteLength))
      controller.enqueue(chunk)
    },
  })
}

/** The part of the page that updates entries, and shows how many bytes that took. */
export class DeltaUpdate {
  #hive
  #onUpdated
  #running = new RunningLine()
  #text = byId('update-text')
  #select = typedById('update-alias', HTMLSelectElement)

  /**
   * @param {Hive} hive
   * @param {() => Promise<unknown>} onUpdated
   */
  constructor(hive, onUpdated) {
    this.#hive = hive
    byId('update-actions').after(this.#running.element)
    this.#onUpdated = onUpdated
    const input = typedById('update-input', HTMLInputElement)
    byId('update').addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      if (file) void this.#run(async () => ({ alias: this.#select.value, edited: file, what: file.name }))
      input.value = ''
    })
    byId('demo').addEventListener(
      'click',
      () => void this.#run((signal) => demoEdit(hive, signal, (text) => this.#say(text))),
    )
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
    typedById('update', HTMLButtonElement).disabled = aliases.length === 0
  }

  /** @param {(signal: AbortSignal) => Promise<{ alias: string, edited: Blob, what: string }>} prepare */
  async #run(prepare) {
    let isSent = false
    const options = { words: 'Updating by delta', starter: byId('update-actions') }
    const outcome = await this.#running.run(options, async (running) => {
      const { signal, onProgress } = running
      const { alias, edited, what } = await prepare(signal)
      const names = { what: shorten(what, NAME_CHARACTERS), alias: shorten(alias, NAME_CHARACTERS) }
      this.#say(`Comparing ${names.what} with ${names.alias} …`)
      const before = await trafficOf(alias, signal)
      const onSent = (/** @type {number} */ share) => {
        isSent = share === 1
        onProgress(share)
      }
      const sending = new HttpHive(HIVE_URL, { fetch: fetchWithProgress(onSent) })
      const { size } = await updateByDelta(this.#hive, sending, alias, edited, running)
      const after = await trafficOf(alias, signal)
      this.#say(`${names.alias} is now ${names.what}, ${formatBytes(size)}.`)
      this.#show({ sent: after.sent - before.sent, received: after.received - before.received }, size)
    })
    if (outcome !== undefined) {
      const mayBeUpdated = isSent && outcome === CANCELLED
      const result = mayBeUpdated ? 'All of the delta had been sent: the entry may be updated.' : 'Nothing was updated.'
      this.#say(`${result} ${outcome}`, 'problem')
    }
    await this.#onUpdated()
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
 * @param {AbortSignal} signal
 * @returns {Promise<Traffic>}
 */
async function trafficOf(alias, signal) {
  const response = await fetch(`/traffic?alias=${encodeURIComponent(alias)}`, { signal })
  if (!response.ok) throw new Error(`the server did not report its counts: ${response.status}`)
  const { signature, patch } = await response.json()
  return {
    sent: (signature?.received ?? 0) + (patch?.received ?? 0),
    received: (signature?.sent ?? 0) + (patch?.sent ?? 0),
  }
}
