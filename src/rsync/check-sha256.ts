import { copyBytes } from '../bytes/byte-order.ts'
import { asBytes } from '../bytes/chunk-reader.ts'
import { SHA256_BYTES } from '../bytes/sha256.ts'

/**
 * Validates a SHA-256 option and returns a copy of it.
 *
 * @throws {TypeError} if it is not a Uint8Array.
 * @throws {RangeError} if it is not 32 bytes long.
 */
export function checkSha256(name: string, digest: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(digest)) throw new TypeError(`${name} must be a Uint8Array, got ${typeof digest}`)
  if (digest.byteLength !== SHA256_BYTES) {
    throw new RangeError(`${name} must be ${SHA256_BYTES} bytes long, got ${digest.byteLength}`)
  }
  return copyBytes(asBytes(digest))
}
