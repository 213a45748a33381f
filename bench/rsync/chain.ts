import { bytesSource, DeltaStream, PatchStream, type Signature, SignatureStream } from 'combstream'
import { drain } from '../drain.ts'
import { STAGE_BYTES } from './stage.ts'

/** The input of the chain. */
export interface ChainInput {
  /** The signature of the basis. */
  readonly signature: Signature
  /** The old version. */
  readonly basis: Uint8Array
  /** The new version. */
  readonly edited: Uint8Array
}

/**
 * Three streams in sequence: the delta to the new version, the result of patching the basis with it, and the signature
 * of that.
 */
export async function chain(
  { signature, basis, edited }: ChainInput,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const result = views(edited)
    .pipeThrough(new DeltaStream(signature))
    .pipeThrough(new PatchStream(bytesSource(basis)))
    .pipeThrough(new SignatureStream({ sourceLength: edited.byteLength }))
  await drain(result, take)
}

/** Streams views of the bytes. Nothing is copied. */
function views(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (offset === bytes.byteLength) return controller.close()
        const chunk = bytes.subarray(offset, offset + STAGE_BYTES)
        offset += chunk.byteLength
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
}
