import type { ReadonlyRowSpace, RowSpace } from './transaction.ts'

const OUTSIDE = new WeakMap<object, ReadonlyRowSpace>()
const WITHIN = new WeakMap<object, RowSpace>()

/**
 * The rows `a/<alias>` of a store, read outside of a transaction. They belong to the hive in the store, so they are not
 * part of the store's public interface.
 *
 * @throws {TypeError} if this is not a store.
 */
export function aliasRowsOf(store: object): ReadonlyRowSpace {
  const rows = OUTSIDE.get(store)
  if (!rows) throw new TypeError('the alias rows are those of a StreamStore')
  return rows
}

/**
 * The rows `a/<alias>` within a transaction of a store.
 *
 * @throws {TypeError} if this is not the transaction of a store.
 */
export function aliasRowsIn(tx: object): RowSpace {
  const rows = WITHIN.get(tx)
  if (!rows) throw new TypeError('the alias rows are those of a transaction of a StreamStore')
  return rows
}

/** Says which alias rows a store has. */
export function setAliasRowsOf(store: object, rows: ReadonlyRowSpace): void {
  OUTSIDE.set(store, rows)
}

/** Says which alias rows a transaction has. */
export function setAliasRowsIn(tx: object, rows: RowSpace): void {
  WITHIN.set(tx, rows)
}
