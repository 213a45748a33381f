import { createSHA256, type IHasher } from 'hash-wasm'

/** Bytes of a SHA-256. */
export const SHA256_BYTES = 32

/** A hash whose input comes piece by piece. */
export interface StreamingHash {
  /** Adds bytes to the input; does not keep them. */
  update(bytes: Uint8Array): void
  /** Ends the hash, and returns its value. */
  digest(): Uint8Array<ArrayBuffer>
}

let instance: Promise<IHasher> | undefined

/**
 * Creates a streaming SHA-256. All of them share one WebAssembly instance, because in WebKit each of many instances
 * takes tens of milliseconds to create. The state is saved after each call.
 */
export async function createSha256(): Promise<StreamingHash> {
  instance ??= createSHA256()
  const hash = await instance
  let state = hash.init().save()
  return {
    update(bytes) {
      state = hash.load(state).update(bytes).save()
    },
    digest: () => new Uint8Array(hash.load(state).digest('binary')),
  }
}
