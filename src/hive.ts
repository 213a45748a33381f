/**
 * Hives: namespaces of entries that are read progressively and updated atomically.
 *
 * @module
 */
export type { ByteSource } from './bytes/byte-source.ts'
export * from './errors.ts'
export type {
  Consistency,
  EntriesOptions,
  Entry,
  EntryChange,
  EntryInfo,
  EntryList,
  EntryManifest,
  EntryReader,
  EntryReaderOptions,
  EntrySink,
  EntryStreamOptions,
  Hive,
  HiveCallOptions,
  HiveChange,
  ListedEntry,
  ListOptions,
  ManifestOptions,
  MissedChanges,
  OpenOptions,
  PatchSinkOptions,
  ReadWholeOptions,
  RemoveOptions,
  SinkOptions,
  WatchOptions,
} from './hive/hive.ts'
export { type JoinOptions, type LinkOptions, LocalHive, type LocalHiveOptions } from './hive/local-hive.ts'
