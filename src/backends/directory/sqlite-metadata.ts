import { dirname } from 'node:path'
import { BackendError } from '../../errors.ts'
import type {
  BackendCallOptions,
  Check,
  ListRowsOptions,
  Metadata,
  Mutation,
  Row,
  VersionedValue,
} from '../../store/backend.ts'
import type { Claimant } from '../elsewhere/claim-blocks.ts'
import { databaseError, engineError, isUnwritable } from './engine-error.ts'
import { applyCommits, holds } from './apply-commits.ts'
import { CommitThread } from './commit-thread.ts'
import type { FileCalls } from './file-calls.ts'
import { joinSqlite } from './joined-sqlite.ts'
import { listRows, readRow } from './read-rows.ts'
import { ReadOnlyDatabase } from './read-only-database.ts'
import { type Committer, SharedCommits } from './shared-commits.ts'
import { connectToWrite, type SqliteConnection, whileLocked } from './sqlite-connection.ts'
import { CommitFailure, inTransaction } from './sqlite-transaction.ts'

/** How a database is opened. */
export interface SqliteOptions {
  /** Milliseconds for which a call waits for a lock. */
  readonly lockTimeoutMs: number
  /** Whether nothing is ever written. */
  readonly readOnly: boolean
  /** Whether commits are applied in a thread of their own. */
  readonly thread: boolean
  /** For the file that is written to find out whether the disk is full. */
  readonly files: FileCalls
  /** Called after each commit that changed rows, with its number, before the caller gets its answer. Never rejects. */
  onCommit(number: string, mutations: readonly Mutation[]): Promise<void>
}

/** Opens a database file, which must exist. */
export async function openSqlite(path: string, options: SqliteOptions): Promise<SqliteMetadata> {
  const metadata = new SqliteMetadata(path, options)
  try {
    await metadata.open()
  } catch (error) {
    await metadata.close()
    throw await metadata.errorOf(error, `cannot open ${path}`)
  }
  return metadata
}

/**
 * The rows, in one table.
 *
 * If a thread writes them, no sync stops the event loop. Reads are short, and stay here, on a connection of their own: in
 * WAL mode they do not wait for the connection that writes, and they see each commit as soon as SQLite has ended it.
 *
 * Where the file, or its directory, cannot be written, it is read all the same. A commit tries again to open it for
 * writing, since a full disk may get space again.
 */
export class SqliteMetadata implements Metadata {
  readonly #path: string
  readonly #options: SqliteOptions
  readonly #reader: ReadOnlyDatabase
  readonly #committer: Committer
  readonly #commits: SharedCommits
  /** Reads, where the file can be written, and writes if there is no thread. */
  #connection: SqliteConnection | undefined
  #opening: Promise<SqliteConnection> | undefined
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false

  constructor(path: string, options: SqliteOptions) {
    this.#path = path
    this.#options = options
    this.#reader = new ReadOnlyDatabase(path, options.lockTimeoutMs)
    this.#committer = options.thread
      ? new CommitThread(path)
      : { apply: async (commits) => applyCommits(this.#connection!, commits), close: async () => undefined }
    this.#commits = new SharedCommits(this.#committer, {
      lockTimeoutMs: options.lockTimeoutMs,
      assertOpen: () => this.#assertOpen(),
    })
  }

  /** Opens the file, and checks its format. */
  async open(): Promise<void> {
    if (!this.#options.readOnly) {
      try {
        await this.#openToWrite()
        return
      } catch (error) {
        if (!isUnwritable(error)) throw error
      }
    }
    await this.#reader.read(() => undefined)
  }

  /** Whether there is any row besides those that hold the version of a store. */
  hasRows(): Promise<boolean> {
    return this.#read('cannot read the rows', undefined, ({ any }) => any.get() !== undefined)
  }

  /** Number of commits that have been applied. */
  commits(): Promise<number> {
    return this.#read('cannot count the commits', undefined, ({ commits }) => Number(commits.get()!['commits']))
  }

  /** The hive whose blocks are in another backend; undefined if they are in the directory. */
  claimant(): Promise<Claimant | undefined> {
    return this.#read('cannot read where the blocks are', undefined, (connection) => connection.claimant())
  }

  /** Notes that the hive has claimed the place of its blocks. */
  noteClaim(): Promise<void> {
    return this.#call('cannot note where the blocks are', undefined, async () => {
      if (!this.#connection) await this.#openToWrite()
      await this.#whileLocked(undefined, () => this.#connection!.noteClaim())
    })
  }

  get(key: Uint8Array, { signal }: BackendCallOptions = {}): Promise<VersionedValue | undefined> {
    return this.#read('cannot read a row', signal, (connection) => readRow(connection, key))
  }

  getMany(keys: readonly Uint8Array[], { signal }: BackendCallOptions = {}): Promise<(VersionedValue | undefined)[]> {
    return this.#read('cannot read rows', signal, (connection) => keys.map((key) => readRow(connection, key)))
  }

  list(options: ListRowsOptions): Promise<Row[]> {
    return this.#read('cannot list rows', options.signal, (connection) => listRows(connection, options))
  }

  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    { signal }: BackendCallOptions = {},
  ): Promise<string | false> {
    const what = 'cannot commit'
    // A snapshot is enough for reading.
    if (mutations.length === 0) {
      return this.#read(what, signal, (connection) =>
        inTransaction(connection.database, 'BEGIN', () => holds(connection, checks) && '0'),
      )
    }
    return this.#call(what, signal, async () => {
      if (!this.#connection) await this.#openToWrite()
      signal?.throwIfAborted()
      const number = await this.#commits.commit({ checks, mutations }, signal)
      if (number !== false) await this.#options.onCommit(number, mutations)
      return number
    })
  }

  join(database: unknown): Metadata {
    return joinSqlite(database, this.#path)
  }

  /** Waits for pending calls, except those that wait for a lock, refuses later ones, and closes the file. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
    await this.#reader.close()
    this.#connection?.close()
    this.#connection = undefined
    // The last one moves the log into the database, which takes syncs.
    await this.#committer.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('the backend is closed')
  }

  async #openToWrite(): Promise<void> {
    if (this.#options.readOnly) {
      throw new BackendError('the hive is open for reading only', { retryable: false })
    }
    this.#opening ??= connectToWrite(this.#path, this.#options.lockTimeoutMs)
    try {
      this.#connection = await this.#opening
    } finally {
      this.#opening = undefined
    }
  }

  #read<T>(what: string, signal: AbortSignal | undefined, work: (connection: SqliteConnection) => T): Promise<T> {
    return this.#call(what, signal, () => {
      const connection = this.#connection
      if (!connection) return this.#reader.read(work, signal)
      return this.#whileLocked(signal, () => work(connection))
    })
  }

  #whileLocked<T>(signal: AbortSignal | undefined, work: () => T): Promise<T> {
    return whileLocked(this.#options.lockTimeoutMs, signal, () => {
      this.#assertOpen()
      return work()
    })
  }

  async #call<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    this.#assertOpen()
    const result = work()
    const settled: Promise<unknown> = result.then(
      () => this.#pending.delete(settled),
      () => this.#pending.delete(settled),
    )
    this.#pending.add(settled)
    try {
      return await result
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      throw await this.errorOf(error, what)
    }
  }

  /** Turns an error of SQLite or of the file system into one of this package. */
  async errorOf(error: unknown, what: string): Promise<unknown> {
    if (error instanceof CommitFailure) return engineError(error.cause, what, 'unknown')
    // Finding out whether the disk is full needs a write.
    const { readOnly, files } = this.#options
    return readOnly ? engineError(error, what) : await databaseError(error, what, dirname(this.#path), files)
  }
}
