import type { BackendCallOptions } from '../backend.ts'
import { formatStream, isUsable, type StreamRecord } from '../rows/row-values.ts'
import { parseDigestRow, parseStreamRow, type StoreContext } from '../store-context.ts'
import { unlessDamaged } from '../rows/unless-damaged.ts'
import type { RowBuffer } from '../transactions/row-buffer.ts'

/** A stream that the store has. */
export interface KnownStream {
  readonly id: Uint8Array
  readonly record: StreamRecord
}

/**
 * Finds a stored stream with this digest. Makes the commit of `rows` depend on the stream still being stored, or still
 * being absent. With that commit, a condemned stream becomes stored again.
 */
export async function findStored(
  { backend, keys }: StoreContext,
  rows: RowBuffer,
  digest: Uint8Array,
  options: BackendCallOptions,
): Promise<KnownStream | undefined> {
  const key = keys.digest(digest)
  const row = await backend.metadata.get(key, options)
  const id = row && unlessDamaged(() => parseDigestRow(digest, row.value))
  if (id) {
    const streamKey = keys.stream(id)
    const streamRow = await backend.metadata.get(streamKey, options)
    const record = streamRow && unlessDamaged(() => parseStreamRow(id, streamRow.value))
    if (record && isUsable(record.status)) {
      rows.expect(streamKey, streamRow)
      if (record.status.kind === 'condemned') {
        rows.write(streamKey, formatStream({ ...record, status: { kind: 'stored' } }))
      }
      return { id, record }
    }
  }
  rows.expect(key, row)
  return undefined
}
