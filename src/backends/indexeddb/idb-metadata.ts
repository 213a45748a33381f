import { compareBytes, copyBytes, endOfPrefix, ownBytes } from '../../bytes/byte-order.ts'
import type {
  BackendCallOptions,
  Check,
  ListRowsOptions,
  Metadata,
  Mutation,
  Row,
  VersionedValue,
} from '../../store/backend.ts'
import { type Database, LAST_VERSION } from './database.ts'
import { COUNTERS, ROWS } from './object-stores.ts'
import { resultOf } from './idb-request.ts'

/** A row as the object store `rows` has it, under its key. */
interface StoredRow {
  readonly value: Uint8Array
  readonly version: number
}

/** The rows, in one object store: IndexedDB orders binary keys by their unsigned bytes. */
export class IdbMetadata implements Metadata {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async get(key: Uint8Array, { signal }: BackendCallOptions = {}): Promise<VersionedValue | undefined> {
    const row = await this.#database.getRow<StoredRow>('cannot read a row', ownBytes(key), signal)
    // Others may get the same row.
    return row && { value: copyBytes(row.value), version: String(row.version) }
  }

  getMany(keys: readonly Uint8Array[], { signal }: BackendCallOptions = {}): Promise<(VersionedValue | undefined)[]> {
    return this.#database.read('cannot read rows', [ROWS], signal, async (transaction) => {
      const rows = transaction.objectStore(ROWS)
      const found = await Promise.all(keys.map((key) => resultOf<StoredRow | undefined>(rows.get(ownBytes(key)))))
      return found.map((row) => row && { value: row.value, version: String(row.version) })
    })
  }

  list({ prefix, after, limit, signal }: ListRowsOptions): Promise<Row[]> {
    return this.#database.read('cannot list rows', [ROWS], signal, async (transaction) => {
      const range = rangeOf(prefix, after)
      if (!range) return []
      const rows = transaction.objectStore(ROWS)
      const [keys, values] = await Promise.all([
        resultOf(rows.getAllKeys(range, limit)),
        resultOf<StoredRow[]>(rows.getAll(range, limit)),
      ])
      return values.map(({ value, version }, index) => {
        return { key: new Uint8Array(keys[index] as ArrayBuffer), value, version: String(version) }
      })
    })
  }

  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    { signal }: BackendCallOptions = {},
  ): Promise<string | false> {
    const what = 'cannot commit'
    if (mutations.length === 0) {
      return this.#database.read(what, [ROWS], signal, async (transaction) => {
        return (await holds(transaction.objectStore(ROWS), checks)) && '0'
      })
    }
    return this.#database.write(what, [ROWS, COUNTERS], signal, async (transaction) => {
      const rows = transaction.objectStore(ROWS)
      const counters = transaction.objectStore(COUNTERS)
      const [last = 0, held] = await Promise.all([
        resultOf<number | undefined>(counters.get(LAST_VERSION)),
        holds(rows, checks),
      ])
      if (!held) return false
      const version = last + 1
      for (const { key, value } of mutations) {
        if (value) rows.put({ value: copyBytes(value), version } satisfies StoredRow, ownBytes(key))
        else rows.delete(ownBytes(key))
      }
      counters.put(version, LAST_VERSION)
      return String(version)
    })
  }
}

async function holds(rows: IDBObjectStore, checks: readonly Check[]): Promise<boolean> {
  const found = await Promise.all(checks.map(({ key }) => resultOf<StoredRow | undefined>(rows.get(ownBytes(key)))))
  return checks.every(({ version }, index) => {
    const row = found[index]
    return version === (row && String(row.version))
  })
}

/** The keys that begin with `prefix` and come after `after`; undefined if there can be none. */
function rangeOf(prefix: Uint8Array, after: Uint8Array | undefined): IDBKeyRange | undefined {
  const past = after !== undefined && compareBytes(after, prefix) >= 0
  const start = ownBytes(past ? after : prefix)
  const end = endOfPrefix(prefix)
  if (!end) return IDBKeyRange.lowerBound(start, past)
  return compareBytes(start, end) < 0 ? IDBKeyRange.bound(start, end, past, true) : undefined
}
