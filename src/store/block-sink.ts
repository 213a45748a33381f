import { asBytes } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import type { BackendCallOptions } from './backend.ts'
import { assertDigest } from './checksums.ts'
import { assertReference, expiryOf } from './references.ts'
import type { StoreContext } from './store-context.ts'
import type { StoredStream } from './stored-stream.ts'
import type { ReferenceOptions, Transaction } from './transaction.ts'
import { type MakeAttempt, Upload } from './upload.ts'

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
 * that can be seen, and removes what it wrote. An abort after `close()` has begun may commit all the same.
 *
 * It holds at most two groups of four blocks: one that is being written to the backend, and one that is being filled.
 */
export interface BlockSink extends WritableStream<Uint8Array> {
  /** The stream, once it is committed; its rejection is never an unhandled one. */
  readonly stored: Promise<StoredStream>
}

/** Makes a sink. */
export function blockSink(context: StoreContext, makeAttempt: MakeAttempt, options: BlockSinkOptions): BlockSink {
  const { signal, reference, digest } = options
  if (digest) assertDigest(digest)
  if (reference) assertReference(reference)
  expiryOf(options)
  const upload = new Upload(context, makeAttempt, {
    ...options,
    reference: reference?.slice(),
    digest: digest?.slice(),
  })
  const onSignal = (): void => upload.abort(signal?.reason)
  const stream = new WritableStream<Uint8Array>(
    {
      start(controller) {
        upload.onFailure = (reason) => {
          signal?.removeEventListener('abort', onSignal)
          controller.error(reason)
        }
        // `abort()` below waits until a held write has settled; this signal does not.
        controller.signal.addEventListener('abort', () => upload.abort(controller.signal.reason), { once: true })
        if (signal?.aborted) onSignal()
        else signal?.addEventListener('abort', onSignal, { once: true })
      },
      write: (chunk) => upload.run(() => upload.write(asBytes(chunk))),
      async close() {
        await upload.run(() => upload.close())
        signal?.removeEventListener('abort', onSignal)
      },
      async abort(reason) {
        upload.abort(reason)
        await upload.discarded
      },
    },
    // A mark of 0 would deadlock pipeTo, which waits for room before it writes the first chunk.
    { highWaterMark: 1 },
  )
  markHandled(upload.stored)
  return Object.assign(stream, { stored: upload.stored })
}
