import { directoryBackend } from '../../../src/backends/directory.ts'
import { s3Blocks } from '../../../src/backends/s3.ts'
import type { Backend } from '../../../src/store.ts'
import { newPrefix, objectGateway } from '../object-gateway.ts'
import { temporaryPlace } from './directory.ts'
import { lazyBackend } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: rows in a new directory, and blocks below a new prefix in an object store. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const { path, remove } = await temporaryPlace()
    const blocks = s3Blocks({ ...(await objectGateway()), prefix: newPrefix() })
    return { backend: await directoryBackend(path, { thread: false, blocks }), remove }
  })
}
