import { readU16, readU32, readU64 } from './integers.ts'
import { FormatError } from '../errors.ts'

/**
 * Reads the fields of a row's value one after the other. Whatever the bytes are, the result is a value or a
 * FormatError.
 */
export class RecordReader {
  readonly #bytes: Uint8Array
  readonly #name: string
  #offset = 0

  /** Reads `bytes`; messages of errors call the record `name`. */
  constructor(name: string, bytes: Uint8Array) {
    this.#name = name
    this.#bytes = bytes
  }

  /** Number of bytes that have not been read. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset
  }

  /** An unsigned integer of 8 bits. */
  u8(): number {
    return this.#bytes[this.#advance(1)]!
  }

  /** An unsigned integer of 16 bits. */
  u16(): number {
    return readU16(this.#bytes, this.#advance(2))
  }

  /** An unsigned integer of 32 bits. */
  u32(): number {
    return readU32(this.#bytes, this.#advance(4))
  }

  /** An unsigned integer of 64 bits, at most 2^53 - 1. */
  u64(): number {
    const value = readU64(this.#bytes, this.#advance(8))
    if (value === undefined) throw this.invalid('an integer above 2^53 - 1', 8)
    return value
  }

  /** Number of bytes that have been read. */
  get offset(): number {
    return this.#offset
  }

  /** A copy of the next `byteLength` bytes. */
  bytes(byteLength: number): Uint8Array<ArrayBuffer> {
    const offset = this.#advance(byteLength)
    return this.#bytes.slice(offset, offset + byteLength)
  }

  /** Checks the first byte of every record. No version writes 0, which is what a lost sector reads as: that is damage. */
  layout(known: number): void {
    const layout = this.u8()
    if (layout === 0) throw this.invalid('layout 0', 1)
    if (layout !== known) throw this.#error('unsupported', `layout ${layout}`, this.#offset - 1)
  }

  /** Checks that the record ends here. */
  end(): void {
    if (this.remaining > 0) throw this.#error('invalid', `${this.remaining} bytes too many`, this.#offset)
  }

  /** The error for the field that was just read, of `byteLength` bytes, whose value is impossible. */
  invalid(what: string, byteLength: number): FormatError {
    return this.#error('invalid', what, this.#offset - byteLength)
  }

  /** The error for the field that was just read, of `byteLength` bytes, whose value is from a later version. */
  unsupported(what: string, byteLength: number): FormatError {
    return this.#error('unsupported', what, this.#offset - byteLength)
  }

  #advance(byteLength: number): number {
    if (byteLength > this.remaining) throw this.#error('truncated', 'it ends too early', this.#bytes.byteLength)
    const offset = this.#offset
    this.#offset += byteLength
    return offset
  }

  #error(reason: 'truncated' | 'invalid' | 'unsupported', what: string, offset: number): FormatError {
    return new FormatError(`${this.#name} record: ${what}`, { reason, offset })
  }
}
