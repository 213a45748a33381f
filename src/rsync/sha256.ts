import { createSHA256, type IHasher } from 'hash-wasm'
import { copyBytes } from '../bytes/byte-order.ts'
import { asBytes } from '../bytes/chunk-reader.ts'

/** Bytes of a SHA-256. */
const SHA256_BYTES = 32

/** A SHA-256 that is computed as the bytes come. */
export interface Sha256 {
  /** Appends bytes. */
  update(bytes: Uint8Array): void
  /** The digest of all that was appended. */
  digest(): Uint8Array
}

let instance: Promise<IHasher> | undefined

/**
 * Makes a streaming SHA-256. One instance serves all of them, as WebKit takes tens of milliseconds for each of many: what
 * it has come to is taken out after each call.
 */
export async function createSha256(): Promise<Sha256> {
  instance ??= createSHA256()
  const hash = await instance
  let state = hash.init().save()
  return {
    update(bytes) {
      state = hash.load(state).update(bytes).save()
    },
    digest: () => hash.load(state).digest('binary'),
  }
}

/**
 * Checks an option that is a SHA-256; gives a copy of it.
 *
 * @throws {TypeError} if it is no Uint8Array.
 * @throws {RangeError} if it is not 32 bytes long.
 */
export function checkSha256(name: string, digest: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(digest)) throw new TypeError(`${name} must be a Uint8Array, got ${typeof digest}`)
  if (digest.byteLength !== SHA256_BYTES) {
    throw new RangeError(`${name} must have ${SHA256_BYTES} bytes, got ${digest.byteLength}`)
  }
  return copyBytes(asBytes(digest))
}
