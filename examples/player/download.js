/** @import { EntryInfo } from './types.ts' */

/** Pieces of this size are handed to the browser, which may keep them on disk. */
const PIECE_BYTES = 8_000_000
/** By then the browser has begun to save the file. */
const SAVING_MS = 60_000

/**
 * Fetches an entry, and saves it as a file.
 *
 * @param {string} url
 * @param {EntryInfo} entry
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(share: number) => void} options.onProgress gets 0 to 1
 */
export async function download(url, { alias, size, type }, { signal, onProgress }) {
  const response = await fetch(url, { signal }).catch((cause) => fail(alias, signal, cause))
  if (!response.ok || !response.body) throw answerError(alias, response.status)
  const reader = response.body.getReader()
  /** @type {Blob[]} */
  const pieces = []
  /** @type {Uint8Array<ArrayBuffer>[]} */
  let chunks = []
  let waiting = 0
  let taken = 0
  const pack = () => {
    pieces.push(new Blob(chunks))
    chunks = []
    waiting = 0
  }
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => fail(alias, signal, cause))
    if (done) break
    chunks.push(value)
    waiting += value.byteLength
    taken += value.byteLength
    if (waiting >= PIECE_BYTES) pack()
    onProgress(size > 0 ? taken / size : 1)
  }
  // Firefox ends a body as if it were complete when the service worker is ended meanwhile.
  if (taken !== size) fail(alias, signal, new Error(`${taken} of ${size} bytes arrived`))
  pack()
  save(new Blob(pieces, { type }), fileNameOf(alias))
}

/**
 * The name of the file: the last segment of the alias.
 *
 * @param {string} alias
 */
export function fileNameOf(alias) {
  return alias.split('/').findLast((segment) => segment !== '') ?? 'download'
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), SAVING_MS)
}

/**
 * @param {string} alias
 * @param {AbortSignal} signal
 * @param {unknown} cause
 * @returns {never}
 */
function fail(alias, signal, cause) {
  if (signal.aborted) throw signal.reason
  throw Object.assign(new Error(`${alias} could not be fetched to its end`, { cause }), { name: 'BackendError' })
}

/**
 * @param {string} alias
 * @param {number} status
 */
function answerError(alias, status) {
  const names = { 404: 'NotFoundError', 410: 'NotFoundError', 412: 'ConflictError' }
  const name = names[/** @type {404 | 410 | 412} */ (status)] ?? 'BackendError'
  return Object.assign(new Error(`the answer for ${alias} was ${status}`), { name, status })
}
