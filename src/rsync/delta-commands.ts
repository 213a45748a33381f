import { writeU16, writeU32, writeU64 } from '../bytes/integers.ts'
import { OP_COPY_N1_N1, OP_LITERAL_N1, OP_LITERAL_SHORT_MAX } from './wire-format.ts'

/**
 * Writes the shortest encoding of a literal command, without its data, at the start of `bytes`.
 *
 * @returns the number of bytes written.
 */
export function writeLiteralCommand(bytes: Uint8Array, byteLength: number): number {
  if (byteLength <= OP_LITERAL_SHORT_MAX) {
    bytes[0] = byteLength
    return 1
  }
  const width = widthLog2(byteLength)
  bytes[0] = OP_LITERAL_N1 + width
  writeInteger(bytes, 1, byteLength, width)
  return 1 + 2 ** width
}

/**
 * Writes the shortest encoding of a copy command at the start of `bytes`.
 *
 * @returns the number of bytes written.
 */
export function writeCopyCommand(bytes: Uint8Array, position: number, byteLength: number): number {
  const positionWidth = widthLog2(position)
  const lengthWidth = widthLog2(byteLength)
  bytes[0] = OP_COPY_N1_N1 + 4 * positionWidth + lengthWidth
  writeInteger(bytes, 1, position, positionWidth)
  writeInteger(bytes, 1 + 2 ** positionWidth, byteLength, lengthWidth)
  return 1 + 2 ** positionWidth + 2 ** lengthWidth
}

/** Binary logarithm of the width in bytes of the smallest field that holds a value. */
function widthLog2(value: number): number {
  if (value < 2 ** 8) return 0
  if (value < 2 ** 16) return 1
  return value < 2 ** 32 ? 2 : 3
}

function writeInteger(bytes: Uint8Array, byteOffset: number, value: number, width: number): void {
  switch (width) {
    case 0:
      bytes[byteOffset] = value
      break
    case 1:
      writeU16(bytes, byteOffset, value)
      break
    case 2:
      writeU32(bytes, byteOffset, value)
      break
    default:
      writeU64(bytes, byteOffset, value)
  }
}
