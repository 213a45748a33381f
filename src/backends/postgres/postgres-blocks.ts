import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import type { Calls } from './server-calls.ts'
import { bytesOf, textOf } from './wire.ts'

/** Comes after every character that a name may have. */
const AFTER_NAMES = '\u{7f}'

/** The objects, in one table. */
export class PostgresBlocks implements Blocks {
  readonly putsMayArriveLate = true
  readonly #calls: Calls
  readonly #table: string

  constructor(calls: Calls, schema: string) {
    this.#calls = calls
    this.#table = `"${schema}".blocks`
  }

  async put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    await this.#calls.run({
      what: `cannot store object ${name}`,
      statement: `insert into ${this.#table} (name, bytes) values ($1, $2)`,
      parameters: [name, bytes],
      changes: true,
      signal,
    })
  }

  async get(name: string, { signal, into }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const [row] = await this.#calls.run({
      what: `cannot read object ${name}`,
      statement: `select bytes from ${this.#table} where name = $1`,
      parameters: [name],
      changes: false,
      signal,
    })
    return row && bytesOf(row[0]!, into)
  }

  async size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    const [row] = await this.#calls.run({
      what: `cannot look at object ${name}`,
      statement: `select octet_length(bytes) from ${this.#table} where name = $1`,
      parameters: [name],
      changes: false,
      signal,
    })
    return row && Number(textOf(row[0]!))
  }

  async delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    await this.#calls.run({
      what: `cannot delete object ${name}`,
      statement: `delete from ${this.#table} where name = $1`,
      parameters: [name],
      changes: false,
      signal,
    })
  }

  async list({ prefix, after, limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    const rows = await this.#calls.run({
      what: 'cannot list objects',
      statement: `
        select name, octet_length(bytes) from ${this.#table}
        where name >= $1 and name > $2 and name < $3
        order by name limit $4`,
      parameters: [prefix, after ?? '', prefix + AFTER_NAMES, String(limit)],
      changes: false,
      signal,
    })
    return rows.map(([name, size]) => ({ name: textOf(name!), size: Number(textOf(size!)) }))
  }
}
