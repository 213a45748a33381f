import { createXXHash64 } from 'hash-wasm'
import { type BackgroundHash, createBackgroundSha256 } from '../bytes/hashing/background-sha256.ts'
import { createSha256, SHA256_BYTES, type StreamingHash } from '../bytes/sha256.ts'
import type { Backend } from './backend.ts'

/** Makes a streaming SHA-256: the backend's own, if it has one. */
export async function createDigest(backend: Backend): Promise<StreamingHash> {
  return backend.createHash?.() ?? createSha256()
}

/** Makes a SHA-256 for a stream of any length: the backend's own, if it has one. In a page, it may go on in a worker. */
export async function createStreamDigest(backend: Backend): Promise<BackgroundHash> {
  return backend.createHash?.() ?? createBackgroundSha256()
}

/** The SHA-256 of these bytes. */
export async function digestOf(backend: Backend, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const hash = await createDigest(backend)
  hash.update(bytes)
  return hash.digest()
}

/** Computes an xxh64, 8 bytes. */
export type Checksum = (bytes: Uint8Array) => Uint8Array

let checksum: Promise<Checksum> | undefined

/** Loads xxh64. All callers share one instance: it is reset for each call, and no call spans an `await`. */
export function loadChecksum(): Promise<Checksum> {
  checksum ??= createXXHash64().then((hash) => (bytes) => hash.init().update(bytes).digest('binary'))
  return checksum
}

/**
 * Checks a SHA-256 from a caller.
 *
 * @throws {TypeError} if it is not a Uint8Array of 32 bytes.
 */
export function assertDigest(digest: Uint8Array): void {
  if (!ArrayBuffer.isView(digest) || digest.byteLength !== SHA256_BYTES) {
    throw new TypeError(`a digest must be a Uint8Array of ${SHA256_BYTES} bytes`)
  }
}
