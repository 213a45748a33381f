import { onAbort } from './on-abort.ts'

/**
 * Marks a promise as handled: its rejection reaches the caller in another way, or comes too late to matter (a cancel
 * whose source fails while it is being thrown away), and must not end the process as an unhandled one.
 */
export function markHandled(promise: Promise<unknown> | void): void {
  promise?.then(undefined, () => undefined)
}

/** Rejects with the signal's reason as soon as it aborts, whatever the promise does; else settles as the promise. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort([signal], reject)
    promise.then(resolve, reject).finally(stop)
  })
}

/**
 * Waits until the host has had its turn (timers, input, network), unlike an `await`, which only lets promises go on.
 * By `setImmediate` where there is one (Node, Deno, Bun): the channel that browsers have to do with takes several times
 * as long, and leaves two ports to be collected.
 */
export function nextTask(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  return new Promise((resolve) => {
    if (setImmediate) {
      setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = (): void => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
