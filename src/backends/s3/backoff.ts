import { onAbort } from '../../bytes/on-abort.ts'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2000

/**
 * Pauses before requests to an object store that is overloaded or cannot be reached. The store on top repeats calls that
 * failed, and does so fast; the pause gives an object store time to recover.
 */
export class Backoff {
  #failures = 0
  /** Number of pauses so far. */
  #pauses = 0
  #untilMs = 0

  /** Waits until a request may be sent, and returns what {@linkcode Backoff.failed} is to be called with. */
  async wait(signal: AbortSignal | undefined): Promise<number> {
    for (;;) {
      signal?.throwIfAborted()
      const nowMs = performance.now()
      if (nowMs >= this.#untilMs) return this.#pauses
      await sleep(this.#untilMs - nowMs, signal)
    }
  }

  /** Says that a request has failed. Requests that were sent before the same pause, and fail, count once. */
  failed(pauses: number): void {
    if (pauses < this.#pauses) return
    this.#pauses++
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++)
    // A random part keeps several processes from coming back in step.
    this.#untilMs = performance.now() + pauseMs * (0.5 + Math.random() / 2)
  }

  /** Says that a request was answered as it should be. */
  succeeded(): void {
    this.#failures = 0
    this.#untilMs = 0
  }
}

function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop()
      resolve()
    }, delayMs)
    const stop = onAbort([signal], (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
  })
}
