import { ownBytes } from '../../bytes/byte-order.ts'
import type { ByteRange } from '../../bytes/byte-range.ts'
import { type ByteSource, type RangeSource, rangeSource } from '../../bytes/byte-source.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import type { BackendCallOptions } from '../backend.ts'
import { type BlockSource, openBlocks, readBlocks, type ReadableRecord } from './block-reader.ts'
import { preloadBlocks } from './preload-blocks.ts'
import type { StreamRecord } from '../rows/row-values.ts'
import { CODEC_NONE } from '../rows/row-values.ts'
import { PageMap } from './page-map.ts'
import { StreamPlace } from './stream-place.ts'
import type { StoreContext } from '../store-context.ts'

/**
 * Immutable bytes in a store: a {@linkcode ByteSource} of which any range can be read any number of times.
 *
 * Its streams are pulled: nothing is fetched before a reader asks, except the first blocks of a stream that is opened in
 * a transaction. As a reader continues, more and more blocks are fetched at a time, up to
 * `max(1, floor(inMemoryThreshold / blockSize))`. A chunk is a block, or the part of it that lies within the range;
 * while the readers of the store hold `readAheadBytes`, it is at most 32 KiB.
 *
 * The streams deliver exact bytes or fail: with `IntegrityError` (`streamId`, `blockIndex`) if a block is missing or does
 * not match its checksum, which is noted in the store; with `NotFoundError` if the stream was collected meanwhile, its grace
 * period has ended, and the store has its bytes nowhere else.
 */
export interface StoredStream extends StoredSlice {
  /** 32 hexadecimal digits; never reused. */
  readonly id: string
  /** SHA-256 of the bytes. */
  readonly digest: Uint8Array
}

/** Options of {@linkcode StoredSlice.blob}. */
export interface StoredBlobOptions extends BackendCallOptions {
  /**
   * Media type of the Blob.
   * @default ''
   */
  type?: string | undefined
}

/** A range of a stored stream. */
export interface StoredSlice extends ByteSource {
  /** The bytes from `start` up to but not including `end`, as a separate source, clamped as in `Blob.slice`. */
  slice(start?: number, end?: number): StoredSlice
  /** All bytes, as a new stream. `signal` ends it with the signal's reason. */
  stream(options?: BackendCallOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * Reads all bytes, and makes a Blob of them. Where the engine keeps it is its own choice: Node keeps it in memory,
   * browsers keep a large one on disk.
   */
  blob(options?: StoredBlobOptions): Promise<Blob>
}

/** Creates the source for a stream whose row has been read. `signal` ends all its streams. */
export function storedStream(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  signal?: AbortSignal,
): StoredStream {
  return sourceOf(context, readable(context, id, record), record.size, signal)
}

/**
 * Creates the same, and fetches the first blocks at once.
 *
 * @param attempt Ends the fetching and all streams of the source.
 * @param signal Ends the fetching.
 */
export async function preloadedStream(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  attempt: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<StoredStream> {
  const stream = readable(context, id, record)
  if (context.cache.get(stream.digest)) return sourceOf(context, stream, record.size, attempt)
  const place = new StreamPlace(context, id, stream.pages)
  const preloaded = await preloadBlocks(context, place, attempt, signal)
  return sourceOf(context, { ...stream, preloaded }, record.size, attempt)
}

function readable(context: StoreContext, id: Uint8Array, record: StreamRecord): ReadableRecord {
  return { id, digest: record.digest!, pages: new PageMap(context, id, record) }
}

function sourceOf(context: StoreContext, stream: ReadableRecord, size: number, signal?: AbortSignal): OpenableStream {
  const slice = rangeSource(size, (range, options: BackendCallOptions = {}) =>
    readBlocks(context, stream, range, [options.signal, signal]),
  )
  const stored: StoredStream = { id: toHex(stream.id), digest: stream.digest.slice(), ...withBlob(slice) }
  // A signal would have to be listened to.
  if (signal) return stored
  return {
    ...stored,
    [OPEN_BLOCKS]: (range) => openBlocks(context, stream, range, []),
    [ENGINE_BLOB]: context.backend.blocks.blob && (() => engineBlobOf(context, stream)),
  }
}

interface OpenableStream extends StoredStream {
  readonly [OPEN_BLOCKS]?: (range: ByteRange) => BlockSource
  readonly [ENGINE_BLOB]?: (() => Promise<Blob | undefined>) | undefined
}

/** Not a WeakMap, which would cost the engine's garbage collector more than all else that a small content needs. */
const OPEN_BLOCKS: unique symbol = Symbol('open blocks')
const ENGINE_BLOB: unique symbol = Symbol('engine blob')

/**
 * Opens a range of a stored stream for a hive, which makes a stream of its own: a stream around a stream would copy the
 * bytes once more.
 *
 * @throws {TypeError} if it is not a stream of a StreamStore, or was opened in a transaction.
 */
export function openStoredBlocks(stored: OpenableStream, range: ByteRange): BlockSource {
  const open = stored[OPEN_BLOCKS]
  if (!open) throw new TypeError('the stream is not one of a StreamStore')
  return open(range)
}

/**
 * A stored stream as a Blob of the engine's own storage, which nobody has read or checked here. Undefined if the engine has no
 * Blobs; the promise resolves with undefined if it does not have this stream as one, because it is compressed or damaged.
 */
export function engineBlob(stored: OpenableStream): Promise<Blob | undefined> | undefined {
  return stored[ENGINE_BLOB]?.()
}

async function engineBlobOf(
  { backend: { blocks }, keys }: StoreContext,
  { pages }: ReadableRecord,
): Promise<Blob | undefined> {
  if (pages.content) return new Blob([ownBytes(pages.content.bytes)])
  const parts: Blob[] = []
  for (let blockIndex = 0; blockIndex < pages.blockCount; blockIndex++) {
    const page = await pages.findPage(pages.pageOf(blockIndex))
    const entry = page && pages.entryIn(page, blockIndex)
    if (entry?.codec !== CODEC_NONE) return undefined
    const part = await blocks.blob!(keys.object(entry.object))
    if (part?.size !== entry.storedLength) return undefined
    parts.push(part)
  }
  return parts.length === 1 ? parts[0] : new Blob(parts)
}

function withBlob(source: RangeSource<BackendCallOptions>): StoredSlice {
  return {
    size: source.size,
    slice: (start, end) => withBlob(source.slice(start, end)),
    stream: (options) => source.stream(options),
    async blob({ type = '', signal } = {}) {
      const parts: Blob[] = []
      const chunks = new ChunkReader(source.stream({ signal }))
      for (let chunk = await chunks.read(); chunk; chunk = await chunks.read()) parts.push(new Blob([ownBytes(chunk)]))
      return new Blob(parts, { type })
    },
  }
}
