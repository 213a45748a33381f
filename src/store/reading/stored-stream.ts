import { type ByteSource, rangeSource } from '../../bytes/byte-source.ts'
import { toHex } from '../../bytes/byte-text.ts'
import type { BackendCallOptions } from '../backend.ts'
import { readBlocks, type ReadableRecord } from './block-reader.ts'
import type { StreamRecord } from '../rows/row-values.ts'
import { PageMap } from './page-map.ts'
import type { StoreContext } from '../store-context.ts'

/**
 * Immutable bytes in a store: a {@linkcode ByteSource} of which any range can be read any number of times.
 *
 * Its streams are pulled: nothing is fetched before a reader asks. Then at most
 * `max(1, floor(inMemoryThreshold / blockSize))` blocks are fetched ahead. A chunk is a block, or the part of it that
 * lies within the range. The streams deliver exact bytes or fail: with `IntegrityError` (`streamId`, `blockIndex`) if a
 * block is missing or does not match its checksum; with `NotFoundError` if the stream was collected meanwhile, its grace
 * period has ended, and the store has its bytes nowhere else.
 */
export interface StoredStream extends ByteSource {
  /** 32 hexadecimal digits; never reused. */
  readonly id: string
  /** SHA-256 of the bytes. */
  readonly digest: Uint8Array
  /** The bytes from `start` up to but not including `end`, as a separate source, clamped as in `Blob.slice`. */
  slice(start?: number, end?: number): StoredSlice
  /** All bytes, as a new stream. `signal` ends it with the signal's reason. */
  stream(options?: BackendCallOptions): ReadableStream<Uint8Array<ArrayBuffer>>
}

/** A range of a stored stream. */
export interface StoredSlice extends ByteSource {
  /** The bytes from `start` up to but not including `end`, as a separate source, clamped as in `Blob.slice`. */
  slice(start?: number, end?: number): StoredSlice
  /** All bytes, as a new stream. `signal` ends it with the signal's reason. */
  stream(options?: BackendCallOptions): ReadableStream<Uint8Array<ArrayBuffer>>
}

/** Creates the source for a stream whose row has been read. `signal` ends all its streams. */
export function storedStream(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  signal?: AbortSignal,
): StoredStream {
  const streamId = toHex(id)
  const digest = record.digest!
  const stream: ReadableRecord = { id, digest, pages: new PageMap(context, id, record) }
  const slice = rangeSource(record.size, (range, options: BackendCallOptions = {}) =>
    readBlocks(context, stream, range, [options.signal, signal]),
  )
  return { id: streamId, digest: digest.slice(), ...slice }
}
