import { isTransient } from '../bytes/is-transient.ts'
import { BackendError, QuotaExceededError } from '../errors.ts'
import { randomFraction, type StoreHost } from './host.ts'

const FIRST_DELAY_MS = 2
const MAX_DELAY_MS = 500

/**
 * Waits for a random time, whose mean doubles with each failure, so that writers that lost a conflict do not meet again
 * in step. After 0 failures it does not wait.
 */
export async function waitToRetry(host: StoreHost, failures: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (failures === 0) return
  await host.sleep(randomFraction(host) * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures), signal)
}

/**
 * Whether a commit that failed with this error may be applied all the same, now or later. An error of a kind that the
 * backend's interface does not name says nothing about that, so it may: a TypeError, too, can come from a mistake in an
 * engine or its driver that shows only when the answer is read.
 */
export function maybeApplied(error: unknown): boolean {
  const kind = error as Partial<BackendError | QuotaExceededError> | undefined
  if (kind?.name === 'BackendError') return (kind as BackendError).outcome === 'unknown'
  return !(kind?.name === 'QuotaExceededError' || error instanceof RangeError)
}

/** Makes an idempotent call, and repeats it if its failure may be temporary. `signal` ends the waiting. */
export async function persistently<T>(host: StoreHost, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries === host.budget.tries || !(isTransient(error) || maybeApplied(error))) throw error
    }
    await waitToRetry(host, tries, signal)
  }
}

/** Makes a call that changes nothing, and repeats it if its failure may be temporary. `signal` ends the waiting. */
export async function retryTransient<T>(host: StoreHost, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (signal?.aborted || tries === host.budget.tries || !isTransient(error)) throw error
    }
    await waitToRetry(host, tries, signal)
  }
}
