import { assertByteSource, type ByteSource, bytesSource } from '../bytes/byte-source.ts'
import { asBytes, isBytes } from '../bytes/chunk-reader.ts'

/**
 * Converts an argument that may be bytes or a ByteSource to a ByteSource.
 *
 * @throws {TypeError} if it is neither.
 */
export function toByteSource(value: ByteSource | Uint8Array | ArrayBuffer, name: string): ByteSource {
  if (isBytes(value)) return bytesSource(asBytes(value))
  assertByteSource(value, name)
  return value
}
