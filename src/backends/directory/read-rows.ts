import { endOfPrefix, ownBytes } from '../../bytes/byte-order.ts'
import type { ListRowsOptions, Row, VersionedValue } from '../../store/backend.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** Reads a row. */
export function readRow({ get }: SqliteConnection, key: Uint8Array): VersionedValue | undefined {
  const row = get.get(key)
  return row && { value: bytesOf(row['value']), version: String(row['version']) }
}

/** Reads rows in the order of their keys. */
export function listRows(connection: SqliteConnection, { prefix, after, limit }: ListRowsOptions): Row[] {
  const end = endOfPrefix(prefix)
  const from = [orNothing(prefix), orNothing(after)] as const
  const rows = end ? connection.list.all(...from, end, limit) : connection.listToEnd.all(...from, limit)
  return rows.map((row) => ({
    key: bytesOf(row['key']),
    value: bytesOf(row['value']),
    version: String(row['version']),
  }))
}

/** A value that is less than every key, for an absent bound: an empty array would be NULL. */
function orNothing(key: Uint8Array | undefined): Uint8Array | number {
  return key && key.byteLength > 0 ? key : 0
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return ownBytes((value as Uint8Array | null) ?? new Uint8Array(0))
}
