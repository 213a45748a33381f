import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { toHex } from '../../bytes/byte-text.ts'
import { FormatError } from '../../errors.ts'
import type { Claimant } from '../elsewhere/claim-blocks.ts'
import { isLocked, isNoDatabase } from './engine-error.ts'
import { CommitFailure, inTransaction } from './sqlite-transaction.ts'

/** SQLite's own wait blocks the thread, and cannot be aborted, so it is short; the longer wait is ours. */
const BUSY_TIMEOUT_MS = 5
const MAX_DELAY_MS = 50

/** Identifies the format of the file, to `file(1)` too: "comb". */
const APPLICATION_ID = 0x636f6d62
const SCHEMA_VERSION = 1

/** A row's version is the number of the commit that wrote it, so it never recurs, whatever is deleted. */
const SCHEMA = `
  CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL);
  INSERT INTO counter VALUES (1, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Exists only if the blocks are in another backend: the id of the hive, and whether it has claimed their place. */
const PLACE_SCHEMA = `
  CREATE TABLE place (id INTEGER PRIMARY KEY CHECK (id = 1), hive BLOB NOT NULL, claimed INTEGER NOT NULL);
  INSERT INTO place VALUES (1, randomblob(16), 0);
`

type Statement = ReturnType<DatabaseSync['prepare']>

/** An open database, with the statements that the rows need. */
export class SqliteConnection {
  readonly database: DatabaseSync
  readonly get: Statement
  readonly version: Statement
  readonly count: Statement
  readonly commits: Statement
  readonly set: Statement
  readonly delete: Statement
  readonly list: Statement
  readonly listToEnd: Statement
  /** Finds a row, if there are any besides those that hold a store's version. */
  readonly any: Statement

  constructor(database: DatabaseSync) {
    this.database = database
    // One flipped bit on the disk can turn a BLOB into TEXT with the same bytes, or into a number. Parsers need bytes.
    const columns = 'CAST(value AS BLOB) AS value, version'
    this.get = database.prepare(`SELECT ${columns} FROM rows WHERE key = ?`)
    this.version = database.prepare('SELECT version FROM rows WHERE key = ?')
    this.count = database.prepare('UPDATE counter SET commits = ?')
    this.commits = database.prepare('SELECT commits FROM counter')
    // An empty array is bound as NULL.
    this.set = database.prepare("INSERT OR REPLACE INTO rows VALUES (?, coalesce(?, x''), ?)")
    this.delete = database.prepare('DELETE FROM rows WHERE key = ?')
    const list = `SELECT key, ${columns} FROM rows WHERE key >= ? AND key > ?`
    this.list = database.prepare(`${list} AND key < ? ORDER BY key LIMIT ?`)
    this.listToEnd = database.prepare(`${list} ORDER BY key LIMIT ?`)
    this.any = database.prepare("SELECT 1 FROM rows WHERE substr(key, -2) <> x'2f76' LIMIT 1")
  }

  /** The hive whose blocks are in another backend; undefined if they are in the directory. */
  claimant(): Claimant | undefined {
    if (!this.database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'place'").get()) return undefined
    const { hive, claimed } = this.database.prepare('SELECT hive, claimed FROM place').get()!
    return { id: toHex(hive as Uint8Array), hasClaimed: claimed === 1 }
  }

  /** Notes that the hive has claimed the place of its blocks. */
  noteClaim(): void {
    inTransaction(this.database, 'BEGIN IMMEDIATE', () => this.database.exec('UPDATE place SET claimed = 1'))
  }

  close(): void {
    this.database.close()
  }
}

/** Opens a database that exists. */
export async function connectToWrite(path: string, lockTimeoutMs: number): Promise<SqliteConnection> {
  // SQLite would open a file that it may not write for reading, and then make its own files beside it.
  await access(path, constants.W_OK)
  await access(dirname(path), constants.W_OK)
  const database = await openDatabase(path, { mode: 'rw' })
  return await closedOnFailure(database, () =>
    // When many processes open a file at once, some get "locked" at once, whatever the timeout.
    whileLocked(lockTimeoutMs, undefined, () => {
      database.exec('PRAGMA journal_mode = WAL')
      // With NORMAL, a power failure would lose the last commits.
      database.exec('PRAGMA synchronous = FULL')
      checkSchema(database, path)
      return new SqliteConnection(database)
    }),
  )
}

/**
 * Opens an existing database only for reading: with the locks that SQLite needs for that, or as a file that nobody
 * changes (`immutable`).
 */
export async function connectToRead(
  path: string,
  lockTimeoutMs: number,
  { immutable }: { immutable: boolean },
): Promise<SqliteConnection> {
  const database = await openDatabase(path, immutable ? { mode: 'ro', immutable: '1' } : { mode: 'ro' })
  return await closedOnFailure(database, () =>
    whileLocked(lockTimeoutMs, undefined, () => {
      checkSchema(database, path)
      return new SqliteConnection(database)
    }),
  )
}

/** Options of {@linkcode createDatabase}. */
export interface CreateDatabaseOptions {
  /** Milliseconds to wait for other processes. */
  readonly lockTimeoutMs: number
  /** Whether the blocks will be in another backend. */
  readonly elsewhere: boolean
}

/**
 * Creates an empty database, or completes one whose creation was cut off; other processes may do the same at the same
 * time.
 *
 * Nothing goes through the log, so a copy of the file without the log is complete.
 *
 * @returns Whether it has no rows.
 * @throws {FormatError} with `reason: 'magic'` if the file is something else; it is left as it is.
 */
export async function createDatabase(
  path: string,
  { lockTimeoutMs, elsewhere }: CreateDatabaseOptions,
): Promise<boolean> {
  const database = await openDatabase(path, { mode: 'rwc' })
  return await closedOnFailure(database, async () => {
    try {
      const isEmpty = await whileLocked(lockTimeoutMs, undefined, () => {
        database.exec('PRAGMA synchronous = FULL')
        inTransaction(database, 'BEGIN IMMEDIATE', () => {
          if (isBlank(database)) database.exec(elsewhere ? SCHEMA + PLACE_SCHEMA : SCHEMA)
          else checkSchema(database, path)
        })
        database.exec('PRAGMA journal_mode = WAL')
        return database.prepare('SELECT 1 FROM rows LIMIT 1').get() === undefined
      })
      database.close()
      return isEmpty
    } catch (error) {
      if (isNoDatabase(error)) throw new FormatError(`${path} is not a database`, { reason: 'magic', cause: error })
      throw error instanceof CommitFailure ? error.cause : error
    }
  })
}

async function openDatabase(path: string, query: Readonly<Record<string, string>>): Promise<DatabaseSync> {
  // Not a static import: in Node 22 loading it prints a warning, which only its users should see.
  const { DatabaseSync } = await import('node:sqlite')
  const url = pathToFileURL(path)
  url.search = new URLSearchParams(query).toString()
  const database = new DatabaseSync(url.href, { readOnly: query['mode'] === 'ro' })
  return await closedOnFailure(database, () => {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    return database
  })
}

async function closedOnFailure<T>(database: DatabaseSync, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    database.close()
    throw error
  }
}

function checkSchema(database: DatabaseSync, path: string): void {
  const version = numberOf(database, 'PRAGMA user_version')
  const application = numberOf(database, 'PRAGMA application_id')
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return
  if (isBlank(database)) {
    throw new FormatError(`${path} is empty: it seems to have been copied without its log, ${path}-wal`, {
      reason: 'truncated',
    })
  }
  if (application !== APPLICATION_ID) {
    throw new FormatError(`${path} is the database of another program`, { reason: 'magic' })
  }
  throw new FormatError(`${path} has version ${version}, this package knows ${SCHEMA_VERSION}`, {
    reason: 'unsupported',
  })
}

/** Whether a database is still as SQLite creates it, without a schema. */
function isBlank(database: DatabaseSync): boolean {
  return (
    numberOf(database, 'PRAGMA application_id') === 0 &&
    numberOf(database, 'PRAGMA user_version') === 0 &&
    database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  )
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(pragma).get() ?? {})[0])
}

/** Repeats work that SQLite refuses because another connection has the lock, until the time is over. */
export async function whileLocked<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  const start = performance.now()
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isLocked(error) || performance.now() - start >= timeoutMs) throw error
    }
    await lockDelay(tries)
    signal?.throwIfAborted()
  }
}

/** Waits after the given number of tries that failed because another connection has the lock. */
export function lockDelay(tries: number): Promise<void> {
  const delayMs = Math.min(2 ** (tries - 1), MAX_DELAY_MS)
  return new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random())))
}
