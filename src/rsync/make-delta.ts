import { type ByteSource, bytesSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { DeltaStream, type DeltaStreamOptions } from './delta-stream.ts'
import type { SignatureLimits } from './load-signature-job.ts'
import { loadSignature } from './load-signature.ts'
import type { Signature } from './signature.ts'
import { wholeSource } from './whole-source.ts'

/** Options of {@linkcode makeDelta}. */
export interface MakeDeltaOptions extends DeltaStreamOptions {
  /** Bounds on a signature that is given as bytes, with the defaults of `loadSignature`. */
  limits?: SignatureLimits | undefined
}

/**
 * Makes the delta from a basis, of which it knows the signature only, to a whole file: `DeltaStream` in one call. It
 * holds the delta, which can be a little longer than the file, twice for a moment.
 *
 * @param signature What `loadSignature` gives, or the bytes of a signature.
 * @param source The new bytes.
 * @throws {TypeError} if an argument is of the wrong type.
 * @throws {RangeError} if an option is out of its range.
 * @throws {FormatError} if the bytes of the signature are none, or one beyond the limits.
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
  signature: Signature | Uint8Array,
  source: ByteSource | Uint8Array,
  { limits, ...options }: MakeDeltaOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const edited = wholeSource(source, 'source')
  const loaded = ArrayBuffer.isView(signature)
    ? await loadSignature(bytesSource(signature).stream(), { limits, signal: options.signal })
    : signature
  const stream = new DeltaStream(loaded, options)
  return await collect(edited.stream().pipeThrough(stream))
}
