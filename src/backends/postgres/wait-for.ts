import { onAbort } from '../../bytes/on-abort.ts'

/** What ends the wait for something. */
export interface WaitLimits {
  /** Each ends it with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
  /**
   * When it ends, in milliseconds of `performance.now()`.
   * @default never
   */
  readonly deadlineMs?: number
  /** Makes the error with which it then fails. */
  readonly timeout?: () => unknown
}

/**
 * Waits for what `begin` begins. If the wait ends before that, it rejects at once, and the function that `begin` has
 * returned is called.
 */
export async function waitFor<T>(
  begin: (resolve: (value: T) => void, reject: (reason: unknown) => void) => (() => void) | void,
  { signals, deadlineMs, timeout }: WaitLimits,
): Promise<T> {
  for (const signal of signals) signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      stopListening()
      if (timer) clearTimeout(timer)
    }
    const fail = (reason: unknown): void => {
      stop()
      giveUp?.()
      reject(reason)
    }
    const timer = deadlineMs && setTimeout(() => fail(timeout?.()), Math.max(0, deadlineMs - performance.now()))
    const stopListening = onAbort(signals, fail)
    const giveUp = begin(
      (value) => {
        stop()
        resolve(value)
      },
      (reason) => {
        stop()
        reject(reason)
      },
    )
  })
}
