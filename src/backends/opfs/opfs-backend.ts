import { BackendError, QuotaExceededError } from '../../errors.ts'
import type { Backend } from '../../store/backend.ts'
import { checkHiveName, openRows } from '../indexeddb/open-rows.ts'
import { OpfsBlocks } from './opfs-blocks.ts'

/** The directory in which hives are, below the root of the origin. */
const DIRECTORY = 'combstream'

/**
 * Opens a hive whose blocks are files of the origin-private file system, and whose rows are in IndexedDB; creates it if
 * there is none. Any number of tabs, workers and service workers of one origin may have it open at the same time.
 *
 * It needs `FileSystemFileHandle.createWritable`, which Chromium and Firefox have. The file system does not say when bytes
 * are on the disk: after a power cut, blocks that were stored last may be missing, which reading reports as damage. Use
 * `indexedDbBackend` where that matters.
 *
 * @param name Name of the hive. Its blocks are in the directory `combstream/<name>`, with the name in percent-encoding, and
 *   its rows in the database `combstream:<name>`.
 * @throws {TypeError} if the name is not a string, is empty, or has lone surrogates.
 * @throws {BackendError} if the browser has no such file system here, no IndexedDB, or does not allow one of them, or if no
 *   directory can have this name, such as `..`.
 * @throws {FormatError} if another program, or a later version of this one, has made the database, or if the blocks of the
 *   hive are in IndexedDB.
 * @throws {QuotaExceededError} if there is no space left.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { opfsBackend } from 'combstream/backends/opfs'
 *
 * async function keep(file: File): Promise<void> {
 *   const hive = new LocalHive(new StreamStore(await opfsBackend('videos')))
 *   await file.stream().pipeTo(hive.sink(file.name))
 * }
 * ```
 */
export async function opfsBackend(name: string): Promise<Backend> {
  checkHiveName(name)
  // First, so that no database is created where there can be no blocks.
  const directory = await directoryOf(name)
  const { metadata, notices, close } = await openRows(name, 'opfs')
  const blocks = new OpfsBlocks(directory)
  return {
    metadata,
    blocks,
    notices,
    async close() {
      blocks.close()
      await close()
    },
  }
}

async function directoryOf(name: string): Promise<FileSystemDirectoryHandle> {
  if (!('createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) {
    throw new BackendError('the origin-private file system cannot be written here', { retryable: false })
  }
  try {
    const root = await navigator.storage.getDirectory()
    const hives = await root.getDirectoryHandle(DIRECTORY, { create: true })
    return await hives.getDirectoryHandle(encodeURIComponent(name), { create: true })
  } catch (cause) {
    const message = `cannot open the origin-private file system: ${(cause as Error).message}`
    if ((cause as Error).name === 'QuotaExceededError') throw new QuotaExceededError(message, { cause })
    throw new BackendError(message, { retryable: false, cause })
  }
}
