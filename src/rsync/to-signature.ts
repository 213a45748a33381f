import { loadSignature, type LoadSignatureOptions } from './load-signature.ts'
import { asSignature, type Signature } from './signature.ts'
import { type ByteInput, isByteInput } from './to-byte-stream.ts'

/**
 * Converts an argument that may be a loaded signature, or the bytes of one in any form, to a loaded one.
 *
 * @throws {TypeError} if it is neither.
 * @throws {FormatError} if the bytes are not a signature, or exceed the limits.
 */
export function toSignature(value: Signature | ByteInput, options: LoadSignatureOptions): Promise<Signature> {
  return isByteInput(value) ? loadSignature(value, options) : Promise.resolve(asSignature(value))
}
