import type { BackendCallOptions } from '../backend.ts'
import type { StoredStream } from '../reading/stored-stream.ts'
import type { ReferenceOptions, Transaction } from '../transactions/transaction.ts'

/** Options of {@linkcode StreamStore.sink}. */
export interface BlockSinkOptions extends BackendCallOptions, ReferenceOptions {
  /** A reference that the stream has from the commit on. Without one, it is collected once its lease is over. */
  reference?: Uint8Array | undefined
  /**
   * How often the stream will be read: a hint for the backend, such as `tiered`, which puts cold blocks elsewhere.
   * @default the store's
   */
  temperature?: 'hot' | 'cold' | undefined
  /** SHA-256 that the bytes must have. */
  digest?: Uint8Array | undefined
  /**
   * Reads what `onCommit` will need. It is called before it with the same transaction, once the last byte has arrived, while
   * the store looks for these bytes and writes the last blocks. `onCommit` then gets the rows that this has read without
   * waiting for the engine. If it throws, the sink fails with that error.
   */
  prepareCommit?: ((tx: Transaction) => Promise<void>) | undefined
  /**
   * Adds changes to the commit that makes the stream visible. It is called with the transaction of each attempt at that
   * commit, and with the stream as it will be; if the store already has these bytes, that is the existing stream. If it
   * throws, the sink fails with that error. `reference` is set after it.
   */
  onCommit?: ((tx: Transaction, stored: StoredStream) => void | Promise<void>) | undefined
}

/**
 * Takes the bytes of a stream to store. `close()` commits it. A sink that fails or is aborted before that leaves
 * nothing that can be seen, and removes what it wrote; that is done, as far as possible, before `write()`, `close()`,
 * `abort()` or `stored` settle. Only a write that is held when the sink is aborted rejects at once. After an abort that
 * comes once `close()` has begun, the stream may be stored all the same.
 *
 * The sink holds at most eight blocks: those that are being written to the backend, and the one that is being filled.
 */
export interface BlockSink extends WritableStream<Uint8Array> {
  /** The stream, once it is committed; never an unhandled rejection. */
  readonly stored: Promise<StoredStream>
}
