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
 * Creates a streaming SHA-256: the host's own, if it has one. All others share one WebAssembly instance, because in
 * WebKit each of many instances takes tens of milliseconds to create. Their state is saved after each call.
 */
export async function createSha256(): Promise<StreamingHash> {
  const native = nativeSha256()
  if (native) return native()
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

/** The SHA-256 of these bytes: in browsers that of Web Crypto, which is faster than WebAssembly and uses a thread. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  // Absent on an insecure origin.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  const native = nativeSha256()
  if (!native && subtle) return new Uint8Array(await subtle.digest('SHA-256', bytes))
  const hash = native?.() ?? (await createSha256())
  hash.update(bytes)
  return hash.digest()
}

/** The part of node:crypto that is used here. */
interface NodeCrypto {
  createHash(algorithm: 'sha256'): { update(bytes: Uint8Array): unknown; digest(): Uint8Array }
}

/**
 * The SHA-256 of node:crypto, where the host has it: in Node, Deno and Bun. It takes a sixth of the CPU time of WebAssembly, and
 * half of that of Web Crypto, which copies its input. It is not imported, because the package runs in other hosts, too.
 */
export function nativeSha256(): (() => StreamingHash) | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const crypto = process?.getBuiltinModule?.('node:crypto') as NodeCrypto | undefined
  if (typeof crypto?.createHash !== 'function') return undefined
  return () => {
    const hash = crypto.createHash('sha256')
    return {
      update: (bytes) => void hash.update(bytes),
      digest: () => new Uint8Array(hash.digest()),
    }
  }
}
