import { opfsBackend } from '../../../src/backends/opfs.ts'
import { sharedBackends } from './shared-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: rows in a database, and blocks in a directory of the origin's file system. */
export const memoryBackend = sharedBackends(() => opfsBackend(`test ${crypto.randomUUID()}`))
