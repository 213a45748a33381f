/** Copies bytes sixteen at a time: up to fifteen more are read and written. The places do not overlap. */
export function copyLiterals(to: usize, from: usize, byteLength: u32): void {
  const end = to + byteLength
  while (to < end) {
    v128.store(to, v128.load(from))
    to += 16
    from += 16
  }
}

/** The number of bytes that are equal at two places, of which the second is not followed beyond `limit`. */
export function equalLength(first: usize, second: usize, limit: usize): u32 {
  const start = second
  while (second + 8 <= limit) {
    const difference = load<u64>(first) ^ load<u64>(second)
    if (difference !== 0) return <u32>(second - start) + <u32>(ctz(difference) >> 3)
    first += 8
    second += 8
  }
  while (second < limit && load<u8>(first) === load<u8>(second)) {
    first++
    second++
  }
  return <u32>(second - start)
}
