import { opfsBackend } from '../../../src/backends/opfs.ts'
import type { Backend } from '../../../src/store.ts'
import { removeDatabase } from './indexeddb.ts'
import { lazyBackend } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: rows in a new database, and blocks in a new directory of the origin's file system. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const name = `test ${crypto.randomUUID()}`
    const remove = async (): Promise<void> => {
      const root = await navigator.storage.getDirectory()
      const hives = await root.getDirectoryHandle('combstream')
      await hives.removeEntry(encodeURIComponent(name), { recursive: true })
      await removeDatabase(name)
    }
    return { backend: await opfsBackend(name), remove }
  })
}
