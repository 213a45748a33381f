// Computes the records of a signature.
import {
  strongBegin,
  strongChunk,
  strongEnd,
  strongLanes,
  STRONG_SUMS,
  strongUpdate,
  weakSeed,
  weakUpdate,
} from './sums'

/** Weak sum of the current block so far. */
let weakSum: u32 = 0

/** Computes the records of consecutive whole blocks and returns the end of the records. */
export function signBlocks(p: usize, count: u32, blockLength: u32, strongLength: u32, records: usize): usize {
  const lanes = strongLanes()
  let first: u32 = 0
  for (; first + lanes <= count; first += lanes) {
    strongBegin()
    strongEnd(p + first * blockLength, blockLength, blockLength)
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const weak = weakUpdate(weakSeed(), p + (first + lane) * blockLength, blockLength)
      records = writeRecord(weak, STRONG_SUMS + lane * 32, strongLength, records)
    }
  }
  for (; first < count; first++) {
    beginBlock()
    records = endBlock(p + first * blockLength, blockLength, strongLength, records)
  }
  return records
}

/** Begins a block that arrives in pieces. */
export function beginBlock(): void {
  weakSum = weakSeed()
  strongBegin()
}

/** Adds a piece of the block that is not the last one. Returns the number of bytes taken, a whole number of chunks. */
export function updateBlock(p: usize, byteLength: u32): u32 {
  const whole = byteLength & ~(strongChunk() - 1)
  weakSum = weakUpdate(weakSum, p, whole)
  strongUpdate(p, 0, whole)
  return whole
}

/** Adds the last piece of the block, writes its record, and returns the record's end. */
export function endBlock(p: usize, byteLength: u32, strongLength: u32, record: usize): usize {
  weakSum = weakUpdate(weakSum, p, byteLength)
  strongEnd(p, 0, byteLength)
  return writeRecord(weakSum, STRONG_SUMS, strongLength, record)
}

function writeRecord(weak: u32, strongSum: usize, strongLength: u32, record: usize): usize {
  store<u32>(record, bswap<u32>(weak))
  memory.copy(record + 4, strongSum, strongLength)
  return record + 4 + strongLength
}
