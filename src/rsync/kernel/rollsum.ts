// librsync's rollsum, which comes from rsync: two 16-bit sums, the second in the high half.

/** Added to every byte. */
export const OFFSET: u32 = 31

/** Updates `sum` with more bytes. */
export function rollsumUpdate(sum: u32, p: usize, byteLength: u32): u32 {
  let s1 = sum & 0xffff
  let s2 = sum >> 16
  for (const end = p + byteLength; p < end; p++) {
    s1 += load<u8>(p) + OFFSET
    s2 += s1
  }
  return (s2 << 16) | (s1 & 0xffff)
}

/**
 * Spreads a rollsum over all 32 bits with a bijection, the finalizer of MurmurHash3, because similar windows have
 * similar rollsums.
 */
export function spread(sum: u32): u32 {
  sum ^= sum >> 16
  sum *= 0x85ebca6b
  sum ^= sum >> 13
  sum *= 0xc2b2ae35
  return sum ^ (sum >> 16)
}
