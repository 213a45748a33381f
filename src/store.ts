/**
 * The stream store: large streams of bytes in blocks. The same bytes are stored once, and kept while something refers
 * to them.
 *
 * @module
 */
export type { ByteSource } from './bytes/byte-source.ts'
export type { StreamingHash } from './bytes/sha256.ts'
export * from './errors.ts'
export type {
  Backend,
  BackendCallOptions,
  BackendLimits,
  BlockHints,
  Blocks,
  Check,
  GetBlockOptions,
  ListBlocksOptions,
  ListRowsOptions,
  Metadata,
  Mutation,
  Notices,
  ObjectInfo,
  Row,
  VersionedValue,
} from './store/backend.ts'
export type { CodecName } from './store/codecs/block-codecs.ts'
export type { CollectGarbageOptions } from './store/collecting/collect-garbage.ts'
export type { FreedGarbage, GarbageReport, WaitingGarbage } from './store/collecting/collection.ts'
export type { CollectorOptions } from './store/collecting/start-collector.ts'
export type { BlockSink, BlockSinkOptions } from './store/writing/block-sink.ts'
export { type StoreBudget, type StoreHost, systemHost } from './store/host.ts'
export type { ReferenceOwner } from './store/rows/row-keys.ts'
export type { StoredBlobOptions, StoredSlice, StoredStream } from './store/reading/stored-stream.ts'
export type { ScrubOptions } from './store/scrubbing/scrub.ts'
export type { DamagedStream, ScrubReport, StreamReference } from './store/scrubbing/scrub-report.ts'
export type { WriteBackoff } from './store/writing/write-backoff.ts'
export { StreamStore, type StreamStoreOptions } from './store/stream-store.ts'
export type {
  ListSpaceOptions,
  ReferenceOptions,
  RowSpace,
  SpaceRow,
  Transaction,
  TransactionOptions,
} from './store/transactions/transaction.ts'
