import type { ObjectInfo } from '../backend.ts'
import { PAGE_ENTRIES } from '../rows/row-values.ts'
import { trashObjects } from '../rows/trash-objects.ts'
import type { ScrubRun } from './scrub-run.ts'

/** Moves objects that no row names to the trash, where a collection finds them and deletes them after the grace period. */
export async function trashOrphans(run: ScrubRun, orphans: readonly ObjectInfo[]): Promise<void> {
  const { context } = run
  for (let i = 0; i < orphans.length; i += PAGE_ENTRIES) {
    const some = orphans.slice(i, i + PAGE_ENTRIES)
    const row = trashObjects(
      context,
      some.map(({ name, size }) => ({ object: context.keys.objectId(name)!, size })),
    )
    // It only fails if an earlier try was applied: the key is new.
    await run.commit([{ key: row.key, version: undefined }], [row])
    run.movedOrphans(some)
  }
}
