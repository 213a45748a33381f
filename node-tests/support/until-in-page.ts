import type { EnginePage } from './engine-page.ts'

const POLL_MS = 50
const HANG_MS = 120_000

/** Waits until a function in the page returns true. The error names `what` if that takes too long. */
export async function untilInPage<Args extends unknown[]>(
  page: EnginePage,
  what: string,
  done: (...args: Args) => boolean | undefined,
  ...args: Args
): Promise<void> {
  const deadline = performance.now() + HANG_MS
  while (!(await page.evaluate(done, ...args))) {
    if (performance.now() > deadline) throw new Error(`still waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
