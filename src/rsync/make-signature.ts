import type { ByteSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { SignatureStream, type SignatureStreamOptions } from './signature-stream.ts'
import { toByteSource } from './to-byte-source.ts'

/**
 * Options of {@linkcode makeSignature}: those of `SignatureStream` except `sourceLength`, which is taken from the
 * source.
 */
export type MakeSignatureOptions = Omit<SignatureStreamOptions, 'sourceLength'>

/**
 * Computes the signature of a whole file: `SignatureStream` in one call. It holds the signature in memory (about 0.4 %
 * of a 100 MiB file), briefly twice.
 *
 * @throws {TypeError} if `source` is neither bytes nor a ByteSource, or an option has the wrong type.
 * @throws {RangeError} if an option is out of range.
 *
 * @example
 * ```ts
 * import { makeSignature } from 'combstream/rsync'
 *
 * const signature = await makeSignature(new Blob(['a basis']))
 * console.log(signature.byteLength) // 48: a header of 12 bytes and one block of 36
 * ```
 */
export async function makeSignature(
  source: ByteSource | Uint8Array,
  options: MakeSignatureOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const basis = toByteSource(source, 'source')
  const stream = new SignatureStream({ ...options, sourceLength: basis.size })
  return await collect(basis.stream().pipeThrough(stream))
}
