import { createSHA256, type IHasher } from 'hash-wasm'
import { nativeSha256 } from '../sha256.ts'
import { Lingering } from '../lingering.ts'
import { HashThread } from './hash-thread.ts'
import type { ThreadHash } from './thread-hash.ts'

/** A hash that may be computed elsewhere. */
export interface BackgroundHash {
  /** Adds bytes to the input; does not keep them. It may resolve only when more bytes should come. */
  update(bytes: Uint8Array): void | Promise<void>
  /** Ends the hash. */
  digest(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>
  /** Gives the hash up, unless it has ended. */
  discard?(): void
}

/** A shorter stream is hashed sooner than a worker starts. */
const SHORT_BYTES = 4_000_000
/** A shorter stream is hashed sooner than a worker that has started answers. */
const TINY_BYTES = 500_000

let instance: Promise<IHasher> | undefined
/** The worker that all hashes share. */
const threads = new Lingering<HashThread>()
/** Set once a worker has failed: it may not be allowed here, or its script may be missing. */
let isUseless = false

/**
 * Creates a SHA-256 for a stream of any length. In a page, the hash of a long stream continues in a worker, which leaves
 * the thread of the page free. Where no worker can start, as in a service worker, this thread computes it. In Node, Deno
 * and Bun, the host does.
 */
export async function createBackgroundSha256(): Promise<BackgroundHash> {
  const native = nativeSha256()
  return native ? native() : new HandedOnHash(await (instance ??= createSHA256()))
}

/** Starts in this thread, and continues in the worker once that is ready. */
class HandedOnHash implements BackgroundHash {
  readonly #hash: IHasher
  #state: Uint8Array
  #byteLength = 0
  #thread: HashThread | undefined
  #inThread: ThreadHash | undefined

  constructor(hash: IHasher) {
    this.#hash = hash
    this.#state = hash.init().save()
  }

  update(bytes: Uint8Array): void | Promise<void> {
    const least = threads.current?.isReady ? TINY_BYTES : SHORT_BYTES
    this.#inThread ??= this.#byteLength >= least ? this.#handOn() : undefined
    this.#byteLength += bytes.byteLength
    if (this.#inThread) return this.#inThread.update(bytes)
    this.#state = this.#hash.load(this.#state).update(bytes).save()
    return undefined
  }

  async digest(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return (await this.#inThread?.digest()) ?? new Uint8Array(this.#hash.load(this.#state).digest('binary'))
    } finally {
      this.discard()
    }
  }

  discard(): void {
    this.#inThread?.discard()
    if (this.#thread) threads.leave(this.#thread)
    this.#thread = undefined
  }

  /** The hash in the worker; undefined as long as that is not ready. */
  #handOn(): ThreadHash | undefined {
    if (!this.#thread && !isUseless) this.#thread = joinThread(this.#state)
    return this.#thread?.isReady ? this.#thread.begin(this.#state) : undefined
  }
}

function joinThread(state: Uint8Array): HashThread | undefined {
  try {
    return threads.join(() => {
      return new HashThread(createWorker(), state, () => {
        isUseless = true
      })
    })
  } catch {
    // There are no workers here, or the page may not start one.
    isUseless = true
    return undefined
  }
}

function createWorker(): Worker {
  if (!new URL(import.meta.url).pathname.endsWith('.ts')) {
    return new Worker(new URL('./sha256-worker.js', import.meta.url), { type: 'module' })
  }
  // The sources run as they are, too.
  const source = './sha256-worker.ts'
  return new Worker(new URL(source, import.meta.url), { type: 'module' })
}
