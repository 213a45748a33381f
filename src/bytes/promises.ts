import { onAbort } from './on-abort.ts'

/**
 * Marks a promise as handled. Its rejection reaches the caller in another way, or comes too late to matter (a source
 * that fails while it is being cancelled), and must not end the process as an unhandled rejection.
 */
export function markHandled(promise: Promise<unknown> | void): void {
  promise?.then(undefined, () => undefined)
}

/** Settles like the promise, but rejects with the signal's reason as soon as that aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort([signal], reject)
    promise.then(resolve, reject).finally(stop)
  })
}

/**
 * Waits until the host has had its turn (timers, input, network), unlike an `await`, which lets only promises proceed.
 * Uses `setImmediate` where there is one (Node, Deno, Bun): the channel that serves in browsers takes several times as
 * long, and leaves two ports to be collected.
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
