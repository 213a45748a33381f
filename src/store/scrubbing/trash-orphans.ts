import type { ObjectInfo } from '../backend.ts'
import {
  type BlockEntry,
  CODEC_NONE,
  formatPage,
  formatTrash,
  MAX_BLOCK_BYTES,
  PAGE_ENTRIES,
} from '../rows/row-values.ts'
import { randomId } from '../store-context.ts'
import type { ScrubRun } from './scrub-run.ts'

const MAX_U32 = 0xffff_ffff
const NO_CHECKSUM = new Uint8Array(8)

/**
 * Moves objects that no row names to the trash, where a collection finds them and deletes them after the grace period.
 * They are named by pages of new page sets, which no stream names.
 */
export async function trashOrphans(run: ScrubRun, orphans: readonly ObjectInfo[]): Promise<void> {
  const { context } = run
  for (let i = 0; i < orphans.length; i += PAGE_ENTRIES) {
    const some = orphans.slice(i, i + PAGE_ENTRIES)
    const page = formatPage({ byteOffset: 0, entries: some.map((object) => entryOf(run, object)) })
    const key = context.keys.trash(randomId(context), 0)
    // It only fails if an earlier try was applied: the id is new.
    await run.commit([{ key, version: undefined }], [{ key, value: formatTrash(context.host.now(), page) }])
    run.movedOrphans(some)
  }
}

/** An entry with what collection needs: the name, and the length for its report. */
function entryOf({ context }: ScrubRun, { name, size }: ObjectInfo): BlockEntry {
  return {
    object: context.keys.objectId(name)!,
    rawLength: Math.min(Math.max(size, 1), MAX_BLOCK_BYTES),
    storedLength: Math.min(size, MAX_U32),
    codec: CODEC_NONE,
    checksum: NO_CHECKSUM,
  }
}
