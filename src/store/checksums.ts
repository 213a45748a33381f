import { createSHA256, createXXHash64, type IHasher } from 'hash-wasm'
import type { Backend, StreamingHash } from './backend.ts'
import { DIGEST_BYTES } from './format.ts'

/** Hashes that have ended, to be used again: making one takes longer than hashing a short stream. */
const idle: IHasher[] = []
const MAX_IDLE = 8

/** Makes a streaming SHA-256: the backend's, if it brings one. */
export async function createDigest(backend: Backend): Promise<StreamingHash> {
  if (backend.createHash) return backend.createHash()
  const hash = idle.pop()?.init() ?? (await createSHA256())
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest() {
      const digest = new Uint8Array(hash.digest('binary'))
      if (idle.length < MAX_IDLE) idle.push(hash)
      return digest
    },
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
