import { equalBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions } from '../backend.ts'
import { formatStream, isUsable } from '../rows/row-values.ts'
import { parseDigestRow, parseStreamRow, type StoreContext, type VersionedStream } from '../store-context.ts'
import { unlessDamaged } from '../rows/unless-damaged.ts'
import { looksWhole } from '../reading/looks-whole.ts'
import type { RowBuffer } from '../transactions/row-buffer.ts'

/** A stream that the store has. */
export interface KnownStream extends VersionedStream {
  readonly id: Uint8Array
  /** Whether it looked whole when its row had this version. */
  readonly whole: boolean
}

/**
 * Finds a stored stream with this digest, and whether it looks whole. Makes the commit of `rows` depend on the stream
 * being as it was read, or still being absent. With that commit, a condemned stream becomes stored again.
 *
 * @param last What was found before: if the stream's row has not changed since, its objects are not asked again.
 */
export async function findStored(
  context: StoreContext,
  rows: RowBuffer,
  digest: Uint8Array,
  options: BackendCallOptions,
  last?: KnownStream,
): Promise<KnownStream | undefined> {
  const { backend, keys } = context
  const key = keys.digest(digest)
  const row = await backend.metadata.get(key, options)
  const id = row && unlessDamaged(() => parseDigestRow(digest, row.value))
  if (id) {
    const streamKey = keys.stream(id)
    const streamRow = await backend.metadata.get(streamKey, options)
    const record = streamRow && unlessDamaged(() => parseStreamRow(id, streamRow.value))
    if (record && isUsable(record.status) && equalBytes(record.digest!, digest)) {
      rows.expect(streamKey, streamRow)
      if (record.status.kind === 'condemned') {
        rows.write(streamKey, formatStream({ ...record, status: { kind: 'stored' } }))
      }
      const { version } = streamRow
      // After its row was read: who finds damage later changes the row, and the commit fails.
      const whole = last?.version === version ? last.whole : await looksWhole(context, id, record, options)
      return { id, record, version, whole }
    }
  }
  rows.expect(key, row)
  return undefined
}
