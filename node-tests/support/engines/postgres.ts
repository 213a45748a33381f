import postgres from 'postgres'
import { postgresBackend } from '../../../src/backends/postgres.ts'
import type { Backend } from '../../../src/store.ts'
import { PostgresServer } from '../postgres-server.ts'
import { lazyBackend, removeAfterEach } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** One client serves all hives: some tests have more of them open than a server has connections. */
let client: Promise<postgres.Sql> | undefined
let schemas = 0

removeAfterEach()

/** Stands in for the memory backend: a hive in a new schema. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    client ??= PostgresServer.start().then((server) => postgres(server.url(), { max: 8, onnotice: () => undefined }))
    const sql = await client
    const schema = `hive_${schemas++}`
    return {
      backend: await postgresBackend(sql, { schema, listen: false }),
      remove: async () => void (await sql.unsafe(`drop schema ${schema} cascade`)),
    }
  })
}
