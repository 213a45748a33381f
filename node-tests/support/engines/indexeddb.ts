import { indexedDbBackend } from '../../../src/backends/indexeddb.ts'
import type { Backend } from '../../../src/store.ts'
import { lazyBackend, removeAfterEach } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

removeAfterEach()

/** Stands in for the memory backend: a hive in a new database. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const name = `test ${crypto.randomUUID()}`
    return { backend: await indexedDbBackend(name), remove: () => removeDatabase(name) }
  })
}

/** Deletes the database of a hive. */
export function removeDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`combstream:${name}`)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error!)
  })
}
