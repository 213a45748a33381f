import { BackendError, QuotaExceededError } from '../errors.ts'
import { randomFraction, type StoreHost } from './host.ts'

const FIRST_DELAY_MS = 2
const MAX_DELAY_MS = 500

/**
 * Waits after so many failures (0: not at all) for a random time, whose mean doubles: those who lost a conflict must not
 * meet again in step.
 */
export async function waitToRetry(host: StoreHost, failures: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (failures === 0) return
  await host.sleep(randomFraction(host) * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures), signal)
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

/** Whether the failure may pass, so that making the call again can help. */
export function isTransient(error: unknown): boolean {
  const kind = error as Partial<BackendError> | undefined
  return kind?.name === 'BackendError' && kind.retryable === true
}

/** Makes a call that may be made twice, again when its failure says that this can help, or says nothing. */
export async function persistently<T>(host: StoreHost, call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries === host.budget.tries || !(isTransient(error) || maybeApplied(error))) throw error
    }
    await waitToRetry(host, tries)
  }
}
