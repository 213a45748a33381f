import { AwsClient } from 'aws4fetch'
import type postgres from 'postgres'
import type { ObjectGateway } from '../../node-tests/support/start-ceph.ts'

/** Blocks that a driver moves, with nothing else around it. */
export interface BareBlocks {
  begin(): Promise<unknown>
  put(name: string, bytes: Uint8Array): Promise<unknown>
  get(name: string): Promise<unknown>
  remove(name: string): Promise<unknown>
}

/** As many blocks as a store describes in one commit. */
const BLOCKS_PER_ROW = 8
/** About as many bytes as the rows of that commit have. */
const ROW = new Uint8Array(1000)

/** Blocks in a table of PostgreSQL. */
export function bareRows(sql: postgres.Sql): BareBlocks {
  const rows = new BareRows(sql)
  return {
    async begin() {
      await rows.begin()
      await sql`CREATE TABLE bare_blocks (name text PRIMARY KEY, bytes bytea NOT NULL)`
      await sql`ALTER TABLE bare_blocks ALTER COLUMN bytes SET STORAGE EXTERNAL`
    },
    async put(name, bytes) {
      await sql`INSERT INTO bare_blocks VALUES (${name}, ${bytes})`
      await rows.count()
    },
    get: (name) => sql`SELECT bytes FROM bare_blocks WHERE name = ${name}`,
    remove: (name) => sql`DELETE FROM bare_blocks WHERE name = ${name}`,
  }
}

/** Blocks as objects of an object store, and rows in PostgreSQL. `toBody` makes what the driver gets of a block. */
export function bareObjects(
  { endpoint, bucket, credentials }: ObjectGateway,
  sql: postgres.Sql,
  toBody: (bytes: Uint8Array<ArrayBuffer>) => RequestInit = (body) => ({ body }),
): BareBlocks {
  const rows = new BareRows(sql)
  const { accessKeyId, secretAccessKey } = credentials
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: 'us-east-1', retries: 0 })
  const send = async (name: string, init: RequestInit): Promise<ArrayBuffer> => {
    const response = await client.fetch(`${endpoint}/${bucket}/bare/${name}`, init)
    if (!response.ok) throw new Error(`${init.method} ${name}: ${response.status}`)
    return response.arrayBuffer()
  }
  return {
    begin: () => rows.begin(),
    async put(name, bytes) {
      await send(name, { method: 'PUT', ...toBody(bytes as Uint8Array<ArrayBuffer>) })
      await rows.count()
    },
    get: (name) => send(name, { method: 'GET' }),
    remove: (name) => send(name, { method: 'DELETE' }),
  }
}

/** A body that Node's `fetch` does not copy, as it does an array. */
export function asStream(bytes: Uint8Array<ArrayBuffer>): RequestInit {
  const start = (controller: ReadableStreamDefaultController): void => {
    controller.enqueue(bytes)
    controller.close()
  }
  return { body: new ReadableStream({ start }), headers: { 'Content-Length': String(bytes.byteLength) } }
}

/** Writes a row for every so many blocks, as the commits of a store do. */
class BareRows {
  readonly #sql: postgres.Sql
  #blocks = 0

  constructor(sql: postgres.Sql) {
    this.#sql = sql
  }

  begin(): Promise<unknown> {
    const sql = this.#sql
    return sql`CREATE TABLE IF NOT EXISTS bare_rows (number bigserial PRIMARY KEY, bytes bytea NOT NULL)`
  }

  async count(): Promise<void> {
    if (++this.#blocks % BLOCKS_PER_ROW !== 0) return
    const sql = this.#sql
    await sql`INSERT INTO bare_rows (bytes) VALUES (${ROW})`
  }
}
