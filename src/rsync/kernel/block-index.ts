// The index of a signature's blocks: their order by sums, in which a binary search finds a block, and a filter before it.
import { spread } from './rollsum'
import { isRollsum } from './sums'

/** Where the blocks with each value of a byte go, while they are sorted by it. */
const PLACES = memory.data(1024, 16)

export let blockCount: u32 = 0
/** Number of blocks whose sums no block before them has. */
export let keptCount: u32 = 0
let strongLength: u32 = 0
/** The key of each block: its weak sum; a rollsum is first spread over all 32 bits. */
let blockKeys: usize = 0
let strongSums: usize = 0
/** For each block, the first one with the same sums. */
export let firsts: usize = 0
/** The kept blocks, and their keys, ordered by key, then by strong sum. */
let blocks: usize = 0
let keys: usize = 0
/** Where each bucket, chosen by the high bits of the key, begins in that order, and where the last one ends. */
let buckets: usize = 0
let bucketShift: u32 = 0
/** A bit for each value of the high bits of the key: whether any block has it. */
export let filter: usize = 0
export let wordShift: u32 = 0
export let bitShift: u32 = 0

/**
 * Builds the index of the blocks whose weak sums, followed by their strong sums, lie at `sums`. Overwrites the weak sums.
 * At `tables`, there must be room for the filter of `2 ** filterBits` bits, for `2 ** bucketBits + 1` words, and for three
 * words a block.
 */
export function buildIndex(
  sums: usize,
  tables: usize,
  theStrongLength: u32,
  theBlockCount: u32,
  filterBits: u32,
  bucketBits: u32,
): void {
  strongLength = theStrongLength
  blockCount = theBlockCount
  bitShift = 32 - filterBits
  wordShift = bitShift + 5
  bucketShift = 32 - bucketBits
  const filterLength = (<usize>1) << (filterBits - 3)
  const bucketsLength = (((<usize>1) << bucketBits) + 1) * 4
  blockKeys = sums
  strongSums = blockKeys + blockCount * 4
  filter = tables
  buckets = filter + filterLength
  firsts = buckets + bucketsLength
  blocks = firsts + blockCount * 4
  keys = blocks + blockCount * 4
  memory.fill(filter, 0, filterLength)
  memory.fill(buckets, 0, bucketsLength)
  if (isRollsum) spreadKeys()
  fillFilter()
  sortByBytes(0)
  // Unless the signature is contrived, hardly any block needs to move.
  if (!sortByInsertion(blockCount)) sortByBytes(strongLength)
  dropDuplicates()
  fillBuckets()
}

/** The key of a window or block with this weak sum. */
export function keyOf(sum: u32): u32 {
  return isRollsum ? spread(sum) : sum
}

/** The key of a block. */
export function keyOfBlock(block: u32): u32 {
  return load<u32>(blockKeys + block * 4)
}

/** Whether any block may have this key. */
export function passes(key: u32): bool {
  return <bool>((load<u32>(filter + (key >> wordShift) * 4) >> (key >> bitShift)) & 1)
}

/** Returns the rank of the first block with this key, or -1. */
export function rankOf(key: u32): i32 {
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

/** Returns the block with this key and strong sum, or -1. `rank` is that of the first block with the key. */
export function blockOf(rank: u32, key: u32, strongSum: usize): i32 {
  const end = load<u32>(buckets + (key >> bucketShift) * 4, 4)
  let low = rank
  for (let high = end; low < high;) {
    const middle = (low + high) >> 1
    const order = load<u32>(keys + middle * 4) == key ? compareStrong(strongSum, load<u32>(blocks + middle * 4)) : -1
    if (order == 0) return load<u32>(blocks + middle * 4)
    if (order > 0) low = middle + 1
    else high = middle
  }
  return -1
}

/** Compares a strong sum with that of a block: negative, 0 or positive. */
export function compareStrong(strongSum: usize, block: u32): i32 {
  return memory.compare(strongSum, strongSums + block * strongLength, strongLength)
}

function spreadKeys(): void {
  for (let key = blockKeys; key < strongSums; key += 4) store<u32>(key, spread(load<u32>(key)))
}

function fillFilter(): void {
  for (let block: u32 = 0; block < blockCount; block++) {
    const key = keyOfBlock(block)
    const word = filter + (key >> wordShift) * 4
    store<u32>(word, load<u32>(word) | ((<u32>1) << (key >> bitShift)))
  }
}

/**
 * Sorts all blocks by key, then by the first `strongBytes` bytes of the strong sum, then by number: a radix sort, byte by
 * byte, that begins with the least significant.
 */
function sortByBytes(strongBytes: u32): void {
  // The key has four bytes, so an odd number of passes is left over if that of the strong sum is odd.
  let from = strongBytes & 1 ? keys : blocks
  let to = strongBytes & 1 ? blocks : keys
  for (let block: u32 = 0; block < blockCount; block++) store<u32>(from + block * 4, block)
  for (let pass: u32 = 0; pass < strongBytes + 4; pass++) {
    const isStrong = pass < strongBytes
    const bytes = isStrong ? strongSums + strongBytes - 1 - pass : blockKeys + pass - strongBytes
    sortByByte(from, to, bytes, isStrong ? strongLength : 4)
    const sorted = to
    to = from
    from = sorted
  }
}

/** Sorts the blocks by one byte each, which lie `stride` bytes apart from `bytes` on. Blocks with equal bytes keep their order. */
function sortByByte(from: usize, to: usize, bytes: usize, stride: u32): void {
  memory.fill(PLACES, 0, 1024)
  for (let block: u32 = 0; block < blockCount; block++) {
    const place = PLACES + <usize>load<u8>(bytes + block * stride) * 4
    store<u32>(place, load<u32>(place) + 1)
  }
  let start: u32 = 0
  for (let place: usize = PLACES; place < PLACES + 1024; place += 4) {
    const count = load<u32>(place)
    store<u32>(place, start)
    start += count
  }
  for (let rank: u32 = 0; rank < blockCount; rank++) {
    const block = load<u32>(from + rank * 4)
    const place = PLACES + <usize>load<u8>(bytes + block * stride) * 4
    const next = load<u32>(place)
    store<u32>(to + next * 4, block)
    store<u32>(place, next + 1)
  }
}

/** Sorts blocks that are sorted by key by strong sum as well. Gives up after `limit` moves: returns whether they sufficed. */
function sortByInsertion(limit: u32): bool {
  let moves: u32 = 0
  for (let rank: u32 = 1; rank < blockCount; rank++) {
    const block = load<u32>(blocks + rank * 4)
    let place = blocks + rank * 4
    for (; place > blocks && compareBlocks(load<u32>(place - 4), block) > 0; place -= 4) {
      if (++moves > limit) return false
      store<u32>(place, load<u32>(place - 4))
    }
    store<u32>(place, block)
  }
  return true
}

/** Keeps the first of the blocks with the same sums. */
function dropDuplicates(): void {
  let first: u32 = 0
  keptCount = 0
  for (let rank: u32 = 0; rank < blockCount; rank++) {
    const block = load<u32>(blocks + rank * 4)
    if (rank == 0 || compareBlocks(first, block) != 0) {
      first = block
      store<u32>(blocks + keptCount * 4, block)
      store<u32>(keys + keptCount * 4, keyOfBlock(block))
      keptCount++
    }
    store<u32>(firsts + block * 4, first)
  }
}

/** Compares two blocks by key, then by strong sum: negative, 0 or positive. */
function compareBlocks(a: u32, b: u32): i32 {
  const keyA = keyOfBlock(a)
  const keyB = keyOfBlock(b)
  if (keyA != keyB) return keyA < keyB ? -1 : 1
  return compareStrong(strongSums + a * strongLength, b)
}

function fillBuckets(): void {
  for (let rank: u32 = 0; rank < keptCount; rank++) {
    const end = buckets + (load<u32>(keys + rank * 4) >> bucketShift) * 4 + 4
    store<u32>(end, load<u32>(end) + 1)
  }
  let start: u32 = 0
  for (let bucket = buckets; bucket < firsts; bucket += 4) {
    start += load<u32>(bucket)
    store<u32>(bucket, start)
  }
}
