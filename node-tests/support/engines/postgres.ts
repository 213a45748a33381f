import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'
import { postgresBackend } from '../../../src/backends/postgres.ts'
import { sharedBackends } from './shared-backend.ts'

export { BackendError } from '../../../src/errors.ts'

let client: postgres.Sql | undefined

/** Stands in for the memory backend: a hive in a schema. */
export const memoryBackend = sharedBackends(
  () => {
    client ??= postgres(inject('postgresUrl'), { max: 8, idle_timeout: 5, onnotice: () => undefined })
    return postgresBackend(client, { schema: `hive_${randomUUID().replaceAll('-', '')}`, listen: false })
  },
  { putsMayArriveLate: true },
)
