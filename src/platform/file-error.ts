import { codeOf, isPassing } from '../bytes/error-code.ts'
import { BackendError, QuotaExceededError } from '../errors.ts'

/** Turns an error of the file system into one of this package, whose own errors pass unchanged. */
export function fileError(error: unknown, what: string): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  const message = `${what}: ${(error as Error).message}`
  if (code === 'ENOSPC' || code === 'EDQUOT') return new QuotaExceededError(message, { cause: error })
  return new BackendError(message, { retryable: isPassing(error), cause: error })
}
