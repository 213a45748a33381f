import { toMapKey } from '../bytes/byte-text.ts'
import { BlockNames } from './block-names.ts'
import { type AliasKey, blockKey, keysOf } from './cache-keys.ts'
import { listRows } from './cache-store.ts'
import type { HiveCache } from './hive-cache.ts'

/** What the cache has of a version. */
export interface CachedRanges {
  /** Etag of the version, quotes included. */
  readonly etag: string
  /** Number of bytes of the version. */
  readonly size: number
  /** The ranges that are here, `[start, end)`, in order; between two of them, bytes are missing. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[]
  /** Number of bytes that are here. */
  readonly bytes: number
  /** Whether this version is pinned. */
  readonly pinned: boolean
}

/** Blocks that are looked up one by one; for more of them, all blocks of the partition are listed. */
const MOST_LOOKUPS = 64

/** Says which bytes of the version of an entry that was seen last are here. */
export async function findCached(
  cache: HiveCache,
  alias: AliasKey,
  signal: AbortSignal | undefined,
): Promise<CachedRanges | undefined> {
  signal?.throwIfAborted()
  const { store, rows, blocks } = cache
  const partition = await rows.partition
  const pin = await rows.get('p', alias)
  const seen = await rows.get('e', alias)
  if (!seen) return undefined
  const { etag, size } = seen
  const names = new BlockNames(store, { ...seen, partition, alias })
  const all = names.count > MOST_LOOKUPS ? await listBlocks(cache, partition, signal) : undefined
  const ranges: { start: number; end: number }[] = []
  let bytes = 0
  for (let index = 0; index < names.count; index++) {
    const name = await names.known(index)
    if (!name) continue
    const isHere = all
      ? all.has(toMapKey(blockKey(partition, name)))
      : await blocks.find(partition, name, names.rangeOf(index))
    if (!isHere) continue
    const { start, end } = names.rangeOf(index)
    bytes += end - start
    const last = ranges.at(-1)
    if (last?.end === start) last.end = end
    else ranges.push({ start, end })
  }
  const pinned = pin?.etag === etag
  return bytes > 0 || pinned ? { etag, size, ranges, bytes, pinned } : undefined
}

async function listBlocks(
  { store }: HiveCache,
  partition: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  for await (const rows of listRows(store, keysOf('b', partition), { signal })) {
    for (const { key } of rows) keys.add(toMapKey(key))
  }
  return keys
}
