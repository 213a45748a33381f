import type { StoreHost } from '../host.ts'
import { ID_BYTES } from '../rows/row-values.ts'

/** Bytes that the ids of neighbours begin with. */
const SHARED_BYTES = 4
/** Ids that begin with them. */
const NEIGHBOURS = 32

/**
 * Makes ids for streams. They are random. For a backend that prefers neighbours, 32 that are made one after another begin
 * alike, so that it writes the rows of several short streams to the same pages: with SQLite this takes half the time that
 * rows all over the file take. The next 32 are elsewhere.
 */
export class StreamIds {
  readonly #host: StoreHost
  readonly #neighbours: number
  #shared: Uint8Array = new Uint8Array(0)
  #left = 0

  constructor(host: StoreHost, prefersNeighbours: boolean) {
    this.#host = host
    this.#neighbours = prefersNeighbours ? NEIGHBOURS : 1
  }

  /** A new id. */
  next(): Uint8Array<ArrayBuffer> {
    const id = this.#host.random(ID_BYTES)
    if (this.#left === 0) {
      this.#shared = id.slice(0, SHARED_BYTES)
      this.#left = this.#neighbours
    }
    this.#left--
    id.set(this.#shared)
    return id
  }
}
