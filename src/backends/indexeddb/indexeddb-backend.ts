import { describeValue } from '../../bytes/describe-value.ts'
import type { Backend } from '../../store/backend.ts'
import { IdbBlocks } from './idb-blocks.ts'
import { checkHiveName, openRows } from './open-rows.ts'

/** Options of {@linkcode indexedDbBackend}. */
export interface IndexedDbBackendOptions {
  /**
   * Whether blocks are stored as Blobs, if the browser takes them: then a service worker can answer with them, and the browser
   * sends the bytes itself. Blocks of both kinds can be read, whatever this is.
   * @default false
   */
  asBlobs?: boolean | undefined
}

/**
 * Opens a hive's database in IndexedDB, and creates it if there is none. Any number of tabs, workers and service workers
 * of one origin may have it open, and use it at the same time.
 *
 * A commit, and a block, is on the disk once the store says so, as far as the browser can tell (`durability: 'strict'`).
 * A browser may nevertheless delete all data of an origin when space is short, unless `navigator.storage.persist()` has
 * granted that it does not. If that happens while the database is open, calls fail with a `BackendError`.
 *
 * @param name Name of the hive. The database has this name after `combstream:`. To delete the hive, call
 *   `indexedDB.deleteDatabase('combstream:' + name)`.
 * @returns The backend. `close()` releases the connection; transactions that have begun are completed.
 * @throws {TypeError} if the name is not a string, is empty, or has lone surrogates, or if `asBlobs` is not a boolean.
 * @throws {BackendError} if the browser has no IndexedDB here, or does not allow it; `retryable` if another page prevents that the
 *   database is opened, for half a minute.
 * @throws {FormatError} if another program, or a later version of this one, has made the database, or if the blocks of the
 *   hive are in the origin-private file system.
 * @throws {QuotaExceededError} if there is no space left.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { indexedDbBackend } from 'combstream/backends/indexeddb'
 *
 * async function keep(file: File): Promise<void> {
 *   const hive = new LocalHive(new StreamStore(await indexedDbBackend('videos')))
 *   await file.stream().pipeTo(hive.sink(file.name))
 * }
 * ```
 */
export async function indexedDbBackend(
  name: string,
  { asBlobs = false }: IndexedDbBackendOptions = {},
): Promise<Backend> {
  checkHiveName(name)
  checkAsBlobs(asBlobs)
  const { database, ...rows } = await openRows(name, 'indexeddb')
  return { ...rows, blocks: new IdbBlocks(database, asBlobs) }
}

/** @throws {TypeError} if the option `asBlobs` is not a boolean. */
export function checkAsBlobs(asBlobs: unknown): void {
  if (typeof asBlobs !== 'boolean') throw new TypeError(`asBlobs must be a boolean, got ${describeValue(asBlobs)}`)
}
