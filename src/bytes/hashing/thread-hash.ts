import { copyBytes } from '../byte-order.ts'
import { markHandled } from '../promises.ts'
import type { HashReply, HashRequest } from './hash-messages.ts'

/** Bytes of one hash that may be on their way to the worker. */
const MAX_LAG_BYTES = 4_000_000

/** How a wait ends. */
interface Wait<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

function newWait(): Wait<void> & { readonly promise: Promise<void> } {
  let wait: Wait<void>
  const promise = new Promise<void>((resolve, reject) => {
    wait = { resolve, reject }
  })
  markHandled(promise)
  return { ...wait!, promise }
}

/** A hash that a worker computes, as the page sees it. */
export class ThreadHash {
  readonly #number: number
  readonly #send: (request: HashRequest, transfer: ArrayBuffer[]) => void
  #lagBytes = 0
  /** Memory that the worker has given back. New memory for each block would cost more than hashing it does here. */
  readonly #spares: Uint8Array<ArrayBuffer>[] = []
  #room: (Wait<void> & { readonly promise: Promise<void> }) | undefined
  #digest: Wait<Uint8Array<ArrayBuffer>> | undefined
  #failure: { readonly reason: unknown } | undefined

  /** Goes on from a state of hash-wasm. */
  constructor(number: number, state: Uint8Array, send: (request: HashRequest, transfer: ArrayBuffer[]) => void) {
    this.#number = number
    this.#send = send
    send({ kind: 'begin', number, state }, [])
  }

  /** Sends a copy of these bytes. If the worker is too far behind, it resolves when that has caught up. */
  update(bytes: Uint8Array): void | Promise<void> {
    if (this.#failure) throw this.#failure.reason
    const copy = this.#copy(bytes)
    this.#lagBytes += copy.byteLength
    this.#send({ kind: 'update', number: this.#number, bytes: copy }, [copy.buffer])
    if (this.#lagBytes <= MAX_LAG_BYTES) return undefined
    this.#room ??= newWait()
    return this.#room.promise
  }

  #copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const spare = this.#spares.pop()
    if (spare?.byteLength !== bytes.byteLength) return copyBytes(bytes)
    spare.set(bytes)
    return spare
  }

  /** Ends the hash. */
  digest(): Promise<Uint8Array<ArrayBuffer>> {
    const digest = new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      this.#digest = { resolve, reject }
      if (this.#failure) reject(this.#failure.reason)
    })
    markHandled(digest)
    this.#send({ kind: 'end', number: this.#number }, [])
    return digest
  }

  /** Gives the hash up. */
  discard(): void {
    this.#send({ kind: 'discard', number: this.#number }, [])
  }

  /** The worker has hashed so many bytes, which were in this memory. */
  taken({ byteLength, bytes }: Pick<Extract<HashReply, { kind: 'taken' }>, 'byteLength' | 'bytes'>): void {
    this.#spares.push(bytes)
    this.#lagBytes -= byteLength
    if (this.#lagBytes > MAX_LAG_BYTES) return
    this.#room?.resolve()
    this.#room = undefined
  }

  /** The worker has ended the hash. */
  ended(digest: Uint8Array<ArrayBuffer>): void {
    this.#digest?.resolve(digest)
  }

  /** The worker has failed. */
  fail(reason: unknown): void {
    this.#failure = { reason }
    this.#room?.reject(reason)
    this.#digest?.reject(reason)
  }
}
