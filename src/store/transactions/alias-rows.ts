import type { StoredStream } from '../reading/stored-stream.ts'
import type { ReadonlyRowSpace, ReferenceOptions, RowSpace } from './transaction.ts'

/** What a stored stream is. */
export type StreamFacts = Pick<StoredStream, 'id' | 'digest' | 'size'>

const OUTSIDE = new WeakMap<object, ReadonlyRowSpace>()

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
  if (!AliasTransaction.has(tx)) throw new TypeError('the alias rows are those of a transaction of a StreamStore')
  return AliasTransaction.rowsIn(tx)
}

/**
 * Reads the row of a reference in a transaction of a store, so that removing it need not wait for the engine.
 *
 * @throws {TypeError} if this is not the transaction of a store.
 */
export function readReferenceIn(
  tx: object,
  id: string,
  reference: Uint8Array,
  options: Pick<ReferenceOptions, 'owner'>,
): Promise<void> {
  if (!AliasTransaction.has(tx)) throw new TypeError('references are read in a transaction of a StreamStore')
  return tx.readReference(id, reference, options)
}

/**
 * Reads what a stored stream is in a transaction of a store, but none of its blocks, which are not read through a
 * transaction that the caller has open.
 *
 * @throws {TypeError} if this is not the transaction of a store.
 * @throws {NotFoundError} if there is no such stream.
 */
export function describeStreamIn(tx: object, id: string): Promise<StreamFacts> {
  if (!AliasTransaction.has(tx)) throw new TypeError('streams are described in a transaction of a StreamStore')
  return tx.describeStream(id)
}

/** Says which alias rows a store has. */
export function setAliasRowsOf(store: object, rows: ReadonlyRowSpace): void {
  OUTSIDE.set(store, rows)
}

/**
 * A transaction with alias rows. They are a private field, because an entry in a WeakMap for every transaction would cost
 * the engine's garbage collector more than all else that a small content needs.
 */
export abstract class AliasTransaction {
  readonly #makeRows: () => RowSpace
  #rows: RowSpace | undefined

  /** `makeRows` is called when the rows are first asked for. */
  constructor(makeRows: () => RowSpace) {
    this.#makeRows = makeRows
  }

  /** Reads the row of a reference. */
  abstract readReference(id: string, reference: Uint8Array, options: Pick<ReferenceOptions, 'owner'>): Promise<void>

  /** Reads what a stored stream is. */
  abstract describeStream(id: string): Promise<StreamFacts>

  /** Whether this is such a transaction. */
  static has(value: object): value is AliasTransaction {
    return #makeRows in value
  }

  /** The alias rows of a transaction. */
  static rowsIn(tx: AliasTransaction): RowSpace {
    tx.#rows ??= tx.#makeRows()
    return tx.#rows
  }
}
