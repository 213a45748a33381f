/** A process that watches a hive in PostgreSQL, and closes it when its input ends. It must end then. */
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { postgresBackend } from '../../src/backends/postgres.ts'

const [url = '', schema = ''] = process.argv.slice(2)
const { metadata, notices, close } = await postgresBackend(url, { schema, connections: 1 })
notices!.subscribe(() => undefined)
// Waits until the server listens.
await metadata.get(new Uint8Array([1]))
console.log('listening')
await buffer(process.stdin)
await close()
