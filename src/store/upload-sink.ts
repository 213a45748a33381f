import { copyBytes } from '../bytes/byte-order.ts'
import { asBytes } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import type { BlockSink, BlockSinkOptions } from './block-sink.ts'
import { assertDigest } from './checksums.ts'
import { assertOwner, assertReference, expiryOf } from './references.ts'
import type { StoreContext } from './store-context.ts'
import { type MakeAttempt, Upload } from './upload.ts'

/** Makes a sink around an upload. */
export function uploadSink(context: StoreContext, makeAttempt: MakeAttempt, options: BlockSinkOptions): BlockSink {
  const { signal, reference, digest, onCommit } = options
  if (digest !== undefined) assertDigest(digest)
  if (reference !== undefined) assertReference(reference)
  if (onCommit !== undefined && typeof onCommit !== 'function') {
    throw new TypeError(`onCommit must be a function, got ${String(onCommit)}`)
  }
  assertOwner(options)
  expiryOf(options)
  const upload = new Upload(context, makeAttempt, {
    ...options,
    reference: reference && copyBytes(reference),
    digest: digest && copyBytes(digest),
  })
  const onSignal = (): void => upload.abort(signal?.reason)
  const stream = new WritableStream<Uint8Array>(
    {
      start(controller) {
        upload.onFailure = (reason) => {
          signal?.removeEventListener('abort', onSignal)
          // Of an abort the stream knows by itself, and Node 22 breaks if it is told so within the event.
          if (!controller.signal.aborted) controller.error(reason)
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
