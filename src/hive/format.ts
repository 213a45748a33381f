/**
 * The value of an alias's row, `a/<alias>`: docs/formats.md, "Rows of a hive".
 *
 * ```text
 * u8 layout = 1 | u8 flags | 16 stream id | 32 SHA-256 | u64 size | u64 modified, ms since 1970
 *   [flags & 1: 16 stream id of the signature] | u8 length of type | type, ASCII
 * ```
 *
 * @module
 */
import { concatBytes } from '../bytes/byte-order.ts'
import { fromHex, toBase64Url, toHex } from '../bytes/byte-text.ts'
import { readU64, writeU64 } from '../bytes/integers.ts'
import { FormatError } from '../errors.ts'

const LAYOUT = 1
const HAS_SIGNATURE = 1
const ID_BYTES = 16
const DIGEST_BYTES = 32
const ID_OFFSET = 2
const DIGEST_OFFSET = ID_OFFSET + ID_BYTES
const SIZE_OFFSET = DIGEST_OFFSET + DIGEST_BYTES
const MODIFIED_OFFSET = SIZE_OFFSET + 8
const FIXED_BYTES = MODIFIED_OFFSET + 8

/** The latest time that a Date can have. */
const MAX_TIME_MS = 8.64e15

/** What stands for the etag of an entry whose row is damaged. */
export const DAMAGED_ETAG = '""'

/** Largest number of bytes of a media type. */
export const MAX_TYPE_BYTES = 255

/** An entry as its row has it. */
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
  /** Id of the stored stream that is its signature, once one has been asked for. */
  readonly signatureId: string | undefined
}

/** The row of an entry. */
export function encodeEntryRecord(record: EntryRecord): Uint8Array<ArrayBuffer> {
  const fixed = new Uint8Array(FIXED_BYTES)
  fixed[0] = LAYOUT
  fixed[1] = record.signatureId === undefined ? 0 : HAS_SIGNATURE
  fixed.set(fromHex(record.id)!, ID_OFFSET)
  fixed.set(record.digest, DIGEST_OFFSET)
  writeU64(fixed, SIZE_OFFSET, record.size)
  writeU64(fixed, MODIFIED_OFFSET, record.modifiedMs)
  const type = new TextEncoder().encode(record.type)
  return concatBytes(fixed, fromHex(record.signatureId ?? '')!, Uint8Array.of(type.byteLength), type)
}

/**
 * Reads the row of an entry.
 *
 * @throws {FormatError} if it is not one; with `reason: 'unsupported'` if a later version may have written it.
 */
export function parseEntryRecord(row: Uint8Array): EntryRecord {
  if (row.byteLength < ID_OFFSET) throw truncated(row)
  // First what tells a row of a later version, which nobody may take for a damaged one of this.
  if (row[0] !== LAYOUT) throw unsupported('layout', row[0]!, 0)
  const flags = row[1]!
  if ((flags & ~HAS_SIGNATURE) !== 0) throw unsupported('flags', flags, 1)
  const typeOffset = FIXED_BYTES + (flags & HAS_SIGNATURE ? ID_BYTES : 0) + 1
  const end = typeOffset + (row[typeOffset - 1] ?? 0)
  if (row.byteLength < Math.max(typeOffset, end)) throw truncated(row)
  if (row.byteLength > end) throw unsupported('bytes at the end:', row.byteLength - end, end)
  const type = new TextDecoder().decode(row.subarray(typeOffset))
  if (!/^[\x20-\x7e]+$/.test(type)) throw invalid('a type that is not printable ASCII', typeOffset)
  return {
    ...streamsIn(row),
    id: toHex(row.subarray(ID_OFFSET, DIGEST_OFFSET)),
    digest: row.slice(DIGEST_OFFSET, SIZE_OFFSET),
    size: readUpTo(row, SIZE_OFFSET, Number.MAX_SAFE_INTEGER),
    modifiedMs: readUpTo(row, MODIFIED_OFFSET, MAX_TIME_MS),
    type,
  }
}

/** The streams that a row keeps alive, as far as they can be read from one that is damaged. */
export function streamsIn(row: Uint8Array): Pick<EntryRecord, 'signatureId'> & { readonly id: string | undefined } {
  const hasSignature = ((row[1] ?? 0) & HAS_SIGNATURE) !== 0
  return { id: idAt(row, ID_OFFSET), signatureId: hasSignature ? idAt(row, FIXED_BYTES) : undefined }
}

function idAt(row: Uint8Array, offset: number): string | undefined {
  return row.byteLength < offset + ID_BYTES ? undefined : toHex(row.subarray(offset, offset + ID_BYTES))
}

/** The strong validator of the bytes with this SHA-256, quotes included. */
export function etagOf(digest: Uint8Array): string {
  return `"${toBase64Url(digest)}"`
}

function readUpTo(row: Uint8Array, offset: number, limit: number): number {
  const value = readU64(row, offset)
  if (value === undefined || value > limit) throw invalid(`a number above ${limit}`, offset)
  return value
}

function invalid(what: string, offset: number): FormatError {
  return new FormatError(`entry row: ${what}`, { reason: 'invalid', offset })
}

function truncated(row: Uint8Array): FormatError {
  return new FormatError(`entry row: wrong length, ${row.byteLength} bytes`, {
    reason: 'truncated',
    offset: row.byteLength,
  })
}

function unsupported(field: string, value: number, offset: number): FormatError {
  return new FormatError(`entry row: unknown ${field} ${value}`, { reason: 'unsupported', offset })
}
