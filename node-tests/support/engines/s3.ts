import { directoryBackend } from '../../../src/backends/directory.ts'
import { s3Blocks } from '../../../src/backends/s3.ts'
import type { Backend, Blocks } from '../../../src/store.ts'
import { newPrefix, objectGateway } from '../object-gateway.ts'
import { temporaryPlace } from './directory.ts'
import { lazyBackend } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: rows in a new directory, and blocks below a new prefix in an object store. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const { path, remove } = await temporaryPlace()
    const blocks = s3Blocks({ ...(await objectGateway()), prefix: newPrefix() })
    const backend = await directoryBackend(path, { thread: false, blocks })
    return { backend: { ...backend, blocks: withoutClaim(backend.blocks) }, remove }
  })
}

/** Lists no object that claims the place, which memory does not have, and which tests would count. */
function withoutClaim(blocks: Blocks): Blocks {
  return {
    put: (name, bytes, options) => blocks.put(name, bytes, options),
    get: (name, options) => blocks.get(name, options),
    size: (name, options) => blocks.size(name, options),
    delete: (name, options) => blocks.delete(name, options),
    async list(options) {
      const found = await blocks.list({ ...options, limit: options.limit + 1 })
      return found.filter(({ name }) => !name.startsWith('combstream.')).slice(0, options.limit)
    },
  }
}
