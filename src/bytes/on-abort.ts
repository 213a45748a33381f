/**
 * Calls `act` with the reason of the first of these signals to abort: at most once, and at once if one has already
 * aborted. Returns a function that stops listening. Call it when the work is done: a signal that lives longer would
 * keep the work in memory.
 */
export function onAbort(signals: readonly (AbortSignal | undefined)[], act: (reason: unknown) => void): () => void {
  const given = signals.filter((signal) => signal !== undefined)
  const stop = (): void => {
    for (const signal of given) signal.removeEventListener('abort', onEvent)
  }
  const onEvent = (): void => {
    stop()
    act(given.find(({ aborted }) => aborted)!.reason)
  }
  if (given.some(({ aborted }) => aborted)) onEvent()
  else for (const signal of given) signal.addEventListener('abort', onEvent)
  return stop
}
