import { persistently } from '../retry.ts'
import { formatStream } from '../rows/row-values.ts'
import type { StoreContext, VersionedStream } from '../store-context.ts'

/**
 * Marks a stream as damaged, so that the next writer of the same content replaces its blocks. A missing block shows
 * when its length is asked for; only the mark tells of a block that is wrong.
 *
 * @param row The stream's row, read after the damage was found. Its page set must be the one that was found damaged:
 * otherwise the stream was healed meanwhile.
 * @returns whether the stream is marked now; false if its row has changed since, so that it must be read again.
 * @throws what the backend fails with, which does not change the fact that the stream is damaged.
 */
export async function markDamaged(
  { backend, keys, host }: StoreContext,
  id: Uint8Array,
  { record, version }: VersionedStream,
  signal?: AbortSignal,
): Promise<boolean> {
  if (record.damaged) return true
  const key = keys.stream(id)
  const value = formatStream({ ...record, damaged: true })
  const mark = (): Promise<string | false> => backend.metadata.commit([{ key, version }], [{ key, value }], { signal })
  return (await persistently(host, mark, signal)) !== false
}
