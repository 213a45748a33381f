import { equalBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions, VersionedValue } from '../backend.ts'
import { isUsable, type StreamRecord } from '../rows/row-values.ts'
import { unlessDamaged } from '../rows/unless-damaged.ts'
import { parseDigestRow, parseStreamRow, type StoreContext } from '../store-context.ts'

/** A stored stream that was found by its digest. */
export interface FoundStream {
  readonly id: Uint8Array
  /** Its row, as it was read. */
  readonly row: VersionedValue
  readonly record: StreamRecord
}

/** What the row of a digest says. */
export interface FoundDigest {
  /** The row of the digest; undefined if there is none. */
  readonly row: VersionedValue | undefined
  /** The stored stream that it names; undefined if there is none, or its row is damaged or has another digest. */
  readonly stream: FoundStream | undefined
}

/**
 * Looks for a stored stream with this digest, whether or not its blocks can be read.
 *
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote one of the rows.
 */
export async function findByDigest(
  { backend, keys }: StoreContext,
  digest: Uint8Array,
  options: BackendCallOptions,
): Promise<FoundDigest> {
  const row = await backend.metadata.get(keys.digest(digest), options)
  const id = row && unlessDamaged(() => parseDigestRow(digest, row.value))
  const streamRow = id && (await backend.metadata.get(keys.stream(id), options))
  const record = streamRow && unlessDamaged(() => parseStreamRow(id, streamRow.value))
  if (!record || !isUsable(record.status) || !equalBytes(record.digest!, digest)) return { row, stream: undefined }
  return { row, stream: { id, row: streamRow, record } }
}
