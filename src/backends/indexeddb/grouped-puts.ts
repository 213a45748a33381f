import { onAbort } from '../../bytes/on-abort.ts'
import type { Database } from './database.ts'
import { BLOCKS, SIZES } from './object-stores.ts'

/** Transactions that store objects at a time: the engine finds the next one when it has finished one. */
const MAX_TRANSACTIONS = 2
/** Most objects that share a transaction: half of what an upload has in memory, so that it makes the next meanwhile. */
const MAX_OBJECTS = 4

/** What an object is stored as. */
export type StoredObject = Uint8Array<ArrayBuffer> | Blob

/** An object that waits for a transaction. */
interface WaitingPut {
  readonly name: string
  readonly stored: StoredObject
  readonly byteLength: number
  readonly signal: AbortSignal | undefined
  /** Ends the put: resolves it, or rejects it with `failure.reason`. */
  settle(failure?: { readonly reason: unknown }): void
}

/**
 * Stores objects. While transactions run, more objects gather, and those of one upload share the next transaction: the engine
 * waits for the disk once for each. An upload is known by its signal, which aborts all of its puts.
 */
export class GroupedPuts {
  readonly #database: Database
  readonly #waiting = new Set<WaitingPut>()
  #running = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Stores an object, and resolves once it is durable. */
  add(name: string, stored: StoredObject, byteLength: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const put: WaitingPut = {
        name,
        stored,
        byteLength,
        signal,
        settle(failure) {
          stopListening()
          if (failure) reject(failure.reason)
          else resolve()
        },
      }
      this.#waiting.add(put)
      const stopListening = onAbort([signal], (reason) => {
        // Once its transaction has begun, that reports it.
        if (this.#waiting.delete(put)) reject(reason)
      })
      this.#begin()
    })
  }

  /** Begins transactions for objects that wait. */
  #begin(): void {
    while (this.#running < MAX_TRANSACTIONS && this.#waiting.size > 0) {
      this.#running++
      void this.#store(this.#nextGroup())
    }
  }

  /** Takes the object that has waited longest, and others of its upload. */
  #nextGroup(): WaitingPut[] {
    const group: WaitingPut[] = []
    for (const put of this.#waiting) {
      const [first] = group
      const belongs = !first || (first.signal !== undefined && put.signal === first.signal)
      if (belongs && group.push(put) === MAX_OBJECTS) break
    }
    for (const put of group) this.#waiting.delete(put)
    return group
  }

  async #store(group: readonly WaitingPut[]): Promise<void> {
    const what = `cannot store object ${group.map(({ name }) => name).join(', ')}`
    try {
      await this.#database.write(what, [BLOCKS, SIZES], group[0]!.signal, (transaction) => {
        for (const { name, stored, byteLength } of group) {
          transaction.objectStore(BLOCKS).add(stored, name)
          transaction.objectStore(SIZES).add(byteLength, name)
        }
      })
      for (const put of group) put.settle()
    } catch (reason) {
      for (const put of group) put.settle({ reason })
    } finally {
      this.#running--
      this.#begin()
    }
  }
}
