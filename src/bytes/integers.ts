/**
 * Unsigned big-endian integers in byte arrays, as in every format of this package. Callers check the offsets.
 *
 * They go byte by byte. A DataView for each would take longer, and engines keep small arrays in their heap until
 * someone asks for their buffer, which then has to be allocated.
 *
 * @module
 */

/** Reads 16 bits. */
export function readU16(bytes: Uint8Array, byteOffset: number): number {
  return bytes[byteOffset]! * 2 ** 8 + bytes[byteOffset + 1]!
}

/** Reads 32 bits. */
export function readU32(bytes: Uint8Array, byteOffset: number): number {
  return readU16(bytes, byteOffset) * 2 ** 16 + readU16(bytes, byteOffset + 2)
}

/** Reads 64 bits; undefined if the value is above 2^53 - 1 and so not a safe integer. */
export function readU64(bytes: Uint8Array, byteOffset: number): number | undefined {
  return readUnsigned(bytes, byteOffset, 8)
}

/** Reads an integer of 1, 2, 4 or 8 bytes; undefined if the value is above 2^53 - 1. */
export function readUnsigned(bytes: Uint8Array, byteOffset: number, width: number): number | undefined {
  let value = 0
  for (let i = byteOffset; i < byteOffset + width; i++) value = value * 256 + bytes[i]!
  return Number.isSafeInteger(value) ? value : undefined
}

/** Writes 16 bits. */
export function writeU16(bytes: Uint8Array, byteOffset: number, value: number): void {
  bytes[byteOffset] = value >>> 8
  bytes[byteOffset + 1] = value
}

/** Writes 32 bits. */
export function writeU32(bytes: Uint8Array, byteOffset: number, value: number): void {
  writeU16(bytes, byteOffset, value >>> 16)
  writeU16(bytes, byteOffset + 2, value)
}

/** Writes 64 bits; the value is a safe integer. */
export function writeU64(bytes: Uint8Array, byteOffset: number, value: number): void {
  writeU32(bytes, byteOffset, Math.floor(value / 2 ** 32))
  writeU32(bytes, byteOffset + 4, value % 2 ** 32)
}
