import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'
import { BackendError } from '../../errors.ts'
import { type DatabaseFiles, LOG_SUFFIXES, lookAtDatabase } from './database-files.ts'
import { isUnwritable } from './engine-error.ts'
import { connectToRead, connectToWrite, type SqliteConnection, whileLocked } from './sqlite-connection.ts'

/** A file that was changed less than this long ago may be changed again without getting another time. */
const CLOCK_STEP_MS = 20

/** A way to read the database. */
interface Session {
  readonly connection: SqliteConnection
  /** The state that the files must still have after reading; undefined where the locks of SQLite ensure it. */
  readonly state: string | undefined
  close(): Promise<void>
}

/**
 * A database that is read without writing a byte beside it.
 *
 * If there is no log, the file is opened as immutable, since SQLite would otherwise make a log. If there is one,
 * another connection has the database open or was killed, and SQLite reads as usual, with its locks; where it cannot
 * get the shared memory that it needs for that, a copy of both files is read. Without locks, the result of a read
 * counts only if the files are the same after it as before.
 */
export class ReadOnlyDatabase {
  readonly #path: string
  readonly #lockTimeoutMs: number
  #session: Promise<Session | undefined> | undefined

  constructor(path: string, lockTimeoutMs: number) {
    this.#path = path
    this.#lockTimeoutMs = lockTimeoutMs
  }

  /** Reads in one step; `work` may be called again if the files were changed in the meantime. */
  async read<T>(work: (connection: SqliteConnection) => T, signal?: AbortSignal): Promise<T> {
    const start = performance.now()
    for (;;) {
      signal?.throwIfAborted()
      const opening = (this.#session ??= this.#open())
      const outcome = await this.#tryRead(opening, work, signal)
      if (outcome) return outcome.result
      if (this.#session === opening) await this.close()
      if (performance.now() - start > this.#lockTimeoutMs) {
        throw new BackendError(`${this.#path} keeps changing`, { retryable: true })
      }
    }
  }

  /** Closes what is open; a later read opens it again. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await (await session?.catch(() => undefined))?.close()
  }

  /** Undefined if the files are not those that the session was opened for. */
  async #tryRead<T>(
    opening: Promise<Session | undefined>,
    work: (connection: SqliteConnection) => T,
    signal: AbortSignal | undefined,
  ): Promise<{ result: T } | undefined> {
    let session: Session | undefined
    try {
      session = await opening
    } catch (error) {
      if (this.#session === opening) this.#session = undefined
      throw error
    }
    // Another call may have closed it in the meantime.
    if (!session || this.#session !== opening) return undefined
    const { connection, state } = session
    if (state === undefined) {
      return { result: await whileLocked(this.#lockTimeoutMs, signal, () => work(connection)) }
    }
    if (lookAtDatabase(this.#path).state !== state) return undefined
    let result: T
    try {
      result = work(connection)
    } catch (error) {
      // Half of one state and half of another may look damaged.
      if (lookAtDatabase(this.#path).state !== state) return undefined
      throw error
    }
    return lookAtDatabase(this.#path).state === state ? { result } : undefined
  }

  /** Undefined if the files have just been changed. */
  async #open(): Promise<Session | undefined> {
    if (lookAtDatabase(this.#path).hasLog) {
      const shared = await this.#openShared()
      if (shared) return shared
    }
    const files = lookAtDatabase(this.#path)
    const ageMs = Date.now() - files.changedMs
    if (ageMs >= 0 && ageMs < CLOCK_STEP_MS) {
      await new Promise((resolve) => setTimeout(resolve, CLOCK_STEP_MS - ageMs))
      return undefined
    }
    return files.hasLog ? await this.#openCopy(files) : await this.#openImmutable(files)
  }

  /** Undefined where SQLite cannot get the shared memory that it needs. */
  async #openShared(): Promise<Session | undefined> {
    try {
      const connection = await connectToRead(this.#path, this.#lockTimeoutMs, { immutable: false })
      return { connection, state: undefined, close: () => Promise.resolve(connection.close()) }
    } catch (error) {
      if (isUnwritable(error)) return undefined
      throw error
    }
  }

  async #openImmutable({ state }: DatabaseFiles): Promise<Session | undefined> {
    try {
      const connection = await connectToRead(this.#path, this.#lockTimeoutMs, { immutable: true })
      return { connection, state, close: () => Promise.resolve(connection.close()) }
    } catch (error) {
      if (lookAtDatabase(this.#path).state !== state) return undefined
      throw error
    }
  }

  async #openCopy({ state }: DatabaseFiles): Promise<Session | undefined> {
    const directory = await mkdtemp(join(tmpdir(), 'combstream-'))
    const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
    try {
      const copy = join(directory, basename(this.#path))
      for (const suffix of ['', ...LOG_SUFFIXES]) await copyIfThere(this.#path + suffix, copy + suffix)
      if (lookAtDatabase(this.#path).state !== state) {
        await remove()
        return undefined
      }
      const connection = await connectToWrite(copy, this.#lockTimeoutMs)
      return {
        connection,
        state,
        close() {
          connection.close()
          return remove()
        },
      }
    } catch (error) {
      await remove()
      throw error
    }
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to)
    await chmod(to, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
