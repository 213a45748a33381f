/**
 * The value of an alias's row, `a/<alias>`: docs/formats.md, "Rows of a hive".
 *
 * ```text
 * u8 layout = 1 | u8 flags | 16 stream id | 32 SHA-256 | u64 size | u64 modified, ms since 1970
 *   [flags & 1: 16 stream id of the signature] | u8 length of type | type, ASCII | [flags & 2: extensions]
 * ```
 *
 * @module
 */
import { fromBase64, fromHex, toBase64Url, toHex } from '../bytes/byte-text.ts'
import { readExtensions, writeExtensions } from '../bytes/record-extensions.ts'
import { RecordReader } from '../bytes/record-reader.ts'
import { RecordWriter } from '../bytes/record-writer.ts'
import type { EntryInfo } from './hive.ts'

const LAYOUT = 1
const HAS_SIGNATURE = 1
const HAS_EXTENSIONS = 2
const ID_BYTES = 16
const DIGEST_BYTES = 32
/** Offsets of the ids in a row. */
const ID_OFFSET = 2
const SIGNATURE_OFFSET: number = ID_OFFSET + ID_BYTES + DIGEST_BYTES + 8 + 8

/** The latest time that a Date can have. */
const MAX_TIME_MS = 8.64e15

/** Stands for the etag of an entry whose row is damaged. */
export const DAMAGED_ETAG = '""'

/** Largest number of bytes of a media type. */
export const MAX_TYPE_BYTES = 255

/** The fields of an entry's row. */
export interface EntryRecord {
  /** Id of the stored stream that the alias points to. */
  readonly id: string
  /** SHA-256 of its bytes. */
  readonly digest: Uint8Array
  /** Number of its bytes. */
  readonly size: number
  /** When this version was committed, in milliseconds since 1970. */
  readonly modifiedMs: number
  /** Media type. */
  readonly type: string
  /** Id of the stored stream that is its signature, once that has been computed. */
  readonly signatureId: string | undefined
  /**
   * Fields that this version of the package does not know. They are kept when the row is rewritten, but not for a new
   * version of the entry.
   * @default none
   */
  readonly extensions?: Uint8Array | undefined
}

/** Writes the row of an entry. */
export function formatEntryRecord(record: EntryRecord): Uint8Array<ArrayBuffer> {
  const { signatureId, extensions } = record
  const type = new TextEncoder().encode(record.type)
  const writer = new RecordWriter(100 + type.byteLength)
    .u8(LAYOUT)
    .u8((signatureId === undefined ? 0 : HAS_SIGNATURE) | (extensions ? HAS_EXTENSIONS : 0))
    .bytes(fromHex(record.id)!)
    .bytes(record.digest)
    .u64(record.size)
    .u64(record.modifiedMs)
  if (signatureId !== undefined) writer.bytes(fromHex(signatureId)!)
  writer.u8(type.byteLength).bytes(type)
  return (extensions ? writeExtensions(writer, extensions) : writer).finish()
}

/**
 * Reads the row of an entry.
 *
 * @throws {FormatError} if it is not one; with `reason: 'unsupported'` if a later version may have written it.
 */
export function parseEntryRecord(row: Uint8Array): EntryRecord {
  const reader = new RecordReader('entry', row)
  // The fields that show a later version come first: its rows must not be taken for damaged ones.
  reader.layout(LAYOUT)
  const flags = reader.u8()
  if (flags > (HAS_SIGNATURE | HAS_EXTENSIONS)) throw reader.unsupported(`flags ${flags}`, 1)
  const id = toHex(reader.bytes(ID_BYTES))
  const digest = reader.bytes(DIGEST_BYTES)
  const size = reader.u64()
  const modifiedMs = reader.u64()
  if (modifiedMs > MAX_TIME_MS) throw reader.invalid(`a time above ${MAX_TIME_MS}`, 8)
  const signatureId = flags & HAS_SIGNATURE ? toHex(reader.bytes(ID_BYTES)) : undefined
  const typeBytes = reader.bytes(reader.u8())
  const type = new TextDecoder().decode(typeBytes)
  const record = { id, digest, size, modifiedMs, type, signatureId }
  const extensions = flags & HAS_EXTENSIONS ? readExtensions(reader, 'entry', []).others : undefined
  if (reader.remaining > 0) throw reader.unsupported(`${reader.remaining} bytes at the end`, 0)
  if (!/^[\x20-\x7e]+$/.test(type)) throw reader.invalid('a type that is not printable ASCII', 0)
  return extensions ? { ...record, extensions } : record
}

/** The streams that a damaged row keeps alive, as far as they can be read. */
export function streamsIn(row: Uint8Array): Pick<EntryRecord, 'signatureId'> & { readonly id: string | undefined } {
  const hasSignature = ((row[1] ?? 0) & HAS_SIGNATURE) !== 0
  return { id: idAt(row, ID_OFFSET), signatureId: hasSignature ? idAt(row, SIGNATURE_OFFSET) : undefined }
}

function idAt(row: Uint8Array, offset: number): string | undefined {
  return row.byteLength < offset + ID_BYTES ? undefined : toHex(row.subarray(offset, offset + ID_BYTES))
}

/** Describes an entry by its row. */
export function entryInfo(alias: string, { size, digest, type, modifiedMs }: EntryRecord): EntryInfo {
  return { alias, size, etag: etagOf(digest), type, modified: new Date(modifiedMs) }
}

/** The strong validator of the bytes with this SHA-256, quotes included. */
export function etagOf(digest: Uint8Array): string {
  return `"${toBase64Url(digest)}"`
}

/** The SHA-256 that a strong validator was made from; undefined if the validator is of another kind. */
export function digestInEtag(etag: string): Uint8Array<ArrayBuffer> | undefined {
  const digest = /^"([\w-]{43})"$/.exec(etag)?.[1]
  return digest === undefined ? undefined : fromBase64(digest)
}
