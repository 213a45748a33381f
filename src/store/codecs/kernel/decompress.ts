// Decompresses a block of LZ4 (docs/formats.md, "LZ4"). Whatever the bytes are, it reads and writes only within the
// bounds that it is given.
import { copyLiterals } from './copy'

const MIN_MATCH = 4

/** The most literals, and the longest match, whose length fits in the token. */
const SHORT_LITERALS: usize = 14
const SHORT_MATCH: usize = 18

/** For each distance below 16: of which of the bytes before it each of the next 16 is a copy. */
const PATTERNS = memory.data(16 * 16, 16)
/** For each distance below 16: the largest multiple of it that is at most 16. */
const STEPS = memory.data(16, 16)

for (let distance = 1; distance < 16; distance++) {
  for (let i = 0; i < 16; i++) store<u8>(PATTERNS + distance * 16 + i, i % distance)
  store<u8>(STEPS + distance, 16 - (16 % distance))
}

/**
 * Decompresses a block into at most `room` bytes, and returns their number; -1 if the block is damaged or needs more.
 * Matches may go back as far as `windowStart`. Up to 32 bytes after the block may be read, and up to 32 bytes after the
 * room overwritten.
 */
export function decompressBlock(block: usize, byteLength: u32, target: usize, room: u32, windowStart: usize): i32 {
  const end = block + byteLength
  const targetEnd = target + room
  let from = block
  let to = target
  while (from < end) {
    const token = <u32>load<u8>(from++)
    let literalLength = token >> 4
    let matchLength = token & 15
    // Most sequences are short. They cannot be the last one, and need no loop.
    if (literalLength < 15 && from + SHORT_LITERALS + 2 < end && to + SHORT_LITERALS <= targetEnd) {
      v128.store(to, v128.load(from))
      from += literalLength
      to += literalLength
    } else {
      if (literalLength === 15) {
        let more: u32
        do {
          if (from >= end) return -1
          more = load<u8>(from++)
          literalLength += more
        } while (more === 255)
      }
      if (literalLength > <u32>(end - from) || literalLength > <u32>(targetEnd - to)) return -1
      copyLiterals(to, from, literalLength)
      from += literalLength
      to += literalLength
      // A block ends with literals.
      if (from === end) return <i32>(to - target)
      if (end - from < 2) return -1
    }

    const distance = <usize>load<u16>(from)
    from += 2
    const match = to - distance
    if (distance === 0 || distance > to - windowStart) return -1
    if (matchLength < 15 && distance >= 16 && to + SHORT_MATCH <= targetEnd) {
      v128.store(to, v128.load(match))
      store<u16>(to, load<u16>(match, 16), 16)
      to += matchLength + MIN_MATCH
      continue
    }
    if (matchLength === 15) {
      let more: u32
      do {
        if (from >= end) return -1
        more = load<u8>(from++)
        matchLength += more
      } while (more === 255)
    }
    matchLength += MIN_MATCH
    if (matchLength > <u32>(targetEnd - to)) return -1
    copyMatch(to, match, matchLength)
    to += matchLength
  }
  return -1
}

/** Copies bytes from `match`, perhaps fewer than their number before: then they repeat. */
function copyMatch(to: usize, match: usize, byteLength: u32): void {
  const end = to + byteLength
  const distance = to - match
  if (distance >= 16) {
    let from = match
    do {
      v128.store(to, v128.load(from))
      to += 16
      from += 16
    } while (to < end)
  } else {
    const repeated = v128.swizzle(v128.load(match), v128.load(PATTERNS + distance * 16))
    const step = <usize>load<u8>(STEPS + distance)
    do {
      v128.store(to, repeated)
      to += step
    } while (to < end)
  }
}
