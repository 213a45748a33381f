import { type ByteSource, bytesSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { DeltaStream, type DeltaStreamOptions } from './delta-stream.ts'
import type { SignatureLimits } from './load-signature-job.ts'
import { loadSignature } from './load-signature.ts'
import type { Signature } from './signature.ts'
import { toByteSource } from './to-byte-source.ts'

/** Options of {@linkcode makeDelta}. */
export interface MakeDeltaOptions extends DeltaStreamOptions {
  /** Limits on a signature passed as bytes. The defaults are those of `loadSignature`. */
  limits?: SignatureLimits | undefined
}

/**
 * Computes the delta from a basis, known only by its signature, to a whole file: `DeltaStream` in one call. It holds
 * the delta in memory, briefly twice. The delta can be slightly larger than the file.
 *
 * @param signature A loaded signature, or the bytes of one.
 * @param source The new bytes.
 * @throws {TypeError} if an argument has the wrong type.
 * @throws {RangeError} if an option is out of range.
 * @throws {FormatError} if `signature` is bytes that are not a signature, or exceed the limits.
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
  const edited = toByteSource(source, 'source')
  const loaded = ArrayBuffer.isView(signature)
    ? await loadSignature(bytesSource(signature).stream(), { limits, signal: options.signal })
    : signature
  const stream = new DeltaStream(loaded, options)
  return await collect(edited.stream().pipeThrough(stream))
}
