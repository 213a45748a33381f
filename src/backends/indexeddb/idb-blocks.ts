import { ownBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { BLOCKS, type Database, SIZES } from './database.ts'
import { resultOf } from './idb-request.ts'

/** Comes after every character that a name may have. */
const AFTER_NAMES = '\u{7f}'

/** The objects, in one object store. Their lengths are in a second one: a list need not load the objects. */
export class IdbBlocks implements Blocks {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    const what = `cannot store object ${name}`
    return this.#database.write(what, [BLOCKS, SIZES], signal, (transaction) => {
      // The whole buffer of a view would be stored.
      transaction.objectStore(BLOCKS).add(ownBytes(bytes), name)
      transaction.objectStore(SIZES).add(bytes.byteLength, name)
    })
  }

  get(name: string, { signal }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#database.read(`cannot read object ${name}`, [BLOCKS], signal, (transaction) => {
      return resultOf<Uint8Array<ArrayBuffer> | undefined>(transaction.objectStore(BLOCKS).get(name))
    })
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#database.read(`cannot look at object ${name}`, [SIZES], signal, (transaction) => {
      return resultOf<number | undefined>(transaction.objectStore(SIZES).get(name))
    })
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#database.write(`cannot delete object ${name}`, [BLOCKS, SIZES], signal, (transaction) => {
      transaction.objectStore(BLOCKS).delete(name)
      transaction.objectStore(SIZES).delete(name)
    })
  }

  list({ prefix, after, limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    return this.#database.read('cannot list objects', [SIZES], signal, async (transaction) => {
      const past = after !== undefined && after >= prefix
      const start = past ? after : prefix
      const end = prefix + AFTER_NAMES
      if (start >= end) return []
      const sizes = transaction.objectStore(SIZES)
      const range = IDBKeyRange.bound(start, end, past, true)
      const [names, lengths] = await Promise.all([
        resultOf(sizes.getAllKeys(range, limit)),
        resultOf<number[]>(sizes.getAll(range, limit)),
      ])
      return lengths.map((size, index) => ({ name: names[index] as string, size }))
    })
  }
}
