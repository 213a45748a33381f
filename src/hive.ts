/**
 * Hives: namespaces of entries that are read progressively and updated atomically.
 *
 * @module
 */
export type { ByteSource } from './bytes/byte-source.ts'
export * from './errors.ts'
export type { EntryManifest, ManifestOptions } from './hive/entry-manifest.ts'
export type { HiveCallOptions } from './hive/hive-call-options.ts'
export type {
  Consistency,
  EntriesOptions,
  Entry,
  EntryInfo,
  EntryList,
  EntryReader,
  EntryReaderOptions,
  EntrySink,
  EntryStreamOptions,
  Hive,
  ListedEntry,
  ListOptions,
  OpenOptions,
  PatchSinkOptions,
  ReadWholeOptions,
  RemoveOptions,
  RenameOptions,
  SinkOptions,
  WatchOptions,
} from './hive/hive.ts'
export type { EntryChange, HiveChange, MissedChanges } from './hive/hive-change.ts'
export { type JoinOptions, type LinkOptions, LocalHive, type LocalHiveOptions } from './hive/local-hive.ts'
