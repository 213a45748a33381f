import { endOfPrefix } from '../../bytes/byte-order.ts'
import type {
  BackendCallOptions,
  Check,
  ListRowsOptions,
  Metadata,
  Mutation,
  Row,
  VersionedValue,
} from '../../store/backend.ts'
import { BackendError } from '../../errors.ts'
import { JoinedCalls, type JoinedHive } from './joined-calls.ts'
import type { RawRow } from './client.ts'
import type { Calls } from './server-calls.ts'
import { arrayText, bytesOf, pack, textOf } from './wire.ts'

/** What {@linkcode PostgresMetadata} needs besides what runs its statements. */
export interface PostgresMetadataOptions extends JoinedHive {
  /** How long the server waits for each lock of a commit; undefined for as long as it is set to. */
  readonly lockTimeoutMs: number | undefined
  /** The transaction that this is a part of, and that goes on after a commit. */
  readonly joined?: JoinedCalls
}

/** What `commit_rows` returns when the transaction that was joined has ended. */
const ENDED = '-1'
/** A version as the sequence gives it. */
const VERSION = /^[1-9][0-9]{0,17}$/

/** The rows, in one table. */
export class PostgresMetadata implements Metadata {
  readonly #calls: Calls
  readonly #schema: string
  readonly #id: string
  readonly #lockTimeout: string
  readonly #joined: JoinedCalls | undefined

  constructor(calls: Calls, { schema, id, lockTimeoutMs, joined }: PostgresMetadataOptions) {
    this.#calls = calls
    this.#schema = schema
    this.#id = id
    this.#joined = joined
    this.#lockTimeout = lockTimeoutMs === undefined ? 'null' : String(lockTimeoutMs)
  }

  async get(key: Uint8Array, { signal }: BackendCallOptions = {}): Promise<VersionedValue | undefined> {
    const [row] = await this.#calls.run({
      what: 'cannot read a row',
      statement: `select value, version from ${this.#schema}.rows where key = $1`,
      parameters: [key],
      changes: false,
      signal,
    })
    return row && { value: bytesOf(row[0]!), version: textOf(row[1]!) }
  }

  async getMany(
    keys: readonly Uint8Array[],
    { signal }: BackendCallOptions = {},
  ): Promise<(VersionedValue | undefined)[]> {
    const { lengths, bytes } = pack(keys)
    const rows = await this.#calls.run({
      what: 'cannot read rows',
      statement: `
        select number, value, version
        from unnest(${this.#schema}.unpack($1::text::int[], $2::bytea)) with ordinality as wanted (key, number)
        join ${this.#schema}.rows using (key)`,
      parameters: [lengths, bytes],
      changes: false,
      signal,
    })
    const found: (VersionedValue | undefined)[] = keys.map(() => undefined)
    for (const [number, value, version] of rows) {
      found[Number(textOf(number!)) - 1] = { value: bytesOf(value!), version: textOf(version!) }
    }
    return found
  }

  async list({ prefix, after, limit, signal }: ListRowsOptions): Promise<Row[]> {
    const parameters: (Uint8Array | string)[] = [prefix]
    const conditions = ['key >= $1']
    const end = endOfPrefix(prefix)
    if (end) conditions.push(`key < $${parameters.push(end)}`)
    if (after) conditions.push(`key > $${parameters.push(after)}`)
    const rows = await this.#calls.run({
      what: 'cannot list rows',
      statement: `
        select key, value, version from ${this.#schema}.rows
        where ${conditions.join(' and ')} order by key limit $${parameters.push(String(limit))}`,
      parameters,
      changes: false,
      signal,
    })
    return rows.map(rowOf)
  }

  async commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    { signal }: BackendCallOptions = {},
  ): Promise<string | false> {
    const what = 'cannot commit'
    // Whatever has another form is the version of no row.
    if (checks.some(({ version }) => version !== undefined && !VERSION.test(version))) {
      signal?.throwIfAborted()
      await this.#calls.run({ what, statement: 'select 1', parameters: [], changes: false, signal })
      return false
    }
    const checked = arrayText(checks.map(({ version }) => version))
    // Within a transaction that goes on, the locks of its keys keep what was checked as it is.
    if (mutations.length === 0 && !this.#joined) return this.#hold(checks, checked, signal)
    const keys = [...checks, ...mutations].map(({ key }) => key)
    const { lengths, bytes } = pack([...keys, ...mutations.map(({ value }) => value)])
    const transactionId = await this.#joined?.transactionId(signal)
    const [row] = await this.#calls.run({
      what,
      statement: `
        select ${this.#schema}.commit_rows($1::text::int[], $2::text::bigint[], $3::bytea, ${this.#lockTimeout},
          ${transactionId === undefined ? 'null' : '$4::text::bigint'})`,
      parameters: [lengths, checked, bytes, ...(transactionId === undefined ? [] : [transactionId])],
      changes: true,
      signal,
    })
    if (!row) throw new BackendError(`${what}: the server gives no answer`, { retryable: true, outcome: 'unknown' })
    if (row[0] === null) return false
    const version = textOf(row[0]!)
    if (version === ENDED) {
      throw new BackendError(`${what}: the transaction that was joined has ended`, { retryable: false })
    }
    return version
  }

  join(transaction: unknown): Metadata {
    const hive = { schema: this.#schema, id: this.#id }
    const joined = new JoinedCalls(transaction, hive)
    return new PostgresMetadata(joined, { ...hive, lockTimeoutMs: undefined, joined })
  }

  /** Whether all checks hold: one statement sees all rows at the same moment. */
  async #hold(checks: readonly Check[], checked: string, signal: AbortSignal | undefined): Promise<string | false> {
    const { lengths, bytes } = pack(checks.map(({ key }) => key))
    const [row] = await this.#calls.run({
      what: 'cannot check rows',
      statement: `
        select not exists (
          select from unnest(${this.#schema}.unpack($1::text::int[], $3::bytea), $2::text::bigint[])
            as checked (key, version)
          where version is distinct from (select r.version from ${this.#schema}.rows as r where r.key = checked.key)
        )`,
      parameters: [lengths, checked, bytes],
      changes: false,
      signal,
    })
    return textOf(row![0]!) === 't' && '0'
  }
}

function rowOf([key, value, version]: RawRow): Row {
  return { key: bytesOf(key!), value: bytesOf(value!), version: textOf(version!) }
}
