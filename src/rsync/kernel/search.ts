// Finds the blocks of a basis in new bytes: the window that moves over them, and the look-up of its sums.
import { ADJUSTMENT, INVERSE, MULT, MULT_2, MULT_3, MULT_4, powerOfMult } from './rabin-karp'
import { OFFSET, spread } from './rollsum'
import { isRollsum, strongBegin, strongEnd, strongLanes, STRONG_SUMS, weakSeed, weakUpdate } from './sums'

/** What {@linkcode find} returns when it has come to `stop` without a match. */
const STOPPED: i32 = -1
/** What {@linkcode find} returns when it needs more input, or has come to the end of the last. */
const NEEDS_INPUT: i32 = -2

/**
 * What may be hashed for false matches: so many bytes, and so many more for each that the window passes, beside twice
 * what chance needs. rollsums of two letters, or of sparse bits, need some 50 a byte; a signature that was made to
 * collide would have every window hashed.
 */
const FALSE_BYTES: i64 = 64 * 1024 * 1024
const FALSE_BYTES_PER_BYTE: i64 = 4
const ROLLSUM_FALSE_BYTES_PER_BYTE: i64 = 64

/** Where the window begins. The bytes may be moved between two calls, and the window with them. */
export let position: usize = 0
/** Bytes of the window that {@linkcode find} has found last. */
export let matchLength: u32 = 0
/** Windows that had a block's weak sum and none's strong sum: false matches. */
export let falseMatches: u32 = 0

// The index, as the parts of an IndexTable lie in memory.
let blockLength: u32 = 0
let strongLength: u32 = 0
let blockCount: u32 = 0
let keptCount: u32 = 0
let filter: usize = 0
let wordShift: u32 = 0
let bitShift: u32 = 0
let buckets: usize = 0
let bucketShift: u32 = 0
let keys: usize = 0
let blocks: usize = 0
let weakSums: usize = 0
let firsts: usize = 0
let strongSums: usize = 0
let isCompact: bool = false

/** Sum of the window, if it has been computed. */
let sum: u32 = 0
let isSummed: bool = false
/** Whether no block has the sums of the window. */
let isMissed: bool = false
/** Bytes of the window; RabinKarp's weight of its oldest byte after one more byte has come in. */
let windowLength: u32 = 0
let weight: u32 = 0
let wholeWeight: u32 = 0
/** Bytes that may still be hashed for false matches. */
let credit: i64 = 0
/** What each byte adds to that. */
let creditPerByte: i64 = 0
/** The block of the basis that follows the last match, and what follows that match if this is known already; or -1. */
let expected: i32 = -1
let verified: i32 = -1

/** Tells of the index, whose parts lie in a row from `base` on. */
export function openIndex(
  base: usize,
  theBlockLength: u32,
  theStrongLength: u32,
  theBlockCount: u32,
  theKeptCount: u32,
  filterBits: u32,
  bucketBits: u32,
  compact: bool,
): void {
  blockLength = theBlockLength
  strongLength = theStrongLength
  blockCount = theBlockCount
  keptCount = theKeptCount
  bitShift = 32 - filterBits
  wordShift = bitShift + 5
  bucketShift = 32 - bucketBits
  isCompact = compact
  wholeWeight = powerOfMult(blockLength)
  filter = base
  buckets = filter + ((<usize>1) << (filterBits - 3))
  keys = buckets + (((<usize>1) << bucketBits) + 1) * 4
  blocks = keys + keptCount * 4
  weakSums = blocks + keptCount * 4
  firsts = weakSums + blockCount * 4
  strongSums = firsts + blockCount * 4
  falseMatches = 0
  credit = FALSE_BYTES
  // By chance a window has the weak sum of one of n blocks once in 2^32 / n bytes.
  const chance = (<i64>blockCount * blockLength) >> 32
  creditPerByte = (isRollsum ? ROLLSUM_FALSE_BYTES_PER_BYTE : FALSE_BYTES_PER_BYTE) + 2 * chance
  isSummed = false
  isMissed = false
  expected = -1
  verified = -1
}

/**
 * Moves the window on from {@linkcode position} to the first place where a block matches, returns that block and leaves
 * the window behind the match; or tells that there is none up to and with `stop`, or up to `inputEnd`. Only the `last`
 * windows may be shorter than a block.
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

/** The block with the sums of the window, or -1. */
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

/** The block that follows the last match, if it has the sums of the window; looks at the block after it, too. */
function matchExpected(inputEnd: usize): i32 {
  const block = <u32>expected
  if (sum != load<u32>(weakSums + block * 4)) return -1
  const next = position + blockLength
  // Two strong sums take as long as one; four messages of MD4 would need more bytes than there may be.
  const isPair =
    strongLanes() == 2 &&
    block + 1 < blockCount &&
    inputEnd - next >= blockLength &&
    weakUpdate(weakSeed(), next, blockLength) == load<u32>(weakSums + (block + 1) * 4)
  strongBegin()
  strongEnd(position, isPair ? <usize>blockLength : 0, blockLength)
  if (compareStrong(STRONG_SUMS, block) != 0) return -1
  if (isPair && compareStrong(STRONG_SUMS + 32, block + 1) == 0) verified = block + 1
  return block
}

function lookUp(length: u32): i32 {
  const key = isRollsum ? spread(sum) : sum
  if (!passes(key)) return -1
  const rank = rankOf(key)
  if (rank < 0) return -1
  if (credit < <i64>length) return -1
  strongBegin()
  strongEnd(position, 0, length)
  const block = blockOf(rank, key)
  if (block < 0) {
    credit -= <i64>length
    falseMatches++
  }
  return block
}

/** Whether a block may have this key. */
function passes(key: u32): bool {
  return <bool>((load<u32>(filter + (key >> wordShift) * 4) >> (key >> bitShift)) & 1)
}

/** The rank of the first block with this key, or -1. */
function rankOf(key: u32): i32 {
  const bucket = buckets + (key >> bucketShift) * 4
  const end = load<u32>(bucket, 4)
  let low = load<u32>(bucket)
  for (let high = end; low < high;) {
    const middle = (low + high) >> 1
    if (load<u32>(keys + middle * 4) < key) low = middle + 1
    else high = middle
  }
  return low < end && load<u32>(keys + low * 4) == key ? low : -1
}

/** The block with this key, whose first rank is given, and the strong sum of the window; or -1. */
function blockOf(rank: u32, key: u32): i32 {
  const end = load<u32>(buckets + (key >> bucketShift) * 4, 4)
  let low = rank
  for (let high = end; low < high;) {
    const middle = (low + high) >> 1
    const order = load<u32>(keys + middle * 4) == key ? compareStrong(STRONG_SUMS, load<u32>(blocks + middle * 4)) : -1
    if (order == 0) return load<u32>(blocks + middle * 4)
    if (order > 0) low = middle + 1
    else high = middle
  }
  return -1
}

/** Below 0, 0 or above 0, as a strong sum comes before that of a block, is it, or comes after it. */
function compareStrong(strongSum: usize, block: u32): i32 {
  return memory.compare(strongSum, strongSums + block * strongLength, strongLength)
}

/** Moves a whole window on, by one byte at least, to the first place where a block has its weak sum, or to `end`. */
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
    // Four places a step: each sum follows from the first one, so that their products need not wait in a row.
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
      // One of the four: the loop below finds which.
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

/** The same, for rollsum. */
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

/** Takes the oldest byte out of the window, with none to follow. */
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
