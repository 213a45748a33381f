import { postgresBackend } from '../../../src/backends/postgres.ts'
import type { Backend } from '../../../src/store.ts'
import { PostgresServer } from '../postgres-server.ts'
import { lazyBackend, removeAfterEach } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

let server: Promise<PostgresServer> | undefined
let schemas = 0

removeAfterEach()

/** Stands in for the memory backend: a hive in a new schema. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const url = (await (server ??= PostgresServer.start())).url()
    return { backend: await postgresBackend(url, { schema: `hive_${schemas++}`, connections: 4, listen: false }) }
  })
}
