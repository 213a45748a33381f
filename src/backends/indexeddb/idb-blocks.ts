import { ownBytes } from '../../bytes/byte-order.ts'
import type { BackendError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import type { Database } from './database.ts'
import { BLOCKS, SIZES } from './object-stores.ts'
import { GroupedPuts, type StoredObject } from './grouped-puts.ts'
import { indexedDbError } from './indexeddb-error.ts'
import { resultOf } from './idb-request.ts'

/** Comes after every character that a name may have. */
const AFTER_NAMES = '\u{7f}'

/** The objects, in one object store. Their lengths are in a second one: a list need not load the objects. */
export class IdbBlocks implements Blocks {
  readonly #database: Database
  readonly #puts: GroupedPuts
  /** Whether objects are stored as Blobs: `try` until one has been. */
  #asBlobs: boolean | 'try'

  constructor(database: Database, asBlobs: boolean) {
    this.#database = database
    this.#puts = new GroupedPuts(database)
    this.#asBlobs = asBlobs && 'try'
  }

  async put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    // The whole buffer of a view would be stored.
    const own = ownBytes(bytes)
    if (this.#asBlobs) {
      try {
        await this.#puts.add(name, new Blob([own]), own.byteLength, signal)
        this.#asBlobs = true
        return
      } catch (error) {
        // Others may have tried at the same time.
        if (this.#asBlobs === true || !isRefusal(error)) throw error
        this.#asBlobs = false
      }
    }
    await this.#puts.add(name, own, own.byteLength, signal)
  }

  async get(name: string, { signal }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const what = `cannot read object ${name}`
    const stored = await this.#read(what, name, signal)
    if (!(stored instanceof Blob)) return stored
    try {
      const bytes = await stored.arrayBuffer()
      signal?.throwIfAborted()
      return new Uint8Array(bytes)
    } catch (error) {
      signal?.throwIfAborted()
      throw indexedDbError(error, what)
    }
  }

  async blob(name: string, { signal }: BackendCallOptions = {}): Promise<Blob | undefined> {
    const stored = await this.#read(`cannot read object ${name}`, name, signal)
    return stored instanceof Blob ? stored : undefined
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

  #read(what: string, name: string, signal: AbortSignal | undefined): Promise<StoredObject | undefined> {
    return this.#database.getBlock<StoredObject>(what, name, signal)
  }
}

/** Whether the browser takes no Blobs: WebKitGTK does not while it keeps nothing on disk. */
function isRefusal(error: unknown): boolean {
  const name = ((error as BackendError).cause as Error | undefined)?.name
  return name === 'UnknownError' || name === 'DataCloneError'
}
