import { BackendError, QuotaExceededError } from '../errors.ts'

const FIRST_DELAY_MS = 2
const MAX_DELAY_MS = 500

/**
 * Waits before attempt number `attempt` (0: not at all) for a random time, whose mean doubles: those who lost a
 * conflict must not meet again in step.
 */
export async function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (attempt === 0) return
  const delayMs = Math.random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt)
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/**
 * Whether a commit that failed with this error may have been applied, now or later. Errors of a kind that the seam does
 * not name say nothing, so they count as such.
 */
export function maybeApplied(error: unknown): boolean {
  const kind = error as Partial<BackendError | QuotaExceededError> | undefined
  if (kind?.name === 'BackendError') return (kind as BackendError).outcome === 'unknown'
  return !(kind?.name === 'QuotaExceededError' || error instanceof TypeError || error instanceof RangeError)
}

/** Whether trying again can help. */
export function isRetryable(error: unknown): boolean {
  const kind = error as Partial<BackendError> | undefined
  return kind?.name === 'BackendError' && kind.retryable === true
}

/** How often a call is tried whose failures say that this can help, or say nothing. */
export const TRIES = 5

/** Makes a call that may be made twice, again when its failure says that this can help, or says nothing. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries === TRIES || !(isRetryable(error) || maybeApplied(error))) throw error
    }
    await backOff(tries)
  }
}
