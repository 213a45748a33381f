import { checkInteger } from '../bytes/check-integer.ts'

/** Resolves once a page needs more of what it plays: with false if nobody can say so, and the rest need not wait. */
export type UntilNeeded = (signal: AbortSignal) => Promise<boolean>

/** With less, a video would stop again and again. */
const MIN_MEDIA_AHEAD_BYTES = 1_000_000
/** Bytes that a `<video>` or `<audio>` takes before its page is asked whether it needs more. */
const MEDIA_AHEAD_BYTES = 8_000_000
/** Most budgets that are kept: a page has one for each entry that it plays. */
const MAX_BUDGETS = 1_000

/**
 * Checks the option `mediaAhead`.
 *
 * @throws {TypeError} if it is not an integer.
 * @throws {RangeError} if it is less than 1,000,000.
 */
export function checkMediaAhead(mediaAhead: number = MEDIA_AHEAD_BYTES): number {
  return checkInteger('mediaAhead', mediaAhead, MIN_MEDIA_AHEAD_BYTES, Number.MAX_SAFE_INTEGER)
}

/** What one page may still take of one URL before it is asked. */
interface Budget {
  leftBytes: number
}

/**
 * How far pages may read ahead of what they play. It counts for each page and URL, not for each request: WebKit reads a
 * video that is paused to its end with many requests, each of which it gives up after one or two megabytes.
 */
export class MediaBudgets {
  readonly #aheadBytes: number
  readonly #budgets = new Map<string, Budget>()

  /** @param aheadBytes Number of bytes that a page may take before it is asked whether it needs more. */
  constructor(aheadBytes: number) {
    this.#aheadBytes = aheadBytes
  }

  /** Makes the pace of one body. */
  paceOf(clientId: string, url: string, untilNeeded: UntilNeeded): MediaPace {
    const key = `${clientId} ${url}`
    const budget = this.#budgets.get(key) ?? { leftBytes: this.#aheadBytes }
    this.#budgets.delete(key)
    this.#budgets.set(key, budget)
    for (const oldest of this.#budgets.keys()) {
      if (this.#budgets.size <= MAX_BUDGETS) break
      this.#budgets.delete(oldest)
    }
    return new MediaPace(budget, this.#aheadBytes, untilNeeded)
  }
}

/** Holds one body when what its page may take is used up, until the page needs more. */
export class MediaPace {
  readonly #budget: Budget
  readonly #aheadBytes: number
  readonly #untilNeeded: UntilNeeded
  readonly #end = new AbortController()

  constructor(budget: Budget, aheadBytes: number, untilNeeded: UntilNeeded) {
    this.#budget = budget
    this.#aheadBytes = aheadBytes
    this.#untilNeeded = untilNeeded
  }

  /** Resolves when more may be passed on. */
  async room(): Promise<void> {
    if (this.#budget.leftBytes > 0) return
    this.#budget.leftBytes = (await this.#untilNeeded(this.#end.signal)) ? this.#aheadBytes : Infinity
  }

  /** Counts bytes that are passed on. */
  count(byteLength: number): void {
    this.#budget.leftBytes -= byteLength
  }

  /** Ends the waiting: the browser has given up the body. */
  stop(reason: unknown): void {
    this.#end.abort(reason)
  }
}
