import { indexedDbBackend } from '../../../src/backends/indexeddb.ts'
import { sharedBackends } from './shared-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: a hive in a database. */
export const memoryBackend = sharedBackends(() => indexedDbBackend(`test ${crypto.randomUUID()}`))
