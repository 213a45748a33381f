import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import type { StoreContext } from '../store-context.ts'
import { collectGarbage } from './collect-garbage.ts'
import type { GarbageReport } from './collection.ts'
import { checkGrace } from './grace.ts'

/** Options of {@linkcode StreamStore.startCollector}. */
export interface CollectorOptions {
  /** Ends the collector. */
  signal: AbortSignal
  /**
   * Milliseconds from the end of a collection to the start of the next one.
   * @default 600_000
   */
  intervalMs?: number | undefined
  /**
   * Milliseconds for which the blocks of a collected stream are kept, so that current readers can finish.
   * @default 3_600_000
   */
  graceMs?: number | undefined
  /** Called with the report of each collection. */
  onCollected?: ((report: GarbageReport) => void) | undefined
  /**
   * Called when a collection fails, and for each problem in a report. The collector continues after the next interval.
   */
  onError?: ((error: unknown) => void) | undefined
}

const DEFAULT_INTERVAL_MS = 600_000
/** The longest delay that timers accept. */
const MAX_INTERVAL_MS = 2 ** 31 - 1

/** Collects repeatedly, until `options.signal` or `closing` aborts. */
export function startCollector(context: StoreContext, options: CollectorOptions, closing: AbortSignal): void {
  const { signal, intervalMs = DEFAULT_INTERVAL_MS, graceMs, onCollected, onError } = options
  if (typeof signal?.addEventListener !== 'function') {
    throw new TypeError(`signal must be an AbortSignal, got ${describeValue(signal)}`)
  }
  for (const [name, value] of Object.entries({ onCollected, onError })) {
    if (value === undefined || typeof value === 'function') continue
    throw new TypeError(`${name} must be a function, got ${describeValue(value)}`)
  }
  checkInteger('intervalMs', intervalMs, 1, MAX_INTERVAL_MS)
  if (graceMs !== undefined) checkGrace(graceMs)
  const end = new AbortController()
  const stopListening = onAbort([signal, closing], (reason) => end.abort(reason))
  const collect = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        const report = await collectGarbage(context, { graceMs, signal: end.signal })
        for (const problem of report.problems) onError?.(problem)
        onCollected?.(report)
      } catch (error) {
        if (!end.signal.aborted) onError?.(error)
      }
      // Rejects when the collector ends.
      await context.host.sleep(intervalMs, end.signal).catch(() => undefined)
    }
    stopListening()
  }
  context.track(collect())
}
