const MODULUS = 65_521
/** So many bytes can be added before the sums exceed 32 bits. */
const RUN_BYTES = 3800

/** Adler-32 (RFC 1950), the checksum at the end of the zlib format. */
export function adler32(bytes: Uint8Array): number {
  let low = 1
  let high = 0
  for (let offset = 0; offset < bytes.byteLength;) {
    const end = Math.min(offset + RUN_BYTES, bytes.byteLength)
    while (offset < end) {
      low += bytes[offset++]!
      high += low
    }
    low %= MODULUS
    high %= MODULUS
  }
  return high * 65_536 + low
}
