import type { ByteRange } from '../bytes/byte-range.ts'
import { markHandled } from '../bytes/promises.ts'
import type { Removals } from './blob-answers.ts'
import type { HiveCache } from './hive-cache.ts'

/**
 * Reads a range of a version as a Blob, if all of it is here.
 *
 * @param removals What had been removed from the cache when the reader opened the version.
 */
export async function readBlob(
  { blocks, rows, statistics }: HiveCache,
  key: string,
  removals: Removals,
  range: ByteRange,
): Promise<Blob | undefined> {
  const found = await blocks.answers.find(key, removals, range)
  if (!found) return undefined
  statistics.cacheBytes += found.blob.size
  const noteUses = async (): Promise<void> => {
    await blocks.uses.note(await rows.partition, found.blocks, removals.clears)
  }
  markHandled(blocks.attempt(noteUses))
  return found.blob
}
