import { isBytes } from '../bytes/chunk-reader.ts'
import { collect } from '../bytes/collect.ts'
import { SignatureStream, type SignatureStreamOptions } from './signature-stream.ts'
import { type ByteInput, toByteStream } from './to-byte-stream.ts'

/**
 * Options of {@linkcode makeSignature}: those of `SignatureStream` except `sourceLength`, which is taken from the
 * source.
 */
export type MakeSignatureOptions = Omit<SignatureStreamOptions, 'sourceLength'>

/**
 * Computes the signature of a whole file: `SignatureStream` in one call. It holds the signature in memory (about 0.4 %
 * of a 100 MiB file), briefly twice. The size of a stream is not known, so its blocks are 2,048 bytes unless `blockLength`
 * says otherwise.
 *
 * @throws {TypeError} if `source` is not bytes, a Blob, a ByteSource or a stream, or an option has the wrong type.
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
  source: ByteInput,
  options: MakeSignatureOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const basis = toByteStream(source, 'source')
  const sourceLength = isBytes(source) ? source.byteLength : 'size' in source ? source.size : undefined
  return await collect(basis.pipeThrough(new SignatureStream({ ...options, sourceLength })))
}
