/**
 * A backend of whatever the browser has: for a hive that lives in a page's own storage.
 *
 * @module
 */
import { describeValue } from '../bytes/describe-value.ts'
import type { Backend } from '../store/backend.ts'
import { checkAsBlobs, indexedDbBackend, type IndexedDbBackendOptions } from './indexeddb/indexeddb-backend.ts'
import { opfsBackend } from './opfs/opfs-backend.ts'

export { BackendError, type BackendErrorOptions } from '../errors.ts'
export { FormatError, type FormatErrorOptions, type FormatErrorReason } from '../errors.ts'
export { QuotaExceededError, type QuotaExceededErrorOptions } from '../errors.ts'

const OPENERS = {
  indexeddb: indexedDbBackend,
  opfs: (name: string): Promise<Backend> => opfsBackend(name),
} as const satisfies Record<string, (name: string, options: IndexedDbBackendOptions) => Promise<Backend>>

/** A backend in a browser. */
export interface BrowserBackend extends Backend {
  /** Where the blocks are: in the origin-private file system, or in IndexedDB. The rows are in IndexedDB. */
  readonly kind: 'opfs' | 'indexeddb'
}

/** Options of {@linkcode browserBackend}. */
export interface BrowserBackendOptions {
  /**
   * Where the blocks of a new hive go, if the browser has it. IndexedDB says when bytes are on the disk, and is faster to
   * write in Firefox; the origin-private file system is faster to read.
   * @default 'indexeddb'
   */
  prefer?: BrowserBackend['kind'] | undefined
  /**
   * Whether blocks in IndexedDB are stored as Blobs, if the browser takes them: then a service worker with a cache can answer
   * with them, and the browser sends the bytes itself.
   * @default false
   */
  asBlobs?: boolean | undefined
}

/**
 * Opens a hive in the browser, wherever its blocks are, and creates it if there is none.
 *
 * @param name Name of the hive.
 * @throws {TypeError} if the name is not a string, is empty, or has lone surrogates, or if `prefer` is
 *   neither `'indexeddb'` nor `'opfs'`, or `asBlobs` not a boolean.
 * @throws {BackendError} if the browser has no IndexedDB here, or does not allow it, or, with `prefer: 'opfs'`, if the blocks are
 *   in an origin-private file system that cannot be used now.
 * @throws {FormatError} if another program, or a later version of this one, has made the database, or, without that
 *   preference, if the blocks are in such a file system.
 * @throws {QuotaExceededError} if there is no space left.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { browserBackend } from 'combstream/backends/browser'
 *
 * async function openHive(): Promise<LocalHive> {
 *   const backend = await browserBackend('videos')
 *   console.log(`the hive is in ${backend.kind}`)
 *   return new LocalHive(new StreamStore(backend))
 * }
 * ```
 */
export async function browserBackend(name: string, options: BrowserBackendOptions = {}): Promise<BrowserBackend> {
  const { prefer = 'indexeddb', asBlobs = false } = options
  if (!Object.hasOwn(OPENERS, prefer)) {
    throw new TypeError(`prefer must be 'indexeddb' or 'opfs', got ${describeValue(prefer)}`)
  }
  checkAsBlobs(asBlobs)
  const other = prefer === 'opfs' ? 'indexeddb' : 'opfs'
  try {
    return { ...(await OPENERS[prefer](name, { asBlobs })), kind: prefer }
  } catch (error) {
    const { name: failure } = error as Error
    // The blocks may be elsewhere, or the browser may not have the file system here. Without IndexedDB, nothing works.
    if (failure !== 'FormatError' && !(failure === 'BackendError' && prefer === 'opfs')) throw error
    try {
      return { ...(await OPENERS[other](name, { asBlobs })), kind: other }
    } catch {
      throw error
    }
  }
}
