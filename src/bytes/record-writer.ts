import { writeU16, writeU32, writeU64 } from './integers.ts'

/** Writes the fields of a row's value one after the other. */
export class RecordWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #offset = 0

  /** Begins with space for `capacity` bytes, which grows. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
  }

  /** An unsigned integer of 8 bits. */
  u8(value: number): this {
    const offset = this.#advance(1)
    this.#bytes[offset] = value
    return this
  }

  /** An unsigned integer of 16 bits. */
  u16(value: number): this {
    const offset = this.#advance(2)
    writeU16(this.#bytes, offset, value)
    return this
  }

  /** An unsigned integer of 32 bits. */
  u32(value: number): this {
    const offset = this.#advance(4)
    writeU32(this.#bytes, offset, value)
    return this
  }

  /** An unsigned integer of 64 bits; the value is a safe integer. */
  u64(value: number): this {
    const offset = this.#advance(8)
    writeU64(this.#bytes, offset, value)
    return this
  }

  /** Bytes as they are. */
  bytes(bytes: Uint8Array): this {
    const offset = this.#advance(bytes.byteLength)
    this.#bytes.set(bytes, offset)
    return this
  }

  /** The record. Nothing may be written after it. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#offset === this.#bytes.byteLength ? this.#bytes : this.#bytes.slice(0, this.#offset)
  }

  /** Makes space for more bytes; this may replace the array. */
  #advance(byteLength: number): number {
    const offset = this.#offset
    this.#offset += byteLength
    if (this.#offset > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.byteLength, this.#offset))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return offset
  }
}
