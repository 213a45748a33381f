import { keysOf } from './cache-keys.ts'
import { changeGeneration } from './change-generation.ts'
import { deleteRows, listRows } from './cache-store.ts'
import { MOST_REMOVED, removeBlocks } from './remove-blocks.ts'
import type { HiveCache } from './hive-cache.ts'

/** Removes all that a partition has in the cache, or everything, and gives the space back. */
export async function clearCache(
  { store, blocks }: HiveCache,
  partition: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted()
  await blocks.giveUp()
  for (const kind of ['p', 'e', 'm', 't'] as const) {
    for await (const rows of listRows(store, keysOf(kind, partition), { signal })) {
      await deleteRows(
        store,
        rows.map(({ key }) => key),
        signal,
      )
    }
  }
  for await (const rows of listRows(store, keysOf('b', partition), { signal })) {
    for (let i = 0; i < rows.length; i += MOST_REMOVED) {
      const some = rows.slice(i, i + MOST_REMOVED)
      await store.transaction((tx) => removeBlocks(tx, some), { signal })
    }
  }
  await store.transaction((tx) => changeGeneration(tx, blocks.host), { signal })
  await store.collectGarbage({ graceMs: 0, signal })
}
