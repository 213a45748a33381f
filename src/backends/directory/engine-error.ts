import { BackendError, QuotaExceededError } from '../../errors.ts'

/** Primary result codes of SQLite. */
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_FULL = 13

const FULL = new Set(['ENOSPC', 'EDQUOT'])
const PASSING = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT'])
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

/** The code of an error of the file system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether SQLite refused because another connection has the lock. */
export function isLocked(error: unknown): boolean {
  const code = sqliteCodeOf(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED || /database( table)? is locked/.test(messageOf(error))
}

/** An error of the file system or SQLite as one of the package's own; those pass as they are. */
export function engineError(error: unknown, what: string, outcome?: 'unknown'): unknown {
  const code = codeOf(error)
  if (code === undefined && OURS.has((error as Error).name)) return error
  const message = `${what}: ${messageOf(error)}`
  if ((code && FULL.has(code)) || sqliteCodeOf(error) === SQLITE_FULL || /disk is full/.test(messageOf(error))) {
    return new QuotaExceededError(message, { cause: error })
  }
  const retryable = (code !== undefined && PASSING.has(code)) || isLocked(error)
  return new BackendError(message, { retryable, outcome, cause: error })
}

/** Deno gives no code with a busy database, only the message. */
function sqliteCodeOf(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
