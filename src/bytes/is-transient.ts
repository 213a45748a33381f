import type { BackendError } from '../errors.ts'

/** Whether a failure may be temporary, so that repeating the call can help. */
export function isTransient(error: unknown): boolean {
  const kind = error as Partial<BackendError> | undefined
  return kind?.name === 'BackendError' && kind.retryable === true
}
