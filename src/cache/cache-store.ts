import type { StreamStore } from '../store/stream-store.ts'
import type { SpaceRow } from '../store/transactions/transaction.ts'
import { userRowsOf } from '../store/transactions/user-rows.ts'

/** Rows that are listed at a time. */
const LIST = 1000

/** Reads a row of the store's user without depending on it. */
export function readRow(store: StreamStore, key: Uint8Array): Promise<Uint8Array | undefined> {
  return userRowsOf(store).get(key)
}

/** Reads a row of the cache, or what may be one; undefined if it is absent, damaged, or of a later version. */
export async function readRecord<T>(
  store: StreamStore,
  key: Uint8Array,
  parse: (row: Uint8Array) => T,
): Promise<T | undefined> {
  return parseRecord(await readRow(store, key), parse)
}

/** Parses a row; undefined if it is absent, damaged, or of a later version: what a cache does not know it fetches again. */
export function parseRecord<T>(row: Uint8Array | undefined, parse: (row: Uint8Array) => T): T | undefined {
  if (row === undefined) return undefined
  try {
    return parse(row)
  } catch (error) {
    if ((error as Error).name === 'FormatError') return undefined
    throw error
  }
}

/** All rows whose keys begin with `prefix`, in order, list by list. */
export async function* listRows(
  store: StreamStore,
  prefix: Uint8Array,
  { after, signal }: { after?: Uint8Array | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<SpaceRow[]> {
  for (let last = after; ;) {
    const from = last
    const rows = await store.transaction((tx) => tx.list({ prefix, after: from, limit: LIST }), { signal })
    if (rows.length > 0) yield rows
    if (rows.length < LIST) return
    last = rows.at(-1)!.key
  }
}

/** Deletes the rows with these keys. */
export async function deleteRows(store: StreamStore, keys: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
  const most = 100
  for (let i = 0; i < keys.length; i += most) {
    const some = keys.slice(i, i + most)
    await store.transaction(
      async (tx) => {
        for (const key of some) tx.delete(key)
      },
      { signal },
    )
  }
}
