import { realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { describeValue } from '../../bytes/describe-value.ts'
import type {
  BackendCallOptions,
  Check,
  ListRowsOptions,
  Metadata,
  Mutation,
  Row,
  VersionedValue,
} from '../../store/backend.ts'
import { applyAll } from './apply-commits.ts'
import { engineError } from './engine-error.ts'
import { listRows, readRow } from './read-rows.ts'
import { SqliteConnection } from './sqlite-connection.ts'

/** A transaction can be part of another only as a savepoint. */
const SAVEPOINT = 'combstream'

/** The statements of each database that has been joined. */
const CONNECTIONS = new WeakMap<DatabaseSync, SqliteConnection>()

/**
 * The rows as the caller's own connection to the database `path` sees them, in the transaction that it has open.
 *
 * The file of the rows is not written: it would name a commit that may be rolled back. The next commit writes it.
 *
 * @throws {TypeError} if this is not such a connection, or it has no transaction open.
 */
export function joinSqlite(database: unknown, path: string): Metadata {
  const { prepare, exec } = (database ?? {}) as Partial<DatabaseSync>
  if (typeof prepare !== 'function' || typeof exec !== 'function') {
    throw new TypeError(`join must be a DatabaseSync of node:sqlite, got ${describeValue(database)}`)
  }
  const own = database as DatabaseSync
  const main = own.prepare('PRAGMA database_list').get()?.['file']
  if (typeof main !== 'string' || main === '' || realpathSync(main) !== realpathSync(path)) {
    throw new TypeError(`join must be a connection to ${path}`)
  }
  if (!hasTransaction(own)) throw new TypeError('join must have a transaction open: BEGIN IMMEDIATE')
  let connection = CONNECTIONS.get(own)
  if (!connection) {
    connection = new SqliteConnection(own)
    CONNECTIONS.set(own, connection)
  }
  return new JoinedSqlite(connection)
}

class JoinedSqlite implements Metadata {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  get(key: Uint8Array, { signal }: BackendCallOptions = {}): Promise<VersionedValue | undefined> {
    return this.#run('cannot read a row', signal, (connection) => readRow(connection, key))
  }

  list(options: ListRowsOptions): Promise<Row[]> {
    return this.#run('cannot list rows', options.signal, (connection) => listRows(connection, options))
  }

  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    { signal }: BackendCallOptions = {},
  ): Promise<string | false> {
    return this.#run('cannot commit', signal, (connection) => {
      const { database } = connection
      database.exec(`SAVEPOINT ${SAVEPOINT}`)
      try {
        const [outcome] = applyAll(connection, [{ checks, mutations }])
        database.exec(`RELEASE ${SAVEPOINT}`)
        return outcome!
      } catch (error) {
        // After some failures SQLite has rolled back all of it.
        if (hasTransaction(database)) database.exec(`ROLLBACK TO ${SAVEPOINT}; RELEASE ${SAVEPOINT}`)
        throw error
      }
    })
  }

  async #run<T>(what: string, signal: AbortSignal | undefined, work: (connection: SqliteConnection) => T): Promise<T> {
    signal?.throwIfAborted()
    // Each statement would be a transaction of its own.
    if (!hasTransaction(this.#connection.database)) throw new TypeError('the transaction that was joined has ended')
    try {
      return work(this.#connection)
    } catch (error) {
      throw engineError(error, what)
    }
  }
}

/** Whether a transaction is open: then no other can begin. Not every runtime has `isTransaction`. */
function hasTransaction(database: DatabaseSync): boolean {
  const { isTransaction } = database as { isTransaction?: boolean }
  if (typeof isTransaction === 'boolean') return isTransaction
  try {
    database.exec('BEGIN')
  } catch (error) {
    if (/within a transaction/.test(String(error))) return true
    throw error
  }
  database.exec('ROLLBACK')
  return false
}
