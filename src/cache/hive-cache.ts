import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type { Entry, EntryInfo, OpenOptions } from '../hive/hive.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { BlockCache } from './block-cache.ts'
import type { AliasKey } from './cache-keys.ts'
import type { VersionRecord } from './cache-records.ts'
import type { RecentNames } from './recent-names.ts'
import type { SharedVersions } from './shared-version.ts'
import type { VersionRows } from './version-rows.ts'

/** What the calls share that are pinning an entry. */
export interface Pinning {
  count: number
  /** The version that is pinned if all that still go on fail. */
  former: Promise<VersionRecord | undefined>
}

/** What the parts of one cached hive share. */
export interface HiveCache {
  readonly store: StreamStore
  readonly blocks: BlockCache
  readonly rows: VersionRows
  readonly shared: SharedVersions
  readonly recentNames: RecentNames
  /** End the fetching of blocks whose readers have left when less than half had arrived; the oldest comes first. */
  readonly abandoned: Set<() => void>
  /** The entries that are being pinned, by alias. */
  readonly pinning: Map<string, Pinning>
  /** Whether the entries of the remote hive have digests of their blocks. */
  readonly hasManifests: boolean
  readonly statistics: { networkBytes: number; cacheBytes: number }
  /** Opens an entry over the network. */
  open(alias: string, options: OpenOptions): Promise<Entry>
  /** Asks the remote hive for the version that an entry has now. */
  stat(alias: string, options: HiveCallOptions): Promise<EntryInfo>
  /** Notes that a reader has found this version of an entry in the remote hive, or none. */
  learn(alias: AliasKey, etag: string | undefined): Promise<void>
  /** Whether the remote hive has named this version as the current one within the last second. */
  isConfirmed(alias: string, etag: string): boolean
}
