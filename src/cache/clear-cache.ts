import { keysOf } from './cache-keys.ts'
import { parseBlock } from './cache-records.ts'
import { changeGeneration } from './change-generation.ts'
import { collectEvicted, noteClearing, readUsage } from './cache-usage.ts'
import { deleteRows, listRows, parseRecord } from './cache-store.ts'
import { MOST_REMOVED, removeBlocks, removeDamagedBlock } from './remove-blocks.ts'
import type { HiveCache } from './hive-cache.ts'

/** Removes all that a partition has in the cache, or everything, and gives the space back. */
export async function clearCache(
  { store, blocks }: HiveCache,
  partition: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted()
  await blocks.giveUp()
  await readUsage(store, blocks.host)
  // First: who is reading, in this tab or another one, keeps nothing from here on.
  await store.transaction((tx) => noteClearing(tx, blocks.host, partition), { signal })
  for (const kind of ['p', 'e', 'm', 't', ...(partition ? [] : (['c'] as const))] as const) {
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
      for (const { key, value } of some) if (!parseRecord(value, parseBlock)) await removeDamagedBlock(store, key)
      await store.transaction((tx) => removeBlocks(tx, some), { signal })
    }
  }
  await store.transaction((tx) => changeGeneration(tx, blocks.host), { signal })
  await collectEvicted(store, blocks.host, signal)
}
