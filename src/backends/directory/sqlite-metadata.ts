import type { DatabaseSync } from 'node:sqlite'
import { ownBytes } from '../../bytes/byte-order.ts'
import { FormatError } from '../../errors.ts'
import type {
  BackendCallOptions,
  Check,
  ListRowsOptions,
  Metadata,
  Mutation,
  Row,
  VersionedValue,
} from '../../store/backend.ts'
import { engineError, isLocked } from './engine-error.ts'

/** SQLite's own wait stops the event loop, so it is short; the longer wait is ours. */
const BUSY_TIMEOUT_MS = 5
const MAX_DELAY_MS = 50

/** Names the file's format to `file(1)` and to us: "comb". */
const APPLICATION_ID = 0x636f6d62
const SCHEMA_VERSION = 1

/** A row's version is the number of the commit that wrote it, so it never recurs, whatever is deleted. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Opens a database file, and makes it if it is absent. */
export async function openSqlite(path: string, lockTimeoutMs: number): Promise<SqliteMetadata> {
  // Not at the top: in Node 22 loading it prints a warning, and only who uses it should see that.
  const { DatabaseSync } = await import('node:sqlite')
  const what = `cannot open ${path}`
  let database: DatabaseSync
  try {
    database = new DatabaseSync(path)
  } catch (error) {
    throw engineError(error, what)
  }
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    // Of many processes that open a new file at once, some are told "locked" at once, whatever the timeout.
    await whileLocked(lockTimeoutMs, undefined, () => database.exec('PRAGMA journal_mode = WAL'))
    // NORMAL would lose the last commits when the power fails.
    database.exec('PRAGMA synchronous = FULL')
    await whileLocked(lockTimeoutMs, undefined, () => prepareSchema(database, path))
    return new SqliteMetadata(database, lockTimeoutMs)
  } catch (error) {
    database.close()
    throw engineError(error, what)
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = numberOf(database, 'PRAGMA user_version')
  const application = numberOf(database, 'PRAGMA application_id')
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return
  if (application !== 0 && application !== APPLICATION_ID) {
    throw new FormatError(`${path} is the database of another program`, { reason: 'magic' })
  }
  if (version > SCHEMA_VERSION) {
    throw new FormatError(`${path} has version ${version}, this package knows ${SCHEMA_VERSION}`, {
      reason: 'unsupported',
    })
  }
  inTransaction(database, 'BEGIN IMMEDIATE', () => database.exec(SCHEMA))
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(pragma).get() ?? {})[0])
}

type Statement = ReturnType<DatabaseSync['prepare']>

/** The rows, in one table. Every call is one synchronous step, so calls of one process never meet. */
export class SqliteMetadata implements Metadata {
  readonly #database: DatabaseSync
  readonly #lockTimeoutMs: number
  readonly #get: Statement
  readonly #version: Statement
  readonly #count: Statement
  readonly #set: Statement
  readonly #delete: Statement
  readonly #list: Statement
  readonly #listToEnd: Statement
  #closed = false

  constructor(database: DatabaseSync, lockTimeoutMs: number) {
    this.#database = database
    this.#lockTimeoutMs = lockTimeoutMs
    this.#get = database.prepare('SELECT value, version FROM rows WHERE key = ?')
    this.#version = database.prepare('SELECT version FROM rows WHERE key = ?')
    this.#count = database.prepare('UPDATE counter SET commits = commits + 1 RETURNING commits')
    // An array without bytes is bound as NULL.
    this.#set = database.prepare("INSERT OR REPLACE INTO rows VALUES (?, coalesce(?, x''), ?)")
    this.#delete = database.prepare('DELETE FROM rows WHERE key = ?')
    const list = 'SELECT key, value, version FROM rows WHERE key >= ? AND key > ?'
    this.#list = database.prepare(`${list} AND key < ? ORDER BY key LIMIT ?`)
    this.#listToEnd = database.prepare(`${list} ORDER BY key LIMIT ?`)
  }

  get(key: Uint8Array, { signal }: BackendCallOptions = {}): Promise<VersionedValue | undefined> {
    return this.#call('cannot read a row', signal, () => {
      const row = this.#get.get(key)
      return row && { value: bytesOf(row['value']), version: String(row['version']) }
    })
  }

  list({ prefix, after, limit, signal }: ListRowsOptions): Promise<Row[]> {
    return this.#call('cannot list rows', signal, () => {
      const end = endOf(prefix)
      const from = [orNothing(prefix), orNothing(after)] as const
      const rows = end ? this.#list.all(...from, end, limit) : this.#listToEnd.all(...from, limit)
      return rows.map((row) => ({
        key: bytesOf(row['key']),
        value: bytesOf(row['value']),
        version: String(row['version']),
      }))
    })
  }

  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    { signal }: BackendCallOptions = {},
  ): Promise<string | false> {
    return this.#call('cannot commit', signal, () => {
      // A snapshot is enough to look; who writes takes the lock first, since a reader that turns writer may be refused.
      const begin = mutations.length > 0 ? 'BEGIN IMMEDIATE' : 'BEGIN'
      return inTransaction(this.#database, begin, () => {
        for (const { key, version } of checks) {
          const row = this.#version.get(key)
          if ((row && String(row['version'])) !== version) return false
        }
        if (mutations.length === 0) return '0'
        const number = this.#count.get()!['commits']!
        for (const { key, value } of mutations) {
          if (value) this.#set.run(key, value, number)
          else this.#delete.run(key)
        }
        return String(number)
      })
    })
  }

  /** Closes the file. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
  }

  async #call<T>(what: string, signal: AbortSignal | undefined, work: () => T): Promise<T> {
    signal?.throwIfAborted()
    try {
      return await whileLocked(this.#lockTimeoutMs, signal, () => {
        if (this.#closed) throw new TypeError('the backend is closed')
        return work()
      })
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      throw error instanceof CommitFailure ? engineError(error.cause, what, 'unknown') : engineError(error, what)
    }
  }
}

/** COMMIT itself failed: the log may have the whole of it. */
class CommitFailure extends Error {}

function inTransaction<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin)
  let result: T
  try {
    result = work()
  } catch (error) {
    rollBack(database)
    throw error
  }
  try {
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw isLocked(error) ? error : new CommitFailure('COMMIT failed', { cause: error })
  }
  return result
}

/** After some failures SQLite has rolled back by itself, and then refuses. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch (error) {
    if (!/no transaction is active/.test(String(error))) throw error
  }
}

async function whileLocked<T>(timeoutMs: number, signal: AbortSignal | undefined, work: () => T): Promise<T> {
  const start = performance.now()
  for (let delayMs = 1; ; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
    try {
      return work()
    } catch (error) {
      if (!isLocked(error) || performance.now() - start >= timeoutMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random())))
    signal?.throwIfAborted()
  }
}

/** A value that is less than every key, for a bound that is not there: an array without bytes would be NULL. */
function orNothing(key: Uint8Array | undefined): Uint8Array | number {
  return key && key.byteLength > 0 ? key : 0
}

/** The first key after all that begin with `prefix`; undefined if there is none. */
function endOf(prefix: Uint8Array): Uint8Array | undefined {
  for (let length = prefix.byteLength; length > 0; length--) {
    if (prefix[length - 1] === 0xff) continue
    const end = prefix.slice(0, length)
    end[length - 1]!++
    return end
  }
  return undefined
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return ownBytes((value as Uint8Array | null) ?? new Uint8Array(0))
}
