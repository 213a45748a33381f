// The rollsum of librsync and of rsync before it: two sums of 16 bits, the second one in the high half.

/** What is added to every byte. */
export const OFFSET: u32 = 31

/** Appends bytes to the bytes that `sum` is the sum of. */
export function rollsumUpdate(sum: u32, p: usize, byteLength: u32): u32 {
  let s1 = sum & 0xffff
  let s2 = sum >> 16
  for (const end = p + byteLength; p < end; p++) {
    s1 += load<u8>(p) + OFFSET
    s2 += s1
  }
  return (s2 << 16) | (s1 & 0xffff)
}

/** Spreads a rollsum over all 32 bits, one to one: the finaliser of MurmurHash3. Rollsums of like windows are alike. */
export function spread(sum: u32): u32 {
  sum ^= sum >> 16
  sum *= 0x85ebca6b
  sum ^= sum >> 13
  sum *= 0xc2b2ae35
  return sum ^ (sum >> 16)
}
