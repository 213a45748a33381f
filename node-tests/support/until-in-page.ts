import type { EnginePage } from './engine-page.ts'

/** Far longer than anything takes that is small. */
export const HANG_MS = 60_000

/** Waits until a function in the page returns true. The error names `what` if that takes too long. */
export function untilInPage<Args extends unknown[]>(
  page: EnginePage,
  what: string,
  done: (...args: Args) => boolean | undefined,
  ...args: Args
): Promise<void> {
  return untilInPageWithin(page, HANG_MS, what, done, ...args)
}

/** The same, for what may take longer. */
export async function untilInPageWithin<Args extends unknown[]>(
  page: EnginePage,
  hangMs: number,
  what: string,
  done: (...args: Args) => boolean | undefined,
  ...args: Args
): Promise<void> {
  const deadline = performance.now() + hangMs
  while (!(await page.watch(done, ...args))) {
    if (performance.now() > deadline) throw new Error(`still waiting for ${what}`)
  }
}

/**
 * Clicks an element until a function in the page returns true. What appears meanwhile may move the element, and the list may
 * be drawn again: then a click has no effect.
 */
export async function clickUntil<Args extends unknown[]>(
  page: EnginePage,
  selector: string,
  what: string,
  done: (...args: Args) => boolean | undefined,
  ...args: Args
): Promise<void> {
  const deadline = performance.now() + HANG_MS
  do {
    if (performance.now() > deadline) throw new Error(`still waiting for ${what}`)
    await page.click(selector)
  } while (!(await page.watch(done, ...args)))
}
