import { createSHA256, createXXHash64, type IHasher } from 'hash-wasm'
import type { Backend, StreamingHash } from './backend.ts'
import { DIGEST_BYTES } from './format.ts'

let sha256: Promise<IHasher> | undefined

/**
 * Makes a streaming SHA-256: the backend's, if it brings one. Without it, one instance serves everybody, as WebKit takes
 * tens of milliseconds for each of many instances: what it has come to is taken out after each call.
 */
export async function createDigest(backend: Backend): Promise<StreamingHash> {
  if (backend.createHash) return backend.createHash()
  sha256 ??= createSHA256()
  const hash = await sha256
  let state = hash.init().save()
  return {
    update(bytes) {
      state = hash.load(state).update(bytes).save()
    },
    digest: () => new Uint8Array(hash.load(state).digest('binary')),
  }
}

/** The SHA-256 of bytes that are all there. */
export async function digestOf(backend: Backend, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const hash = await createDigest(backend)
  hash.update(bytes)
  return hash.digest()
}

/** Computes an xxh64, 8 bytes. */
export type Checksum = (bytes: Uint8Array) => Uint8Array

let checksum: Promise<Checksum> | undefined

/** Loads xxh64. One instance serves everybody: it is reset for each call, and no call lasts past an `await`. */
export function loadChecksum(): Promise<Checksum> {
  checksum ??= createXXHash64().then((hash) => (bytes) => hash.init().update(bytes).digest('binary'))
  return checksum
}

/**
 * Checks a SHA-256 that a caller gives.
 *
 * @throws {TypeError} if it is no Uint8Array of 32 bytes.
 */
export function assertDigest(digest: Uint8Array): void {
  if (!ArrayBuffer.isView(digest) || digest.byteLength !== DIGEST_BYTES) {
    throw new TypeError(`a digest must be a Uint8Array of ${DIGEST_BYTES} bytes`)
  }
}
