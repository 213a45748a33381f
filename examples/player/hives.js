import { HttpHive, browserBackend, LocalHive, registerHiveWorker, StreamStore } from '/combstream/browser-hive.js'
import { KEPT_FILES } from './kept-files.js'
import { reporting } from './reporting-sink.js'
import { fetchWithProgress } from './upload-fetch.js'

/** @import { BrowserStorage, Hive, HiveWorker, SinkOptions } from './types.ts' */
/** @typedef {(alias: string, options: SinkOptions) => WritableStream<Uint8Array>} OpenSink */

/** Name of the hive that this page keeps in the browser. */
const NAME = 'player'
/** Budget of the cache in bytes, for what was watched on the server. */
const CACHE_BYTES = 2_000_000_000
/** A connection may die silently; then another one may succeed. */
const SILENCE_MS = 3_000

/**
 * A hive, and what the page does with it.
 *
 * @typedef {object} PageHive
 * @property {Hive} hive
 * @property {Hive} probe the same hive, which fails at once if it cannot be reached
 * @property {(onProgress: (share: number) => void, size: number) => { sink: OpenSink }} connect makes a hive that reports the
 *   progress of an upload of `size` bytes
 * @property {() => Promise<HiveWorker>} startWorker starts the service worker that answers for the entries
 * @property {(signal: AbortSignal) => ReadableStream<unknown>} watch streams a value when the hive has changed
 * @property {boolean} hasCache whether the worker keeps what it reads
 * @property {BrowserStorage} [storage] what there is only in a browser
 */

/**
 * The hive on the server.
 *
 * @param {string} url
 * @returns {PageHive}
 */
export function serverHive(url) {
  const hive = new HttpHive(url)
  return {
    hive,
    probe: new HttpHive(url, { retries: 0, stallTimeoutMs: SILENCE_MS }),
    connect: (onProgress) => new HttpHive(url, { fetch: fetchWithProgress(onProgress) }),
    startWorker: () =>
      registerHiveWorker('/cache-worker.js', { hive: url, cache: { bytes: CACHE_BYTES }, files: KEPT_FILES }),
    hasCache: true,
    watch: (signal) => hive.watch({ signal }),
  }
}

/**
 * The hive in this browser. The service worker opens it too, and keeps the files of the page.
 *
 * @returns {Promise<PageHive>}
 */
export async function browserHive() {
  const backend = await browserBackend(NAME)
  const store = new StreamStore(backend)
  const hive = new LocalHive(store)
  return {
    hive,
    probe: hive,
    connect: (onProgress, size) => ({
      sink: (alias, options) => reporting(hive.sink(alias, options), size, onProgress),
    }),
    startWorker: () =>
      registerHiveWorker('/browser-hive-worker.js', {
        hive: `browser:${NAME}`,
        scope: './',
        base: 'hive/',
        files: KEPT_FILES,
      }),
    watch: (signal) => hive.watch({ signal }),
    hasCache: false,
    storage: { store, backend },
  }
}
