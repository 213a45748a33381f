import { createBLAKE2b } from 'hash-wasm'
import { BLAKE2B_BYTES } from './format.ts'

/** A hash that tells blocks apart for certain. It has one computation under way at a time, so it serves one job. */
export interface StrongSum {
  /** Begins the sum of a new block. */
  init(): void
  /** Appends bytes to the block. */
  update(bytes: Uint8Array): void
  /** The sum of the block, 32 bytes; they belong to the caller. */
  digest(): Uint8Array
}

/**
 * Loads the strong sum that a job needs: BLAKE2b of 256 bits, unkeyed.
 *
 * @throws {Error} if the host has no WebAssembly, or does not allow it.
 *
 * @example
 * ```ts
 * import { loadStrongSum, SignatureJob } from 'combstream/rsync'
 *
 * const job = new SignatureJob(await loadStrongSum(), { blockLength: 2048 })
 * ```
 */
export async function loadStrongSum(): Promise<StrongSum> {
  const strongSum = new LazyStrongSum()
  await strongSum.load()
  return strongSum
}

/** A strong sum that a job can be given before it is loaded, so that a stream has its job from the start. */
export class LazyStrongSum implements StrongSum {
  #hash: Awaited<ReturnType<typeof createBLAKE2b>> | undefined

  /** To be awaited before anything else is called. */
  async load(): Promise<void> {
    this.#hash = await createBLAKE2b(BLAKE2B_BYTES * 8)
  }

  init(): void {
    this.#hash!.init()
  }

  update(bytes: Uint8Array): void {
    this.#hash!.update(bytes)
  }

  digest(): Uint8Array {
    return this.#hash!.digest('binary')
  }
}
