import {
  MAGIC_BYTES,
  MAX_COMMAND_BYTES,
  OP_COPY_N1_N1,
  OP_END,
  OP_LITERAL_N1,
  OP_LITERAL_N8,
  OP_LITERAL_SHORT_MAX,
} from '../wire-format.ts'
import { copyWidths } from '../copy-widths.ts'

/** A copy command of a delta: the `length` new bytes at `offset` equal those of the basis at `position`. */
export interface DeltaCopy {
  /** Offset of its first byte in the new bytes. */
  readonly offset: number
  /** Offset of its first byte in the basis. */
  readonly position: number
  /** Number of bytes, at least 1. */
  readonly length: number
}

/**
 * Extracts the copies from a delta and skips the data of its literals, to find out what two files have in common. It
 * accepts only the output of a `DeltaStream` and does not validate it.
 */
export class DeltaCopies {
  /** The bytes received so far of the next command. */
  readonly #command = new Uint8Array(MAX_COMMAND_BYTES)
  #commandLength = 0
  /** Bytes still to skip: the magic at first, later the data of literals. */
  #skipped = MAGIC_BYTES
  #offset = 0

  /** Number of new bytes that the commands so far produce. */
  get offset(): number {
    return this.#offset
  }

  /** Takes the next bytes of the delta and calls `found` for each copy that is completed by them, in order. */
  take(bytes: Uint8Array, found: (copy: DeltaCopy) => void): void {
    for (let i = 0; i < bytes.byteLength;) {
      if (this.#skipped > 0) {
        const skipped = Math.min(this.#skipped, bytes.byteLength - i)
        this.#skipped -= skipped
        i += skipped
        continue
      }
      this.#command[this.#commandLength++] = bytes[i++]!
      const copy = this.#copy()
      if (copy) found(copy)
    }
  }

  /** Processes the command if it is complete. Returns the copy if it is one. */
  #copy(): DeltaCopy | undefined {
    const opcode = this.#command[0]!
    if (opcode < OP_COPY_N1_N1) {
      const width = opcode >= OP_LITERAL_N1 && opcode <= OP_LITERAL_N8 ? 1 << (opcode - OP_LITERAL_N1) : 0
      if (this.#commandLength < 1 + width) return undefined
      this.#commandLength = 0
      if (opcode === OP_END) return undefined
      this.#skipped = opcode <= OP_LITERAL_SHORT_MAX ? opcode : this.#integer(1, width)
      this.#offset += this.#skipped
      return undefined
    }
    const { positionWidth, lengthWidth } = copyWidths(opcode)
    if (this.#commandLength < 1 + positionWidth + lengthWidth) return undefined
    this.#commandLength = 0
    const position = this.#integer(1, positionWidth)
    const length = this.#integer(1 + positionWidth, lengthWidth)
    const offset = this.#offset
    this.#offset += length
    return { offset, position, length }
  }

  #integer(byteOffset: number, width: number): number {
    let value = 0
    for (const byte of this.#command.subarray(byteOffset, byteOffset + width)) value = value * 256 + byte
    return value
  }
}
