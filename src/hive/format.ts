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
 * @throws {FormatError} if it is none.
 */
export function parseEntryRecord(row: Uint8Array): EntryRecord {
  if (row.byteLength < FIXED_BYTES) throw truncated(row)
  if (row[0] !== LAYOUT) throw unsupported('layout', row[0]!, 0)
  const flags = row[1]!
  if ((flags & ~HAS_SIGNATURE) !== 0) throw unsupported('flags', flags, 1)
  const signatureBytes = flags & HAS_SIGNATURE ? ID_BYTES : 0
  const typeOffset = FIXED_BYTES + signatureBytes + 1
  if (row.byteLength < typeOffset || row.byteLength !== typeOffset + row[typeOffset - 1]!) throw truncated(row)
  return {
    id: toHex(row.subarray(ID_OFFSET, DIGEST_OFFSET)),
    digest: row.slice(DIGEST_OFFSET, SIZE_OFFSET),
    size: readSafe(row, SIZE_OFFSET),
    modifiedMs: readSafe(row, MODIFIED_OFFSET),
    type: new TextDecoder().decode(row.subarray(typeOffset)),
    signatureId: signatureBytes > 0 ? toHex(row.subarray(FIXED_BYTES, typeOffset - 1)) : undefined,
  }
}

/** The strong validator of the bytes with this SHA-256, quotes included. */
export function etagOf(digest: Uint8Array): string {
  return `"${toBase64Url(digest)}"`
}

function readSafe(row: Uint8Array, offset: number): number {
  const value = readU64(row, offset)
  if (value === undefined) throw new FormatError('entry row: a number above 2^53 - 1', { reason: 'invalid', offset })
  return value
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
