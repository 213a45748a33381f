import { assertByteSource, type ByteSource, bytesSource } from '../bytes/byte-source.ts'

/**
 * What the functions over whole files take: bytes, or a source of them.
 *
 * @throws {TypeError} if it is neither.
 */
export function wholeSource(value: ByteSource | Uint8Array, name: string): ByteSource {
  if (ArrayBuffer.isView(value)) return bytesSource(value)
  assertByteSource(value, name)
  return value
}
