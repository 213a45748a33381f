import { concatBytes } from './byte-order.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordWriter } from './record-writer.ts'

/** A reader must know the extensions with this tag and higher ones. */
const FIRST_REQUIRED_TAG = 128

/**
 * The end of a record, where later versions can add fields: `byteLength:u16`, then `tag:u8 length:u16 bytes` for each
 * extension.
 */
export interface RecordExtensions {
  /** The extensions that the reader knows, by tag. */
  readonly known: ReadonlyMap<number, Uint8Array>
  /** The others, as they are in the record; they are kept when the record is rewritten. */
  readonly others: Uint8Array
}

/**
 * Reads the extensions at the end of a record.
 *
 * @param known Tags that the caller knows. Other tags from 128 on are refused as `unsupported`.
 */
export function readExtensions(reader: RecordReader, name: string, known: readonly number[]): RecordExtensions {
  const bytes = reader.bytes(reader.u16())
  const inner = new RecordReader(`${name} extension`, bytes)
  const found = new Map<number, Uint8Array>()
  const others: Uint8Array[] = []
  while (inner.remaining > 0) {
    const { offset } = inner
    const tag = inner.u8()
    if (tag >= FIRST_REQUIRED_TAG && !known.includes(tag)) throw inner.unsupported(`tag ${tag}`, 1)
    if (found.has(tag)) throw inner.invalid(`tag ${tag} again`, 1)
    const value = inner.bytes(inner.u16())
    if (known.includes(tag)) found.set(tag, value)
    else others.push(bytes.subarray(offset, inner.offset))
  }
  return { known: found, others: concatBytes(...others) }
}

/**
 * Writes the extensions at the end of a record: `others` as they were read, then the members of `known` with a value.
 */
export function writeExtensions(
  writer: RecordWriter,
  others: Uint8Array,
  known: readonly (readonly [tag: number, value: Uint8Array | undefined])[] = [],
): RecordWriter {
  const present = known.filter((each): each is readonly [number, Uint8Array] => each[1] !== undefined)
  const byteLength = present.reduce((sum, [, value]) => sum + 3 + value.byteLength, others.byteLength)
  writer.u16(byteLength).bytes(others)
  for (const [tag, value] of present) writer.u8(tag).u16(value.byteLength).bytes(value)
  return writer
}
