// Finds the blocks of a basis in new bytes: the sliding window, and the look-up of its sums.
import {
  bitShift,
  blockCount,
  blockOf,
  buildIndex,
  compareStrong,
  filter,
  firsts,
  keptCount,
  keyOf,
  keyOfBlock,
  passes,
  rankOf,
  wordShift,
} from './block-index'
import { ADJUSTMENT, INVERSE, MULT, MULT_2, MULT_3, MULT_4, powerOfMult } from './rabin-karp'
import { OFFSET, spread } from './rollsum'
import { isRollsum, strongBegin, strongEnd, strongLanes, STRONG_SUMS, weakSeed, weakUpdate } from './sums'

/** {@linkcode find} returns this when it has reached `stop` without a match. */
const STOPPED: i32 = -1
/** {@linkcode find} returns this when it needs more input, or has reached the end of the last input. */
const NEEDS_INPUT: i32 = -2

/**
 * How many bytes may be hashed for false matches: a fixed amount, plus this many for each byte that the window passes,
 * plus twice the amount expected by chance. rollsum over two distinct letters, or over sparse bits, needs about 50 per
 * byte. With a signature made to collide, every window would be hashed.
 */
const FALSE_BYTES: i64 = 64 * 1024 * 1024
const FALSE_BYTES_PER_BYTE: i64 = 4
const ROLLSUM_FALSE_BYTES_PER_BYTE: i64 = 64

/** Where the window begins. Between two calls, the caller may move the bytes, and then moves this as well. */
export let position: usize = 0
/** Length of the window that {@linkcode find} matched last. */
export let matchLength: u32 = 0
/** False matches: windows whose weak sum matched a block but whose strong sum matched none. */
export let falseMatches: u32 = 0

let blockLength: u32 = 0
/** Whether the block that follows the last match is preferred to the first of its equals. */
let isCompact: bool = false

/** Weak sum of the window, if `isSummed`. */
let sum: u32 = 0
let isSummed: bool = false
/** Whether the window is known to match no block. */
let isMissed: bool = false
/** Length of the window, and RabinKarp's weight of its oldest byte after one more byte has entered. */
let windowLength: u32 = 0
let weight: u32 = 0
let wholeWeight: u32 = 0
/** Bytes that may still be hashed for false matches. */
let credit: i64 = 0
/** How much each byte passed adds to `credit`. */
let creditPerByte: i64 = 0
/**
 * The block that follows the last match in the basis, and that block again if it is already known to match the next
 * window; or -1.
 */
let expected: i32 = -1
let verified: i32 = -1

/** Builds the index of a signature, see {@linkcode buildIndex}, and puts the window before the first byte. */
export function openIndex(
  sums: usize,
  tables: usize,
  theBlockLength: u32,
  strongLength: u32,
  theBlockCount: u32,
  filterBits: u32,
  bucketBits: u32,
  compact: bool,
): void {
  buildIndex(sums, tables, strongLength, theBlockCount, filterBits, bucketBits)
  blockLength = theBlockLength
  isCompact = compact
  wholeWeight = powerOfMult(blockLength)
  falseMatches = 0
  credit = FALSE_BYTES
  // By chance, a window has the weak sum of one of n blocks once in 2^32 / n bytes.
  const chance = (<i64>blockCount * blockLength) >> 32
  creditPerByte = (isRollsum ? ROLLSUM_FALSE_BYTES_PER_BYTE : FALSE_BYTES_PER_BYTE) + 2 * chance
  isSummed = false
  isMissed = false
  expected = -1
  verified = -1
}

/**
 * Slides the window from {@linkcode position} to the first place where a block matches, moves it past the match, and
 * returns the block. If nothing matches up to and including `stop`, or before `inputEnd`, returns one of the codes
 * above. Windows shorter than a block are considered only at the end of the `last` input.
 */
export function find(stop: usize, inputEnd: usize, last: bool): i32 {
  if (keptCount == 0) {
    position = min(stop, inputEnd)
    return position == stop ? STOPPED : NEEDS_INPUT
  }
  while (true) {
    if (!isMissed) {
      const length = <u32>min<usize>(blockLength, inputEnd - position)
      if (length == 0 || (length < blockLength && !last)) return NEEDS_INPUT
      const block = match(length, inputEnd)
      if (block >= 0) {
        matchLength = length
        position += length
        credit += creditPerByte * <i64>length
        isSummed = false
        return block
      }
      isMissed = true
    }
    if (position >= stop) return STOPPED
    const start = position
    if (inputEnd - position > blockLength) {
      const end = min(stop, inputEnd - blockLength)
      if (isRollsum) rollRollsum(end)
      else rollRabinKarp(end)
    } else if (last) {
      shrink()
    } else {
      return NEEDS_INPUT
    }
    credit += creditPerByte * <i64>(position - start)
    isMissed = false
  }
}

/** Returns the block with the sums of the window, or -1. */
function match(length: u32, inputEnd: usize): i32 {
  let sequel = verified
  verified = -1
  if (sequel < 0) {
    if (!isSummed) {
      sum = weakUpdate(weakSeed(), position, length)
      isSummed = true
      windowLength = length
      weight = length == blockLength ? wholeWeight : powerOfMult(length)
    }
    if (expected >= 0 && length == blockLength) sequel = matchExpected(inputEnd)
  }
  expected = -1
  if (sequel >= 0) {
    if (<u32>sequel + 1 < blockCount) expected = sequel + 1
    return isCompact ? sequel : load<u32>(firsts + sequel * 4)
  }
  const block = lookUp(length)
  if (block >= 0 && <u32>block + 1 < blockCount) expected = block + 1
  return block
}

/**
 * Returns the block that follows the last match if it has the sums of the window, or -1. Checks the block after it as
 * well.
 */
function matchExpected(inputEnd: usize): i32 {
  const block = <u32>expected
  if (keyOf(sum) != keyOfBlock(block)) return -1
  const next = position + blockLength
  // Two BLAKE2b sums take as long as one. Four MD4 sums do as well, but would need more input than may be available.
  const isPair =
    strongLanes() == 2 &&
    block + 1 < blockCount &&
    inputEnd - next >= blockLength &&
    keyOf(weakUpdate(weakSeed(), next, blockLength)) == keyOfBlock(block + 1)
  strongBegin()
  strongEnd(position, isPair ? <usize>blockLength : 0, blockLength)
  if (compareStrong(STRONG_SUMS, block) != 0) return -1
  if (isPair && compareStrong(STRONG_SUMS + 32, block + 1) == 0) verified = block + 1
  return block
}

function lookUp(length: u32): i32 {
  const key = keyOf(sum)
  if (!passes(key)) return -1
  const rank = rankOf(key)
  if (rank < 0) return -1
  if (credit < <i64>length) return -1
  strongBegin()
  strongEnd(position, 0, length)
  const block = blockOf(rank, key, STRONG_SUMS)
  if (block < 0) {
    credit -= <i64>length
    falseMatches++
  }
  return block
}

/** Slides a full window by at least one byte, to the first place where a block has its weak sum, or to `end`. */
function rollRabinKarp(end: usize): void {
  const length = blockLength
  const oldWeight = weight
  const words = filter
  const toWord = wordShift
  const toBit = bitShift
  let p = position
  let hash = sum
  let isFound = false
  while (p < end && !isFound) {
    // Four positions per step. Each sum is computed from the first one, so that the multiplications need not wait for
    // each other.
    while (p + 4 <= end) {
      const change1 = load<u8>(p + length) - oldWeight * (load<u8>(p) + ADJUSTMENT)
      const change2 = change1 * MULT + load<u8>(p + length, 1) - oldWeight * (load<u8>(p, 1) + ADJUSTMENT)
      const change3 = change2 * MULT + load<u8>(p + length, 2) - oldWeight * (load<u8>(p, 2) + ADJUSTMENT)
      const change4 = change3 * MULT + load<u8>(p + length, 3) - oldWeight * (load<u8>(p, 3) + ADJUSTMENT)
      const hash1 = hash * MULT + change1
      const hash2 = hash * MULT_2 + change2
      const hash3 = hash * MULT_3 + change3
      const hash4 = hash * MULT_4 + change4
      const passed =
        (load<u32>(words + (hash1 >> toWord) * 4) >> (hash1 >> toBit)) |
        (load<u32>(words + (hash2 >> toWord) * 4) >> (hash2 >> toBit)) |
        (load<u32>(words + (hash3 >> toWord) * 4) >> (hash3 >> toBit)) |
        (load<u32>(words + (hash4 >> toWord) * 4) >> (hash4 >> toBit))
      // One of the four passed: the loop below finds which.
      if (passed & 1) break
      hash = hash4
      p += 4
    }
    for (const stepEnd = min(p + 4, end); p < stepEnd && !isFound;) {
      hash = hash * MULT + load<u8>(p + length) - oldWeight * (load<u8>(p) + ADJUSTMENT)
      p++
      isFound = passes(hash) && rankOf(hash) >= 0
    }
  }
  position = p
  sum = hash
}

/** The same for rollsum. */
function rollRollsum(end: usize): void {
  const length = blockLength
  let p = position
  let s1 = sum & 0xffff
  let s2 = sum >> 16
  let hash = sum
  while (p < end) {
    const outgoing: u32 = load<u8>(p)
    s1 += load<u8>(p + length) - outgoing
    s2 += s1 - length * (outgoing + OFFSET)
    p++
    hash = (s2 << 16) | (s1 & 0xffff)
    const key = spread(hash)
    if (passes(key) && rankOf(key) >= 0) break
  }
  position = p
  sum = hash
}

/** Removes the oldest byte from the window, with no byte entering. */
function shrink(): void {
  const outgoing: u32 = load<u8>(position)
  if (isRollsum) {
    const s1 = sum - outgoing - OFFSET
    const s2 = (sum >> 16) - windowLength * (outgoing + OFFSET)
    sum = (s2 << 16) | (s1 & 0xffff)
  } else {
    weight *= INVERSE
    sum -= weight * (outgoing + ADJUSTMENT)
  }
  windowLength--
  position++
}
