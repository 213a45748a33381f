import type { BackendCallOptions } from '../backend.ts'
import type { StoredStream } from '../reading/stored-stream.ts'
import type { ReferenceOptions, Transaction } from '../transactions/transaction.ts'

/** Options of {@linkcode StreamStore.sink}. */
export interface BlockSinkOptions extends BackendCallOptions, ReferenceOptions {
  /** A reference that the stream has from the commit on. Without any, it is collected once its lease is over. */
  reference?: Uint8Array | undefined
  /** SHA-256 that the bytes must have. */
  digest?: Uint8Array | undefined
  /**
   * Adds to the commit that makes the stream visible. It is called with the transaction of each attempt at that commit,
   * and with the stream as it will be: the one that exists, if its bytes are these. What it throws aborts the sink.
   * `reference` is set after what it did.
   */
  onCommit?: ((tx: Transaction, stored: StoredStream) => void | Promise<void>) | undefined
}

/**
 * Takes the bytes of a stream to store. `close()` commits it; a sink that fails, or is aborted before, leaves nothing
 * that can be seen, and removes what it wrote: when `write()`, `close()`, `abort()` or `stored` tell of it, that is done,
 * as far as it can be. Only a write that is held when the sink is aborted rejects at once. An abort after `close()` has
 * begun may commit all the same.
 *
 * It holds at most two groups of four blocks: one that is being written to the backend, and one that is being filled.
 */
export interface BlockSink extends WritableStream<Uint8Array> {
  /** The stream, once it is committed; its rejection is never an unhandled one. */
  readonly stored: Promise<StoredStream>
}
