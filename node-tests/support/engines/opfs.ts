import { opfsBackend } from '../../../src/backends/opfs.ts'
import { sharedBackends } from './shared-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Each list of objects reads the names of all streams that have some, of all hives that share a directory. */
const SHARING = 8

/** Stands in for the memory backend: rows in a database, and blocks in a directory of the origin's file system. */
export const memoryBackend = sharedBackends(() => opfsBackend(`test ${crypto.randomUUID()}`), { sharing: SHARING })
