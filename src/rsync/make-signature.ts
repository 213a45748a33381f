import type { ByteSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { SignatureStream, type SignatureStreamOptions } from './signature-stream.ts'
import { wholeSource } from './whole-source.ts'

/** Options of {@linkcode makeSignature}: those of `SignatureStream`, but the length, which the source has. */
export type MakeSignatureOptions = Omit<SignatureStreamOptions, 'sourceLength'>

/**
 * Makes the signature of a whole file: `SignatureStream` in one call. It holds the signature, about 0.4 % of 100 MiB,
 * twice for a moment.
 *
 * @throws {TypeError} if `source` is neither bytes nor a ByteSource, or an option is of the wrong type.
 * @throws {RangeError} if an option is out of its range.
 *
 * @example
 * ```ts
 * import { makeSignature } from 'combstream/rsync'
 *
 * const signature = await makeSignature(new Blob(['a basis']))
 * console.log(signature.byteLength) // 48: 12 of header, 36 for the one block
 * ```
 */
export async function makeSignature(
  source: ByteSource | Uint8Array,
  options: MakeSignatureOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const basis = wholeSource(source, 'source')
  const stream = new SignatureStream({ ...options, sourceLength: basis.size })
  return await collect(basis.stream().pipeThrough(stream))
}
