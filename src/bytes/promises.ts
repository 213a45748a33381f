import { onAbort } from './on-abort.ts'

/**
 * Marks a promise as handled. Its rejection reaches the caller in another way, or comes too late to matter (a source
 * that fails while it is being cancelled), and must not end the process as an unhandled rejection.
 */
export function markHandled(promise: Promise<unknown> | void): void {
  promise?.then(undefined, () => undefined)
}

/** Settles like the promise, but rejects with the reason of the first of the signals to abort as soon as that does. */
export function abortable<T>(promise: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort(signals, reject)
    promise.then(resolve, reject).finally(stop)
  })
}

/** Resolves the waits for a turn of the host, in the order in which they began. */
const waiting: (() => void)[] = []
/** Number of waits that have begun, and of those that have ended. */
let begun = 0
let ended = 0
let turns: MessagePort | undefined

/**
 * Waits until the host has had its turn (timers, input, network), unlike an `await`, which lets only promises proceed.
 * Uses `setImmediate` where it exists (Node, Deno, Bun). Browsers get one channel for all turns. A channel for each turn
 * takes several times as long, and its ports have to be collected; in WebKit they slow down all later turns.
 */
export function nextTask(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  return new Promise((resolve) => {
    if (setImmediate) {
      setImmediate(resolve)
      return
    }
    waiting.push(resolve)
    turns ??= openTurns()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port is not a window
    turns.postMessage(++begun)
  })
}

function openTurns(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }: MessageEvent<number>): void => {
    // The wait of this message, and earlier ones whose message was lost.
    for (; ended < data; ended++) waiting.shift()!()
  }
  return port2
}
