import type { Entry, EntryInfo, HiveCallOptions, OpenOptions } from '../hive/hive.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { BlockCache } from './block-cache.ts'
import type { SharedVersions } from './shared-version.ts'
import type { VersionRows } from './version-rows.ts'

/** What the parts of one cached hive share. */
export interface HiveCache {
  readonly store: StreamStore
  readonly blocks: BlockCache
  readonly rows: VersionRows
  readonly shared: SharedVersions
  /** Whether the entries of the remote hive have digests of their blocks. */
  readonly hasManifests: boolean
  readonly statistics: { networkBytes: number; cacheBytes: number }
  /** Opens an entry over the network. */
  open(alias: string, options: OpenOptions): Promise<Entry>
  /** Asks the remote hive for the version that an entry has now. */
  stat(alias: string, options: HiveCallOptions): Promise<EntryInfo>
}
