/**
 * The values of a cache's rows: docs/formats.md, "Rows of a cache". Integers are unsigned and big-endian.
 *
 * ```text
 * usage    u8 layout = 1 | u64 kept | u64 evicted | u64 collected | u64 clears | u64 clears of everything
 * version  u8 layout = 1 | u8 kind of block names (0 digests, 1 etag) | u32 block length | u64 size | u64 modified, ms
 *          | u16 length, alias | u16 length, etag | u16 length, type | u8 successor (0 none, 1 etag, 2 removed) [| u16 length, etag]
 * page     u8 layout = 1 | u64 bitmap, the first block in the highest bit | 32 SHA-256 for each bit that is set
 * block    u8 layout = 1 | 16 stream id | u32 length | u64 stored, ms | 16 owner | u32 index
 * use      u8 layout = 1 | u64 last use, ms
 * number   u8 layout = 1 | u64 generation of the pins, or clears when the partition was cleared last
 * ```
 *
 * @module
 */
import { fromHex, toHex } from '../bytes/byte-text.ts'
import { RecordReader } from '../bytes/record-reader.ts'
import { RecordWriter } from '../bytes/record-writer.ts'
import { PAGE_BLOCKS } from './cache-keys.ts'

const LAYOUT = 1
const ID_BYTES = 16
const OWNER_BYTES = 16
const DIGEST_BYTES = 32
const MAX_TIME_MS = 8.64e15
/** Longest etag and type of a version that is kept, in bytes. */
export const MAX_FIELD_BYTES = 1000

/** What has taken the place of a version: another etag, or nothing. */
export type Successor = { readonly etag: string | undefined }

/** A version of an entry. */
export interface VersionRecord {
  readonly alias: string
  readonly etag: string
  readonly size: number
  readonly type: string
  readonly modifiedMs: number
  /** Whether blocks are named by their digests, or by the etag of the version. */
  readonly names: 'digests' | 'etag'
  /** Bytes of each block but the last. */
  readonly blockLength: number
  /** Set once it is known that the hive has another version, or none. */
  readonly successor: Successor | undefined
}

/** What the cache occupies, and what was removed from it. Bytes include those that each block costs besides its own. */
export interface UsageRecord {
  /** Bytes of the blocks that have rows. */
  readonly kept: number
  /** Bytes of all blocks that were ever removed. It only grows. */
  readonly evicted: number
  /** How many of them no longer occupy the store: the value of `evicted` before the last collection. */
  readonly collected: number
  /** Number of the last clearing, of whatever partition. It only grows. */
  readonly clears: number
  /** Number of the last clearing of everything. */
  readonly allClears: number
}

/** A block that is stored. */
export interface BlockRecord {
  /** Id of the stored stream. */
  readonly id: string
  /** Number of bytes. */
  readonly length: number
  /** When it was stored, in milliseconds since 1970. */
  readonly storedMs: number
  /** `hash` of the alias that it was fetched for. */
  readonly owner: Uint8Array
  /** Index of the block in that entry. */
  readonly index: number
}

/** The digests of a page that are known, by their position in it. */
export type PageDigests = (Uint8Array | undefined)[]

/** Writes the row of the usage. */
export function formatUsage({ kept, evicted, collected, clears, allClears }: UsageRecord): Uint8Array {
  return new RecordWriter(41).u8(LAYOUT).u64(kept).u64(evicted).u64(collected).u64(clears).u64(allClears).finish()
}

/**
 * Reads the row of the usage.
 *
 * @throws {FormatError} if it is not one.
 */
export function parseUsage(row: Uint8Array): UsageRecord {
  const reader = new RecordReader('cache usage', row)
  reader.layout(LAYOUT)
  const [kept, evicted, collected] = [reader.u64(), reader.u64(), reader.u64()]
  if (collected > evicted) throw reader.invalid('more collected than evicted', 8)
  const [clears, allClears] = [reader.u64(), reader.u64()]
  if (allClears > clears) throw reader.invalid('a clearing after the last one', 8)
  reader.end()
  return { kept, evicted, collected, clears, allClears }
}

/** Writes a row that is a number: a time, a generation, or the number of a clearing. */
export function formatNumber(value: number): Uint8Array {
  return new RecordWriter(9).u8(LAYOUT).u64(value).finish()
}

/** Reads a row that is a number. */
export function parseNumber(row: Uint8Array): number {
  const reader = new RecordReader('cache number', row)
  reader.layout(LAYOUT)
  const value = reader.u64()
  reader.end()
  return value
}

/** Writes the row of a version. */
export function formatVersion(version: VersionRecord): Uint8Array {
  const { successor } = version
  const writer = new RecordWriter(200)
    .u8(LAYOUT)
    .u8(version.names === 'digests' ? 0 : 1)
    .u32(version.blockLength)
    .u64(version.size)
    .u64(version.modifiedMs)
  for (const text of [version.alias, version.etag, version.type]) writeText(writer, text)
  if (!successor) return writer.u8(0).finish()
  if (successor.etag === undefined) return writer.u8(2).finish()
  return writeText(writer.u8(1), successor.etag).finish()
}

/**
 * Reads the row of a version.
 *
 * @throws {FormatError} if it is not one.
 */
export function parseVersion(row: Uint8Array): VersionRecord {
  const reader = new RecordReader('cached version', row)
  reader.layout(LAYOUT)
  const kind = reader.u8()
  if (kind > 1) throw reader.unsupported(`block names of kind ${kind}`, 1)
  const blockLength = reader.u32()
  if (blockLength === 0) throw reader.invalid('blocks of 0 bytes', 4)
  const size = reader.u64()
  const modifiedMs = reader.u64()
  if (modifiedMs > MAX_TIME_MS) throw reader.invalid(`a time above ${MAX_TIME_MS}`, 8)
  const [alias, etag, type] = [readText(reader), readText(reader), readText(reader)]
  const successor = readSuccessor(reader)
  reader.end()
  return { alias, etag, size, type, modifiedMs, names: kind === 0 ? 'digests' : 'etag', blockLength, successor }
}

/** Writes a page of digests. */
export function formatPage(digests: PageDigests): Uint8Array {
  const known = digests.filter((digest) => digest !== undefined)
  const writer = new RecordWriter(9 + known.length * DIGEST_BYTES).u8(LAYOUT)
  for (const from of [0, 32]) {
    let bits = 0
    for (let i = from; i < from + 32; i++) bits = bits * 2 + (digests[i] ? 1 : 0)
    writer.u32(bits)
  }
  for (const digest of known) writer.bytes(digest)
  return writer.finish()
}

/** Reads a page of digests. */
export function parsePage(row: Uint8Array): PageDigests {
  const reader = new RecordReader('cached page', row)
  reader.layout(LAYOUT)
  const halves = [reader.u32(), reader.u32()]
  const digests: PageDigests = Array.from({ length: PAGE_BLOCKS })
  for (let i = 0; i < PAGE_BLOCKS; i++) {
    const bit = Math.floor(halves[i >> 5]! / 2 ** (31 - (i & 31))) % 2
    if (bit === 1) digests[i] = reader.bytes(DIGEST_BYTES)
  }
  reader.end()
  return digests
}

/** Writes the row of a block. */
export function formatBlock(block: BlockRecord): Uint8Array {
  return new RecordWriter(49)
    .u8(LAYOUT)
    .bytes(fromHex(block.id)!)
    .u32(block.length)
    .u64(block.storedMs)
    .bytes(block.owner)
    .u32(block.index)
    .finish()
}

/** Reads the row of a block. */
export function parseBlock(row: Uint8Array): BlockRecord {
  const reader = new RecordReader('cached block', row)
  reader.layout(LAYOUT)
  const block = {
    id: toHex(reader.bytes(ID_BYTES)),
    length: reader.u32(),
    storedMs: reader.u64(),
    owner: reader.bytes(OWNER_BYTES),
    index: reader.u32(),
  }
  reader.end()
  return block
}

function readSuccessor(reader: RecordReader): Successor | undefined {
  const kind = reader.u8()
  if (kind > 2) throw reader.unsupported(`a successor of kind ${kind}`, 1)
  if (kind === 0) return undefined
  return { etag: kind === 1 ? readText(reader) : undefined }
}

function writeText(writer: RecordWriter, text: string): RecordWriter {
  const bytes = new TextEncoder().encode(text)
  return writer.u16(bytes.byteLength).bytes(bytes)
}

function readText(reader: RecordReader): string {
  // A byte order mark at the beginning is part of an alias.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(reader.bytes(reader.u16()))
}
