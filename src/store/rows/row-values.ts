/**
 * The values of the stream store's rows, byte by byte. Grammar: `docs/formats.md`, "The stream store"; the keys are in
 * `row-keys.ts`. Integers are unsigned and big-endian, times are milliseconds since 1970. Every value begins with the
 * number of its layout, so that a later version can change one kind of row without touching the others.
 *
 * Parsers are total: for any bytes, the result is a value or a FormatError.
 *
 * @module
 */
import { readExtensions, writeExtensions } from '../../bytes/record-extensions.ts'
import { RecordReader } from '../../bytes/record-reader.ts'
import { RecordWriter } from '../../bytes/record-writer.ts'
import { SHA256_BYTES } from '../../bytes/sha256.ts'

/** Version of the whole store, in the row `v`. */
const STORE_VERSION = 1
/** Bytes of the id of a stream or object. */
export const ID_BYTES = 16
/** Bytes of an xxh64. */
const CHECKSUM_BYTES = 8
/** Bytes of the random value that distinguishes the writers of a stream. */
export const EPOCH_BYTES = 8
/** Block entries of one page row: 512 entries of at most 65 bytes stay below 60 KB. */
export const PAGE_ENTRIES = 512
/** Longest content, in bytes, that is kept in the row of its stream. */
export const MAX_CONTENT_BYTES: number = 16 * 1024
/** Largest block, in bytes. */
export const MAX_BLOCK_BYTES: number = 64 * 1024 * 1024
/** Longest reference, in bytes, that is part of its key; a longer one is keyed by its SHA-256. */
export const INLINE_REFERENCE_BYTES = 1024
/** Longest reference, in bytes. */
export const MAX_REFERENCE_BYTES: number = 32 * 1024

const LAYOUT = 1

/** Codec of an object whose bytes are those of the block. */
export const CODEC_NONE = 0
/** Codec of an object that is a frame of LZ4. */
export const CODEC_LZ4 = 1
/** Codec of an object in the zlib format. */
export const CODEC_DEFLATE = 2

/** Bits of the row `v`, each for something that a reader must know. */
export const FEATURES = {
  /** Some blocks may be compressed: codecs 1 and 2. */
  compression: 1,
} as const

const KNOWN_FEATURES: number = FEATURES.compression

const CHUNKING_FIXED = 1

/**
 * Where a stream is in its life. A `condemned` stream keeps its former status, which it gets back if it is marked as
 * used. A `deleting` stream never comes back; the status says why.
 */
export type StreamStatus =
  | { readonly kind: 'storing' }
  | { readonly kind: 'stored' }
  | { readonly kind: 'condemned'; readonly former: 'storing' | 'stored' }
  | { readonly kind: 'deleting'; readonly reason: 'collected' | 'aborted' }
  | { readonly kind: 'deleting'; readonly reason: 'duplicate'; readonly survivor: Uint8Array }

/** Row `s`: a stream. */
export interface StreamRecord {
  readonly status: StreamStatus
  /** Random value of the writer that stores it; a writer that takes over an upload sets another one. */
  readonly epoch: Uint8Array
  /** When storing began. */
  readonly createdAt: number
  /** Time until which collection spares the stream even if it has no reference. */
  readonly leaseUntil: number
  /** Bytes in the blocks that its pages name: all bytes, once it is stored. */
  readonly size: number
  /** Blocks that its pages name. */
  readonly blockCount: number
  /** Bytes of every block but the last. */
  readonly blockSize: number
  /** Codec that its writer was told to use; each block states its own. */
  readonly codec: number
  /** SHA-256 of the bytes; every stored stream has one. */
  readonly digest: Uint8Array | undefined
  /** Id of the page set that names its blocks; undefined if that is its own id. */
  readonly pageSet?: Uint8Array | undefined
  /** Set when a block was found missing or wrong. The next writer of the same content replaces the page set. */
  readonly damaged?: true | undefined
  /** All bytes of a short stream, which has no blocks. */
  readonly content?: Uint8Array | undefined
  /** Fields that this version of the package does not know; they are kept when the row is rewritten. */
  readonly extensions: Uint8Array
}

/** Row `m`, one entry: where a block is. */
export interface BlockEntry {
  /** Id of the object. */
  readonly object: Uint8Array
  /** Bytes of the block. */
  readonly rawLength: number
  /** Bytes of the object. */
  readonly storedLength: number
  readonly codec: number
  /** The xxh64 of the object. */
  readonly checksum: Uint8Array
  /** SHA-256 of the block, in pages that state it. */
  readonly digest?: Uint8Array | undefined
}

/** Row `m`: the blocks of one page. */
export interface PageRecord {
  /** Offset in the stream of the first block's first byte. */
  readonly byteOffset: number
  readonly entries: readonly BlockEntry[]
}

/** Row `r`: a reference. */
export interface ReferenceRecord {
  /** When it was set. */
  readonly at: number
  /** When it stops keeping the stream alive; undefined means never. */
  readonly expiresAt: number | undefined
  /** The reference itself, if the key has only its hash. */
  readonly reference: Uint8Array | undefined
  /**
   * Id of the stream whose last commit set it: the stream that was being stored, which may not be the one kept alive.
   */
  readonly by: Uint8Array | undefined
}

/** Whether a stream can be read and referenced: stored, or condemned after it was. */
export function isUsable(status: StreamStatus): boolean {
  return status.kind === 'stored' || (status.kind === 'condemned' && status.former === 'stored')
}

/** Row `v`: version u8, bits of features that a reader must know u32. */
export function formatVersion(features: number): Uint8Array<ArrayBuffer> {
  return new RecordWriter(5).u8(STORE_VERSION).u32(features).finish()
}

/** Parses the row `v`, and returns the features; those that are not known are refused as `unsupported`. */
export function parseVersion(bytes: Uint8Array): number {
  const reader = new RecordReader('store version', bytes)
  const version = reader.u8()
  if (version !== STORE_VERSION) throw reader.unsupported(`version ${version}, this package knows ${STORE_VERSION}`, 1)
  const features = reader.u32()
  if ((features & ~KNOWN_FEATURES) !== 0) throw reader.unsupported(`features ${features.toString(16)}`, 4)
  reader.end()
  return features
}

const STATUS = { storing: 1, stored: 2, condemned: 3, deleting: 4 } as const
const DELETING = { collected: 1, aborted: 2, duplicate: 3 } as const
const STREAM_HAS_DIGEST = 1
/** Extensions of the row `s`. */
const DAMAGED_TAG = 1
const PAGE_SET_TAG = 128
const CONTENT_TAG = 130
const NO_BYTES = new Uint8Array(0)

/**
 * Row `s`: layout u8, status u8, detail u8 (condemned: the former status; deleting: the reason; else 0), flags u8
 * (1: digest), codec u8, chunking u8, block size u32, epoch 8 bytes, created u64, lease u64, size u64, block count u32,
 * [digest 32 bytes], [survivor's id 16 bytes if deleting as a duplicate], extensions (1: damage mark, no bytes; 128: page set 16 bytes).
 */
export function formatStream(record: StreamRecord): Uint8Array<ArrayBuffer> {
  const { status } = record
  const writer = new RecordWriter(128 + (record.content?.byteLength ?? 0))
    .u8(LAYOUT)
    .u8(STATUS[status.kind])
    .u8(status.kind === 'condemned' ? STATUS[status.former] : status.kind === 'deleting' ? DELETING[status.reason] : 0)
    .u8(record.digest ? STREAM_HAS_DIGEST : 0)
    .u8(record.codec)
    .u8(CHUNKING_FIXED)
    .u32(record.blockSize)
    .bytes(record.epoch)
    .u64(record.createdAt)
    .u64(record.leaseUntil)
    .u64(record.size)
    // Of a content, as many as it would have: 0.1.0 looks at this first, and at extensions that it does not know later.
    .u32(record.content ? Math.ceil(record.size / record.blockSize) : record.blockCount)
  if (record.digest) writer.bytes(record.digest)
  if (status.kind === 'deleting' && status.reason === 'duplicate') writer.bytes(status.survivor)
  return writeExtensions(writer, record.extensions, [
    [DAMAGED_TAG, record.damaged && NO_BYTES],
    [PAGE_SET_TAG, record.pageSet],
    [CONTENT_TAG, record.content],
  ]).finish()
}

/** Parses the row `s`. */
export function parseStream(bytes: Uint8Array): StreamRecord {
  const reader = new RecordReader('stream', bytes)
  reader.layout(LAYOUT)
  const kind = reader.u8()
  const detail = reader.u8()
  const flags = reader.u8()
  if (flags > STREAM_HAS_DIGEST) throw reader.unsupported(`flags ${flags}`, 1)
  const codec = reader.u8()
  const chunking = reader.u8()
  if (chunking !== CHUNKING_FIXED) throw reader.unsupported(`chunking ${chunking}`, 1)
  const blockSize = reader.u32()
  if (blockSize < 1 || blockSize > MAX_BLOCK_BYTES) throw reader.invalid(`block size ${blockSize}`, 4)
  const epoch = reader.bytes(EPOCH_BYTES)
  const createdAt = reader.u64()
  const leaseUntil = reader.u64()
  const size = reader.u64()
  const blockCount = reader.u32()
  if (blockCount !== Math.ceil(size / blockSize)) throw reader.invalid(`${blockCount} blocks of ${size} bytes`, 4)
  const digest = flags & STREAM_HAS_DIGEST ? reader.bytes(SHA256_BYTES) : undefined
  const status = parseStatus(reader, kind, detail)
  if (!digest && isUsable(status)) throw reader.invalid('a stored stream without a digest', 0)
  const { known, others } = readExtensions(reader, 'stream', [DAMAGED_TAG, PAGE_SET_TAG, CONTENT_TAG])
  reader.end()
  const content = known.get(CONTENT_TAG)
  if (content && (content.byteLength !== size || size < 1 || size > MAX_CONTENT_BYTES)) {
    throw reader.invalid(`${content.byteLength} bytes of content instead of ${size}`, 0)
  }
  const pageSet = known.get(PAGE_SET_TAG)
  if (pageSet && pageSet.byteLength !== ID_BYTES) throw reader.invalid(`a page set of ${pageSet.byteLength} bytes`, 0)
  const mark = known.get(DAMAGED_TAG)
  if (mark && mark.byteLength > 0) throw reader.invalid(`a damage mark of ${mark.byteLength} bytes`, 0)
  return {
    status,
    epoch,
    createdAt,
    leaseUntil,
    size,
    blockCount: content ? 0 : blockCount,
    blockSize,
    codec,
    digest,
    pageSet,
    damaged: mark && true,
    content,
    extensions: others,
  }
}

function parseStatus(reader: RecordReader, kind: number, detail: number): StreamStatus {
  const plain = detail === 0
  if (kind === STATUS.storing && plain) return { kind: 'storing' }
  if (kind === STATUS.stored && plain) return { kind: 'stored' }
  if (kind === STATUS.condemned && detail === STATUS.storing) return { kind: 'condemned', former: 'storing' }
  if (kind === STATUS.condemned && detail === STATUS.stored) return { kind: 'condemned', former: 'stored' }
  if (kind === STATUS.deleting && detail === DELETING.collected) return { kind: 'deleting', reason: 'collected' }
  if (kind === STATUS.deleting && detail === DELETING.aborted) return { kind: 'deleting', reason: 'aborted' }
  if (kind === STATUS.deleting && detail === DELETING.duplicate) {
    return { kind: 'deleting', reason: 'duplicate', survivor: reader.bytes(ID_BYTES) }
  }
  throw reader.unsupported(`status ${kind}/${detail}`, 0)
}

const PAGE_HAS_DIGESTS = 1

/**
 * Row `m`: layout u8, flags u8 (1: each entry ends with the block's SHA-256), count u16, byte offset u64, entries:
 * object id 16 bytes, raw length u32, stored length u32, codec u8, xxh64 of the object 8 bytes, [SHA-256 32 bytes].
 */
export function formatPage(page: PageRecord): Uint8Array<ArrayBuffer> {
  const digests = page.entries[0]?.digest !== undefined
  const writer = new RecordWriter(12 + page.entries.length * (digests ? 65 : 33))
    .u8(LAYOUT)
    .u8(digests ? PAGE_HAS_DIGESTS : 0)
    .u16(page.entries.length)
    .u64(page.byteOffset)
  for (const entry of page.entries) {
    writer.bytes(entry.object).u32(entry.rawLength).u32(entry.storedLength).u8(entry.codec).bytes(entry.checksum)
    if (digests) writer.bytes(entry.digest!)
  }
  return writer.finish()
}

/** Parses the row `m`. */
export function parsePage(bytes: Uint8Array): PageRecord {
  const reader = new RecordReader('page', bytes)
  reader.layout(LAYOUT)
  const flags = reader.u8()
  if (flags > PAGE_HAS_DIGESTS) throw reader.unsupported(`flags ${flags}`, 1)
  const count = reader.u16()
  if (count < 1 || count > PAGE_ENTRIES) throw reader.invalid(`${count} entries`, 2)
  const byteOffset = reader.u64()
  const entries: BlockEntry[] = []
  for (let i = 0; i < count; i++) {
    const object = reader.bytes(ID_BYTES)
    const rawLength = reader.u32()
    if (rawLength < 1 || rawLength > MAX_BLOCK_BYTES) throw reader.invalid(`a block of ${rawLength} bytes`, 4)
    const storedLength = reader.u32()
    const codec = reader.u8()
    const checksum = reader.bytes(CHECKSUM_BYTES)
    const digest = flags & PAGE_HAS_DIGESTS ? reader.bytes(SHA256_BYTES) : undefined
    entries.push({ object, rawLength, storedLength, codec, checksum, digest })
  }
  reader.end()
  return { byteOffset, entries }
}

/** Rows `h` and `i`: layout u8, id of the stream 16 bytes. */
export function formatStreamId(id: Uint8Array): Uint8Array<ArrayBuffer> {
  return new RecordWriter(17).u8(LAYOUT).bytes(id).finish()
}

/** Parses the rows `h` and `i`. */
export function parseStreamId(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new RecordReader('stream id', bytes)
  reader.layout(LAYOUT)
  const id = reader.bytes(ID_BYTES)
  reader.end()
  return id
}

const REFERENCE_EXPIRES = 1
const REFERENCE_IS_HASHED = 2
const REFERENCE_HAS_SETTER = 4

/**
 * Row `r`: layout u8, flags u8 (1: expires, 2: keyed by hash, 4: set by a last commit), set at u64, [expires at u64],
 * [length u16, reference], [id of the stream whose last commit it was 16 bytes].
 */
export function formatReference(record: ReferenceRecord): Uint8Array<ArrayBuffer> {
  const { expiresAt, reference, by } = record
  const flags =
    (expiresAt === undefined ? 0 : REFERENCE_EXPIRES) |
    (reference ? REFERENCE_IS_HASHED : 0) |
    (by ? REFERENCE_HAS_SETTER : 0)
  const writer = new RecordWriter(20 + (reference?.byteLength ?? 0)).u8(LAYOUT).u8(flags).u64(record.at)
  if (expiresAt !== undefined) writer.u64(expiresAt)
  if (reference) writer.u16(reference.byteLength).bytes(reference)
  if (by) writer.bytes(by)
  return writer.finish()
}

/** Parses the row `r`. */
export function parseReference(bytes: Uint8Array): ReferenceRecord {
  const reader = new RecordReader('reference', bytes)
  reader.layout(LAYOUT)
  const flags = reader.u8()
  if (flags > (REFERENCE_EXPIRES | REFERENCE_IS_HASHED | REFERENCE_HAS_SETTER))
    throw reader.unsupported(`flags ${flags}`, 1)
  const at = reader.u64()
  const expiresAt = flags & REFERENCE_EXPIRES ? reader.u64() : undefined
  const reference = flags & REFERENCE_IS_HASHED ? reader.bytes(reader.u16()) : undefined
  const by = flags & REFERENCE_HAS_SETTER ? reader.bytes(ID_BYTES) : undefined
  reader.end()
  return { at, expiresAt, reference, by }
}

/** Row `c`: layout u8, candidate since u64. */
export function formatCandidate(since: number): Uint8Array<ArrayBuffer> {
  return new RecordWriter(9).u8(LAYOUT).u64(since).finish()
}

/** Parses the row `c`. */
export function parseCandidate(bytes: Uint8Array): number {
  const reader = new RecordReader('candidate', bytes)
  reader.layout(LAYOUT)
  const since = reader.u64()
  reader.end()
  return since
}

/** Row `t`: a page that readers who run on may still need. */
export interface TrashRecord {
  /** When the page was moved here. */
  readonly since: number
  /** The page. */
  readonly page: PageRecord
}

/** Row `t`: layout u8, since u64, the value of the row `m` as it was. */
export function formatTrash(since: number, page: Uint8Array): Uint8Array<ArrayBuffer> {
  return new RecordWriter(9 + page.byteLength).u8(LAYOUT).u64(since).bytes(page).finish()
}

/** Parses the row `t`. */
export function parseTrash(bytes: Uint8Array): TrashRecord {
  const reader = new RecordReader('trash', bytes)
  reader.layout(LAYOUT)
  const since = reader.u64()
  return { since, page: parsePage(reader.bytes(reader.remaining)) }
}
