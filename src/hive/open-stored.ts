import { equalBytes } from '../bytes/byte-order.ts'
import { IntegrityError } from '../errors.ts'
import type { StoredStream } from '../store/reading/stored-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { EntryRecord } from './entry-record.ts'

/**
 * Opens the stored stream that the row of an alias names.
 *
 * @throws {NotFoundError} if the stream is not there.
 * @throws {IntegrityError} if the stream does not have the bytes that the row describes: one of the two is damaged.
 */
export async function openStored(
  store: StreamStore,
  alias: string,
  { id, size, digest }: EntryRecord,
  signal: AbortSignal,
): Promise<StoredStream> {
  const stored = await store.open(id, { signal })
  if (stored.size === size && equalBytes(stored.digest, digest)) return stored
  throw new IntegrityError(
    `the entry ${alias} is damaged: its row does not describe the bytes of the stored stream ${id}`,
    {
      alias,
      streamId: id,
    },
  )
}
