/** What is used of the events of a {@linkcode PoolWorker}. */
export interface PoolWorkerEvent {
  /** The message, in a `message` event. */
  readonly data?: unknown
  /** What was thrown in the worker, in an `error` event, where it is told. */
  readonly error?: unknown
  /** The text of that. */
  readonly message?: string
  /** Keeps a host from ending, or printing, what the pool tells its streams. */
  preventDefault?(): void
}

/**
 * What a `WorkerPool` needs of a worker. A web `Worker` is one; `createThread` of `combstream/backends/threads` makes one
 * of a thread of Node.
 */
export interface PoolWorker {
  /** Sends a message, and the buffers in `transfer` for good. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  /** Ends the worker, whatever it does. */
  terminate(): unknown
  /**
   * Tells of messages and failures. A `close` event says that the worker has ended: threads have it, and the web workers
   * of few hosts.
   */
  addEventListener(
    type: 'message' | 'messageerror' | 'error' | 'close',
    listener: (event: PoolWorkerEvent) => void,
  ): void
  /** Keeps the process alive, where that can be said: called when the worker is given something to do. */
  ref?(): void
  /** Lets the process end: called when the worker is made, and when it has done everything. */
  unref?(): void
}
