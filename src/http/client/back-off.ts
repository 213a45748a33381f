import { onAbort } from '../../bytes/on-abort.ts'
import { parseHttpDate } from '../../representation/http-date.ts'

const BACKOFF_MS = 100
const MAX_BACKOFF_MS = 10_000
/** If a server asks for a longer wait than this, it is for the caller to decide. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * Milliseconds to wait after so many failures in a row, at least as long as the server asks for in Retry-After; undefined
 * if it asks for more than a minute. With full jitter, so that clients that failed together do not come back together.
 */
export function backOffMs(failures: number, retryAfter: string | null | undefined): number | undefined {
  // However many digits: a number that is not exact is a long time, too.
  const seconds = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined
  const date = parseHttpDate(retryAfter ?? '')
  const asked = seconds !== undefined ? seconds * 1000 : date !== undefined ? date - Date.now() : 0
  if (asked > MAX_RETRY_AFTER_MS) return undefined
  return Math.max(asked, Math.random() * Math.min(BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS))
}

/** Resolves after this time; rejects with the reason of `signal` as soon as that aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopListening()
      resolve()
    }, ms)
    const stopListening = onAbort([signal], (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
  })
}
