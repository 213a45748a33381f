// Compresses a block of LZ4 (docs/formats.md, "LZ4"): finds repetitions with a table of the places where four bytes were
// last seen, and skips faster and faster over bytes that do not repeat.
import { copyLiterals, equalLength } from './copy'

const HASH_BITS = 12
/** Where bytes with a given hash were last seen, as an offset in the block. */
const TABLE = memory.data((1 << HASH_BITS) * 4, 16)

const MIN_MATCH = 4
const MAX_OFFSET: usize = 65_535
/** The format ends a block with at least five literals, and lets no match begin in its last twelve bytes. */
const LAST_LITERALS: u32 = 5
const MATCH_MARGIN: u32 = 12
/** After this many bytes without a match, as a power of two, the steps grow by one byte. */
const SKIP_BITS = 6

/**
 * Compresses a block into at most `room` bytes, and returns their number; 0 if they do not fit. The 16 bytes after the
 * room may be overwritten, and up to 16 bytes after the block may be read.
 */
export function compressBlock(block: usize, byteLength: u32, target: usize, room: u32): u32 {
  const end = block + byteLength
  const targetEnd = target + room
  let to = target
  /** First byte that is not yet written. */
  let literals = block
  if (byteLength > MATCH_MARGIN) {
    memory.fill(TABLE, 0, (1 << HASH_BITS) * 4)
    const matchLimit = end - MATCH_MARGIN
    const equalLimit = end - LAST_LITERALS
    // An empty place of the table means the first byte, which is therefore not looked up itself.
    let at = block + 1
    let steps: u32 = 1 << SKIP_BITS
    while (at <= matchLimit) {
      const slot = TABLE + hash(load<u64>(at))
      let match = block + load<u32>(slot)
      store<u32>(slot, <u32>(at - block))
      if (load<u32>(match) !== load<u32>(at) || at - match > MAX_OFFSET) {
        at += steps >> SKIP_BITS
        steps++
        continue
      }
      while (at > literals && match > block && load<u8>(at - 1) === load<u8>(match - 1)) {
        at--
        match--
      }
      const literalLength = <u32>(at - literals)
      const matchLength = equalLength(match + MIN_MATCH, at + MIN_MATCH, equalLimit)
      // Token, offset, and both lengths at their longest.
      if (to + 3 + literalLength + literalLength / 255 + 1 + matchLength / 255 + 1 > targetEnd) return 0
      const token = to++
      to = writeLength(to, literalLength)
      copyLiterals(to, literals, literalLength)
      to += literalLength
      store<u16>(to, <u16>(at - match))
      to = writeLength(to + 2, matchLength)
      store<u8>(token, (min<u32>(literalLength, 15) << 4) | min<u32>(matchLength, 15))
      at += MIN_MATCH + matchLength
      literals = at
      if (at > matchLimit) break
      store<u32>(TABLE + hash(load<u64>(at - 2)), <u32>(at - 2 - block))
      steps = 1 << SKIP_BITS
    }
  }
  const literalLength = <u32>(end - literals)
  if (to + 1 + literalLength + (literalLength + 240) / 255 > targetEnd) return 0
  store<u8>(to, min<u32>(literalLength, 15) << 4)
  to = writeLength(to + 1, literalLength)
  copyLiterals(to, literals, literalLength)
  return <u32>(to + literalLength - target)
}

/** Writes what a length has beyond the 15 that a token holds, and returns where that ends. */
function writeLength(to: usize, length: u32): usize {
  if (length < 15) return to
  let rest = length - 15
  while (rest >= 255) {
    store<u8>(to++, 255)
    rest -= 255
  }
  store<u8>(to++, rest)
  return to
}

/** Offset in the table for the first five of eight bytes. */
function hash(bytes: u64): usize {
  return (<usize>(((bytes << 24) * 889523592379) >> (64 - HASH_BITS))) << 2
}
