import { createSHA256, type IHasher } from 'hash-wasm'
import { copyBytes } from '../bytes/byte-order.ts'
import { asBytes } from '../bytes/chunk-reader.ts'

/** Bytes of a SHA-256. */
const SHA256_BYTES = 32

/** A streaming SHA-256. */
export interface Sha256 {
  /** Appends bytes. */
  update(bytes: Uint8Array): void
  /** Returns the digest of all bytes so far. */
  digest(): Uint8Array
}

let instance: Promise<IHasher> | undefined

/**
 * Creates a streaming SHA-256. All of them share one WebAssembly instance, because in WebKit each of many instances
 * takes tens of milliseconds to create. The state is saved after each call.
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
