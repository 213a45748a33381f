/**
 * Unsigned big-endian integers in byte arrays, as in every format of this package. Callers check the offsets: a read
 * past the end is a RangeError, or `undefined` with {@linkcode readUnsigned}.
 *
 * @module
 */

/** Reads 16 bits. */
export function readU16(bytes: Uint8Array, byteOffset: number): number {
  return view(bytes).getUint16(byteOffset)
}

/** Reads 32 bits. */
export function readU32(bytes: Uint8Array, byteOffset: number): number {
  return view(bytes).getUint32(byteOffset)
}

/** Reads 64 bits; undefined if the value is above 2^53 - 1 and so not a safe integer. */
export function readU64(bytes: Uint8Array, byteOffset: number): number | undefined {
  const data = view(bytes)
  const value = data.getUint32(byteOffset) * 2 ** 32 + data.getUint32(byteOffset + 4)
  return Number.isSafeInteger(value) ? value : undefined
}

/** Reads an integer of 1, 2, 4 or 8 bytes; undefined if the value is above 2^53 - 1. A DataView for each would take longer. */
export function readUnsigned(bytes: Uint8Array, byteOffset: number, width: number): number | undefined {
  let value = 0
  for (let i = byteOffset; i < byteOffset + width; i++) value = value * 256 + bytes[i]!
  return Number.isSafeInteger(value) ? value : undefined
}

/** Writes 16 bits. */
export function writeU16(bytes: Uint8Array, byteOffset: number, value: number): void {
  view(bytes).setUint16(byteOffset, value)
}

/** Writes 32 bits. */
export function writeU32(bytes: Uint8Array, byteOffset: number, value: number): void {
  view(bytes).setUint32(byteOffset, value)
}

/** Writes 64 bits; the value is a safe integer. */
export function writeU64(bytes: Uint8Array, byteOffset: number, value: number): void {
  const data = view(bytes)
  data.setUint32(byteOffset, Math.floor(value / 2 ** 32))
  data.setUint32(byteOffset + 4, value % 2 ** 32)
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
