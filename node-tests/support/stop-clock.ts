import { onTestFinished, vi } from 'vitest'

/**
 * Stops the clock that `setTimeout` and `performance.now()` go by, until the test has finished.
 * `vi.advanceTimersByTime` moves it.
 *
 * This replaces the method `now`. Vitest would replace the global `performance`, which code that WebKit has already
 * optimized does not notice: it would go on to read the real clock.
 */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { clock } = setTimeout as unknown as { clock: { readonly now: number } }
  const start = clock.now
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock.now - start)
  onTestFinished(() => {
    now.mockRestore()
    vi.useRealTimers()
  })
}
