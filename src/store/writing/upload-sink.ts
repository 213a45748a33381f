import { describeValue } from '../../bytes/describe-value.ts'
import { copyBytes } from '../../bytes/byte-order.ts'
import { asBytes } from '../../bytes/chunk-reader.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { markHandled } from '../../bytes/promises.ts'
import { assertDigest } from '../checksums.ts'
import type { StoreContext } from '../store-context.ts'
import { assertOwner, assertReference, expiryOf } from '../transactions/references.ts'
import type { BlockSink, BlockSinkOptions } from './block-sink.ts'
import { type MakeTransaction, Upload } from './upload.ts'

/** Makes a sink around an upload. */
export function uploadSink(
  context: StoreContext,
  makeTransaction: MakeTransaction,
  options: BlockSinkOptions,
): BlockSink {
  const { signal, reference, digest, prepareCommit, onCommit, temperature = context.temperature } = options
  if (digest !== undefined) assertDigest(digest)
  if (reference !== undefined) assertReference(reference)
  for (const [name, act] of Object.entries({ prepareCommit, onCommit })) {
    if (act !== undefined && typeof act !== 'function') {
      throw new TypeError(`${name} must be a function, got ${describeValue(act)}`)
    }
  }
  checkTemperature(temperature)
  assertOwner(options)
  expiryOf(options)
  const upload = new Upload({ ...context, temperature }, makeTransaction, {
    ...options,
    reference: reference && copyBytes(reference),
    digest: digest && copyBytes(digest),
  })
  let stop: () => void = () => undefined
  const stream = new WritableStream<Uint8Array>(
    {
      start(controller) {
        upload.onFailure = (reason) => {
          stop()
          // The stream itself knows of an abort, and in Node 22 an internal assertion fails if it is told within the
          // event.
          if (!controller.signal.aborted) controller.error(reason)
        }
        // `abort()` below waits until a held write has settled; this signal does not.
        onAbort([controller.signal], (reason) => upload.abort(reason))
        stop = onAbort([signal], (reason) => upload.abort(reason))
      },
      write: (chunk) => upload.run(() => upload.write(asBytes(chunk))),
      async close() {
        await upload.run(() => upload.close())
        stop()
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

/**
 * Checks a temperature from a caller.
 *
 * @throws {TypeError} if it is not `'hot'`, `'cold'` or undefined.
 */
export function checkTemperature(temperature: 'hot' | 'cold' | undefined): void {
  if (temperature !== undefined && temperature !== 'hot' && temperature !== 'cold') {
    throw new TypeError(`temperature must be "hot" or "cold", got ${describeValue(temperature)}`)
  }
}
