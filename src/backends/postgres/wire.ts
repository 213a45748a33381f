/**
 * Values on their way to the server and back. Rows arrive as text, and `bytea` in it as `\x` and hexadecimal digits
 * (PostgreSQL, section 8.4: the hex format).
 *
 * @module
 */
import { concatBytes } from '../../bytes/byte-order.ts'
import { BackendError } from '../../errors.ts'
import type { RawField } from './client.ts'

const BACKSLASH = 0x5c
const LOWER_X = 0x78

/** The value of each character of a hexadecimal number. */
const DIGIT = new Uint8Array(128)
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value

/**
 * The bytes of a `bytea`, which fill their own ArrayBuffer.
 *
 * @param into Memory that is used if they fill it.
 */
export function bytesOf(field: RawField, into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (field?.[0] !== BACKSLASH || field[1] !== LOWER_X) {
    throw new BackendError(`the server must be set to bytea_output = 'hex'`, { retryable: false })
  }
  const byteLength = (field.byteLength - 2) / 2
  const isFilled = into?.byteLength === byteLength && into.buffer.byteLength === byteLength
  const bytes = isFilled ? into : new Uint8Array(byteLength)
  for (let i = 0, from = 2; i < byteLength; i++, from += 2) {
    bytes[i] = (DIGIT[field[from]!]! << 4) | DIGIT[field[from + 1]!]!
  }
  return bytes
}

/** The characters of a number, a name or a truth value. */
export function textOf(field: RawField): string {
  return new TextDecoder().decode(field ?? new Uint8Array(0))
}

/** Several byte arrays as two parameters: their lengths as the text of an array of integers, and all bytes. */
export interface Packed {
  readonly lengths: string
  readonly bytes: Uint8Array
}

/** Packs byte arrays; undefined becomes NULL. */
export function pack(parts: readonly (Uint8Array | undefined)[]): Packed {
  return {
    lengths: arrayText(parts.map((part) => part?.byteLength)),
    bytes: concatBytes(...parts.filter((part) => part !== undefined)),
  }
}

/** An array as text (PostgreSQL, section 8.15.6), whose members need no quotes. */
export function arrayText(members: readonly (string | number | undefined)[]): string {
  return `{${members.map((member) => member ?? 'NULL').join()}}`
}
