// The weak and strong sums that a signature uses, chosen for each job.
import { BLAKE2B_CHUNK, blake2bBegin, blake2bEnd, blake2bUpdate } from './blake2b'
import { MD4_CHUNK, md4Begin, md4End, md4Update } from './md4'
import { RABINKARP_SEED, rabinKarpUpdate } from './rabin-karp'
import { rollsumUpdate } from './rollsum'

/** The strong sums of up to four blocks, 32 bytes apart. */
export const STRONG_SUMS = memory.data(128, 16)

export let isRollsum: bool = false
let isMd4: bool = false

/** Chooses the sums. Must be called before a job uses the instance. */
export function chooseSums(rollsum: bool, md4: bool): void {
  isRollsum = rollsum
  isMd4 = md4
}

/** Number of blocks whose strong sums are computed in parallel. */
export function strongLanes(): u32 {
  return isMd4 ? 4 : 2
}

export function weakSeed(): u32 {
  return isRollsum ? 0 : RABINKARP_SEED
}

export function weakUpdate(sum: u32, p: usize, byteLength: u32): u32 {
  return isRollsum ? rollsumUpdate(sum, p, byteLength) : rabinKarpUpdate(sum, p, byteLength)
}

/** Begins the strong sums of blocks of equal length. */
export function strongBegin(): void {
  if (isMd4) md4Begin()
  else blake2bBegin()
}

/** {@linkcode strongUpdate} takes a multiple of this many bytes. */
export function strongChunk(): u32 {
  return isMd4 ? MD4_CHUNK : BLAKE2B_CHUNK
}

/** Adds bytes of each block; more must follow. The blocks are `stride` bytes apart, 0 for a single block. */
export function strongUpdate(p: usize, stride: usize, byteLength: u32): void {
  if (isMd4) md4Update(p, stride, byteLength)
  else blake2bUpdate(p, p + stride, byteLength)
}

/** Adds the last bytes of each block and leaves the sums in {@linkcode STRONG_SUMS}. */
export function strongEnd(p: usize, stride: usize, byteLength: u32): void {
  if (isMd4) md4End(p, stride, byteLength, STRONG_SUMS)
  else blake2bEnd(p, p + stride, byteLength, STRONG_SUMS)
}
