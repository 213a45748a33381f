import { codeOf, isPassing } from '../../bytes/error-code.ts'
import { BackendError, QuotaExceededError } from '../../errors.ts'
import type { FileCalls } from './file-calls.ts'
import { hasNoSpace } from './has-no-space.ts'

/** Primary result codes of SQLite. */
const SQLITE_PERM = 3
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_READONLY = 8
const SQLITE_IOERR = 10
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26

/** The messages that go with them, since Deno does not give codes. */
const SQLITE_MESSAGES: readonly (readonly [message: RegExp, code: number])[] = [
  [/access permission denied/, SQLITE_PERM],
  [/database( table)? is locked/, SQLITE_BUSY],
  [/readonly database/, SQLITE_READONLY],
  [/disk I\/O error/, SQLITE_IOERR],
  [/disk is full/, SQLITE_FULL],
  [/unable to open database file/, SQLITE_CANTOPEN],
  [/file is not a database/, SQLITE_NOTADB],
]

const FULL = new Set(['ENOSPC', 'EDQUOT'])
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS'])
const OURS = new Set([
  'BackendError',
  'ConflictError',
  'FormatError',
  'IntegrityError',
  'NotFoundError',
  'QuotaExceededError',
  'RangeError',
  'TypeError',
])

/** Whether SQLite refused because another connection has the lock. */
export function isLocked(error: unknown): boolean {
  const code = sqliteCodeOf(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/** Whether a file is not a database of SQLite. */
export function isNoDatabase(error: unknown): boolean {
  return sqliteCodeOf(error) === SQLITE_NOTADB
}

/** Whether a database could not be opened because its files, or those that SQLite adds, cannot be written. */
export function isUnwritable(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  if (REFUSED.has(code) || FULL.has(code)) return true
  const sqliteCode = sqliteCodeOf(error)
  return (
    sqliteCode === SQLITE_PERM ||
    sqliteCode === SQLITE_READONLY ||
    sqliteCode === SQLITE_FULL ||
    mayBeForLackOfSpace(error)
  )
}

/** Turns an error of the file system or of SQLite into one of this package, whose own errors pass unchanged. */
export function engineError(error: unknown, what: string, outcome?: 'unknown'): unknown {
  const code = codeOf(error)
  if (code === undefined && OURS.has((error as Error).name)) return error
  const message = `${what}: ${messageOf(error)}`
  if ((code !== undefined && FULL.has(code)) || sqliteCodeOf(error) === SQLITE_FULL) {
    return new QuotaExceededError(message, { cause: error })
  }
  const retryable = isPassing(error) || isLocked(error)
  return new BackendError(message, { retryable, outcome, cause: error })
}

/**
 * Does the same as {@linkcode engineError}, for the database in `directory`. When SQLite fails to make or grow its
 * shared memory on a full disk, it reports an I/O error, or a file that it cannot open.
 */
export async function databaseError(
  error: unknown,
  what: string,
  directory: string,
  files: FileCalls,
): Promise<unknown> {
  if (mayBeForLackOfSpace(error) && (await hasNoSpace(files, directory))) {
    return new QuotaExceededError(`${what}, since the disk is full: ${messageOf(error)}`, { cause: error })
  }
  return engineError(error, what)
}

function mayBeForLackOfSpace(error: unknown): boolean {
  const code = sqliteCodeOf(error)
  return code === SQLITE_IOERR || code === SQLITE_CANTOPEN
}

function sqliteCodeOf(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { errcode?: unknown }
  if (typeof errcode === 'number') return errcode & 0xff
  const code = codeOf(error)
  if (code !== undefined && code !== 'ERR_SQLITE_ERROR') return undefined
  return SQLITE_MESSAGES.find(([message]) => message.test(messageOf(error)))?.[1]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
