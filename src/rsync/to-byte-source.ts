import { assertByteSource, type ByteSource, bytesSource } from '../bytes/byte-source.ts'

/**
 * Converts an argument that may be bytes or a ByteSource to a ByteSource.
 *
 * @throws {TypeError} if it is neither.
 */
export function toByteSource(value: ByteSource | Uint8Array, name: string): ByteSource {
  if (ArrayBuffer.isView(value)) return bytesSource(value)
  assertByteSource(value, name)
  return value
}
