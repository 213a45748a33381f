import { BackendError } from '../../errors.ts'
import { equalBytes } from '../byte-order.ts'
import type { HashReply, HashRequest } from './hash-messages.ts'
import { ThreadHash } from './thread-hash.ts'

/** Bytes at the beginning of a state of hash-wasm that say which code can go on from it. */
const STATE_KIND_BYTES = 4

/** The worker that computes hashes, as the page sees it. */
export class HashThread {
  readonly #worker: Worker
  readonly #onFailure: () => void
  readonly #hashes = new Map<number, ThreadHash>()
  #begun = 0
  #state: 'starting' | 'ready' | 'ended' = 'starting'

  /**
   * Uses a worker. `state` is any state of a hash here: the worker must be able to go on from it. `onFailure` is called if
   * the worker does not start, or ends by itself.
   */
  constructor(worker: Worker, state: Uint8Array, onFailure: () => void) {
    this.#worker = worker
    this.#onFailure = onFailure
    worker.onmessage = ({ data }: MessageEvent<HashReply>) => {
      if (data.kind === 'ready' && !isSameKind(data.state, state)) this.#fail('it has another version of hash-wasm')
      else this.#receive(data)
    }
    worker.onmessageerror = () => this.#fail('a message was lost')
    worker.onerror = (event) => {
      // The hashes report it; the page need not.
      event.preventDefault()
      this.#fail(event.message)
    }
  }

  /** Whether a hash can go on here. */
  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Goes on with a hash from a state of hash-wasm. */
  begin(state: Uint8Array): ThreadHash {
    const hash = new ThreadHash(this.#begun, state, (request, transfer) => this.#send(request, transfer))
    this.#hashes.set(this.#begun++, hash)
    return hash
  }

  /** Ends the worker. */
  end(): void {
    this.#state = 'ended'
    this.#worker.terminate()
  }

  #send(request: HashRequest, transfer: ArrayBuffer[]): void {
    if (request.kind === 'discard') this.#hashes.delete(request.number)
    this.#worker.postMessage(request, transfer)
  }

  #receive(reply: HashReply): void {
    if (reply.kind === 'ready') this.#state = 'ready'
    else if (reply.kind === 'taken') this.#hashes.get(reply.number)?.taken(reply)
    else {
      this.#hashes.get(reply.number)?.ended(reply.digest)
      this.#hashes.delete(reply.number)
    }
  }

  #fail(why: string): void {
    this.end()
    this.#onFailure()
    const reason = new BackendError(`the worker that computes hashes has failed: ${why}`, { retryable: true })
    for (const hash of this.#hashes.values()) hash.fail(reason)
    this.#hashes.clear()
  }
}

function isSameKind(one: Uint8Array, other: Uint8Array): boolean {
  return equalBytes(one.subarray(0, STATE_KIND_BYTES), other.subarray(0, STATE_KIND_BYTES))
}
