import { collect } from '../bytes/collect.ts'
import { DeltaStream, type DeltaStreamOptions } from './delta-stream.ts'
import type { SignatureLimits } from './load-signature-job.ts'
import type { Signature } from './signature.ts'
import { type ByteInput, toByteStream } from './to-byte-stream.ts'
import { toSignature } from './to-signature.ts'

/** Options of {@linkcode makeDelta}. */
export interface MakeDeltaOptions extends DeltaStreamOptions {
  /** Limits on a signature that is not loaded yet. The defaults are those of `loadSignature`. */
  limits?: SignatureLimits | undefined
}

/**
 * Computes the delta from a basis, known only by its signature, to a whole file: `DeltaStream` in one call. It holds
 * the delta in memory, briefly twice. The delta can be slightly larger than the file.
 *
 * @param signature A loaded signature, or the bytes of one, a Blob or a stream of them.
 * @param source The new bytes.
 * @throws {TypeError} if an argument has the wrong type.
 * @throws {RangeError} if an option is out of range.
 * @throws {FormatError} if the bytes of `signature` are not a signature, or exceed the limits.
 *
 * @example
 * ```ts
 * import { makeDelta, makeSignature } from 'combstream/rsync'
 *
 * const signature = await makeSignature(new Blob(['basis'.repeat(1000)]))
 * const delta = await makeDelta(signature, new Blob(['basis'.repeat(1000), '!']))
 * console.log(delta.byteLength < 1000) // true
 * ```
 */
export async function makeDelta(
  signature: Signature | ByteInput,
  source: ByteInput,
  { limits, ...options }: MakeDeltaOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const edited = toByteStream(source, 'source')
  const stream = new DeltaStream(await toSignature(signature, { limits, signal: options.signal }), options)
  return await collect(edited.pipeThrough(stream))
}
