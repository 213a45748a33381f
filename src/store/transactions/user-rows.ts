import type { ReadonlyRowSpace } from './transaction.ts'

const ROWS = new WeakMap<object, ReadonlyRowSpace>()

/**
 * The rows `u/<key>` of a store, read outside of a transaction: the read begins in the call, and a single row needs no more.
 *
 * @throws {TypeError} if this is not a store.
 */
export function userRowsOf(store: object): ReadonlyRowSpace {
  const rows = ROWS.get(store)
  if (!rows) throw new TypeError('the rows are those of a StreamStore')
  return rows
}

/** Says which rows the user of a store has. */
export function setUserRowsOf(store: object, rows: ReadonlyRowSpace): void {
  ROWS.set(store, rows)
}
