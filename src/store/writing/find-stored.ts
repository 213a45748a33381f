import { equalBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions } from '../backend.ts'
import { formatStream } from '../rows/row-values.ts'
import { findByDigest } from '../reading/find-by-digest.ts'
import type { StoreContext, VersionedStream } from '../store-context.ts'
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
  const { keys } = context
  const { row, stream } = await findByDigest(context, digest, options)
  if (!stream) {
    rows.expect(keys.digest(digest), row)
    return undefined
  }
  const { id, record } = stream
  const { version } = stream.row
  const key = keys.stream(id)
  rows.expect(key, stream.row)
  if (record.status.kind === 'condemned') rows.write(key, formatStream({ ...record, status: { kind: 'stored' } }))
  // After its row was read: who finds damage later changes the row, and the commit fails.
  const isAsBefore = last !== undefined && last.version === version && equalBytes(last.id, id)
  const whole = isAsBefore ? last.whole : await looksWhole(context, id, record, options)
  return { id, record, version, whole }
}
