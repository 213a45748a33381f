import { toMapKey } from '../../bytes/byte-text.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { BLOCKS, ROWS } from './object-stores.ts'

/** Most requests of one transaction: whoever wants to write waits until it has ended. */
const MAX_REQUESTS = 8
/** How often rows are given out that are known: whoever asks without an end must at times let the engine answer. */
const MAX_KNOWN = 32

/**
 * A transaction that reads blocks for several callers, and rows in between. A request joins it that is made in answer to one of
 * its own: in WebKit, the first request of a transaction waits until the engine has said that the transaction has begun.
 *
 * Until all of its requests have been answered, no transaction begins that writes to the same object stores (Indexed
 * Database API 3.0, section 2.7.2), so that a row is as it was read. Whoever asks for the row meanwhile gets it at once.
 */
export class SharedReading {
  readonly #transaction: IDBTransaction
  /** The answers to requests for rows, by their keys. */
  readonly #rows = new Map<string, Promise<unknown>>()
  /** Key of the row that was asked for last. */
  #lastRow: Uint8Array<ArrayBuffer> | undefined
  #requests = 0
  /** How often a known row was given out. */
  #known = 0
  /** Number of requests that have not been answered. */
  #pending = 0
  /** Number of callers that wait for answers. */
  #waiting = 0
  /** The one before this: it knows a row while this one still waits for it. */
  #previous: SharedReading | undefined

  /**
   * @param transaction One that has just begun, and reads rows and blocks.
   * @param previous Another one: while it is used, the row that it was asked for last is read here before any block.
   */
  constructor(transaction: IDBTransaction, previous: SharedReading | undefined) {
    this.#transaction = transaction
    if (!previous?.isReading) return
    previous.#previous = undefined
    this.#previous = previous
    const key = previous.#lastRow
    if (!key) return
    this.#lastRow = key
    this.#rows.set(toMapKey(key), this.#get(ROWS, key)!)
  }

  /** Whether requests have not been answered. */
  get isReading(): boolean {
    return this.#pending > 0
  }

  /**
   * Reads a block. Returns no promise if the transaction does not take a request now. It takes its first requests at once after
   * it has begun.
   */
  block(name: string, signal: AbortSignal | undefined): Promise<unknown> | undefined {
    const answer = this.#get(BLOCKS, name)
    return answer && this.#wait(answer, signal)
  }

  /** Does the same with a row. */
  row(key: Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined): Promise<unknown> | undefined {
    const answer = this.#row(key)
    return answer && this.#wait(answer, signal)
  }

  #row(key: Uint8Array<ArrayBuffer>): Promise<unknown> | undefined {
    this.#lastRow = key
    const mapKey = toMapKey(key)
    const previous = this.#previous
    const known = (previous && previous.#knownRow(mapKey)) ?? this.#knownRow(mapKey)
    if (known) return known
    const answer = this.#get(ROWS, key)
    if (answer) this.#rows.set(mapKey, answer)
    return answer
  }

  /** The answer to an earlier request for a row, while that holds. */
  #knownRow(mapKey: string): Promise<unknown> | undefined {
    const known = this.isReading && this.#known < MAX_KNOWN ? this.#rows.get(mapKey) : undefined
    if (known) this.#known++
    return known
  }

  #get(store: string, key: IDBValidKey): Promise<unknown> | undefined {
    if (this.#requests === MAX_REQUESTS) return undefined
    let request: IDBRequest<unknown>
    try {
      request = this.#transaction.objectStore(store).get(key)
    } catch {
      // It takes requests only in the microtasks after an answer, or has ended.
      return undefined
    }
    this.#requests++
    this.#pending++
    const answer = new Promise<unknown>((resolve, reject) => {
      request.onsuccess = () => {
        this.#pending--
        resolve(request.result)
      }
      request.onerror = (event) => {
        // The other requests go on.
        event.preventDefault()
        this.#pending--
        reject(request.error!)
      }
    })
    markHandled(answer)
    return answer
  }

  /** Waits for an answer. When a caller gives up, and nobody else waits, the transaction is aborted. */
  async #wait(answer: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    this.#waiting++
    try {
      return await (signal ? abortable(answer, signal) : answer)
    } finally {
      this.#waiting--
      if (signal?.aborted && this.#waiting === 0) this.#abort()
    }
  }

  #abort(): void {
    // Their requests fail only after others may have asked for the same rows.
    this.#rows.clear()
    try {
      this.#transaction.abort()
    } catch {
      // It has ended.
    }
  }
}
