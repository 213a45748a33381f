import { BackendError, FormatError, QuotaExceededError } from '../../errors.ts'

/** Exceptions of IndexedDB that a later call may not meet (Indexed Database API 3.0, section 3.12). */
const PASSING = new Set(['AbortError', 'TimeoutError', 'UnknownError'])
const OURS = new Set(['BackendError', 'FormatError', 'QuotaExceededError', 'TypeError'])

/**
 * Turns an exception of IndexedDB into an error of this package. Errors of this package pass unchanged.
 *
 * @param outcome `'unknown'` if the engine may have applied the change. With no space left, it has not.
 */
export function indexedDbError(error: unknown, what: string, outcome?: 'unknown'): unknown {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown }
  const isException = error instanceof DOMException
  if (!isException && OURS.has(String(name))) return error
  const text = `${what}: ${typeof message === 'string' && message !== '' ? message : String(name ?? error)}`
  if (name === 'QuotaExceededError') return new QuotaExceededError(text, { cause: error })
  if (name === 'VersionError') return new FormatError(text, { reason: 'unsupported', cause: error })
  return new BackendError(text, { retryable: PASSING.has(String(name)), outcome, cause: error })
}
