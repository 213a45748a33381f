import { isTransient } from '../bytes/is-transient.ts'
import type { VersionRecord } from './cache-records.ts'
import type { HiveCache } from './hive-cache.ts'

/**
 * The etag that an entry has now, as far as the cache knows; undefined if it is gone. If the cache knows nothing of the entry,
 * the hive is asked; without a network, the etag is that of the version that was opened. With `trusts`, the hive is not asked
 * if it has named that version within the last second.
 */
export async function currentEtag(
  cache: HiveCache,
  alias: string,
  openedEtag: string,
  known: VersionRecord | undefined,
  trusts: boolean,
): Promise<string | undefined> {
  if (known) return (known.successor ?? known).etag
  if (trusts && cache.isConfirmed(alias, openedEtag)) return openedEtag
  try {
    return (await cache.stat(alias, {})).etag
  } catch (error) {
    if (isTransient(error)) return openedEtag
    throw error
  }
}
