/**
 * A block cache in front of a hive: what was read is kept, verified, shared by tabs and entries, and evicted by least use.
 *
 * @module
 */
export * from './errors.ts'
export { cachedHive } from './cache/cached-hive.ts'
export type {
  CachedEntry,
  CachedEntryInfo,
  CachedHive,
  CachedHiveOptions,
  CacheStatistics,
  CacheUsage,
  ClearOptions,
  OpenEntry,
  PinOptions,
} from './cache/cached-hive-types.ts'
export type { CachedRanges } from './cache/find-cached.ts'
export type { PinProgress } from './cache/pin-version.ts'
