/** The parts of a {@linkcode PoolWorker}'s events that a pool uses. */
export interface PoolWorkerEvent {
  /** The message, in a `message` event. */
  readonly data?: unknown
  /** What the worker threw, in an `error` event, if the host reports it. */
  readonly error?: unknown
  /** The message of that error. */
  readonly message?: string
  /** Keeps the host from exiting or printing an error that the pool passes on to its streams. */
  preventDefault?(): void
}

/**
 * What a `WorkerPool` needs of a worker. A web `Worker` is one. `createThread` of `combstream/platform` makes
 * one from a Node thread.
 */
export interface PoolWorker {
  /** Sends a message and transfers the buffers in `transfer`. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  /** Ends the worker, whatever it is doing. */
  terminate(): unknown
  /**
   * Listens for messages and failures. A `close` event means that the worker has ended. Threads emit it, and web
   * workers on a few hosts.
   */
  addEventListener(
    type: 'message' | 'messageerror' | 'error' | 'close',
    listener: (event: PoolWorkerEvent) => void,
  ): void
  /** Keeps the process alive, if the host supports that. Called when the worker is given work. */
  ref?(): void
  /** Lets the process exit. Called when the worker is created, and when it has finished all its work. */
  unref?(): void
}
