import { compareBytes } from '../bytes/byte-order.ts'
import type { EntryList, ListedEntry, ListOptions } from '../hive/hive.ts'
import { orderedPart } from './cache-keys.ts'
import type { VersionRecord } from './cache-records.ts'
import type { HiveCache } from './hive-cache.ts'

/** Lists the entries of which the cache has something, as a hive does. */
export async function listCached(
  cache: HiveCache,
  { prefix, after, limit }: { prefix: string; after: string | undefined; limit: number } & ListOptions,
): Promise<EntryList> {
  const encoder = new TextEncoder()
  const order = (a: string, b: string): number => compareBytes(encoder.encode(a), encoder.encode(b))
  let found: VersionRecord[] = []
  for await (const versions of cache.rows.list(prefix, after)) {
    for (const version of versions) {
      const { alias, successor } = version
      const isGone = successor && successor.etag === undefined
      if (isGone || !alias.startsWith(prefix) || (after !== undefined && order(alias, after) <= 0)) continue
      found.push(version)
    }
    const last = versions.at(-1)?.alias
    const bound = found[limit]?.alias
    // Of aliases that share their first 900 bytes, the rows are not in order.
    if (last && bound && compareBytes(orderedPart(bound), orderedPart(last)) < 0) break
  }
  found = found.toSorted((a, b) => order(a.alias, b.alias))
  const entries = found.slice(0, limit).map(({ alias, size, etag, type, modifiedMs }): ListedEntry => ({
    alias,
    size,
    etag,
    type,
    modified: new Date(modifiedMs),
  }))
  return found.length > limit ? { entries, next: entries.at(-1)!.alias } : { entries }
}
