import type { IHasher } from 'hash-wasm'
import { SIGNATURE_HEADER_BYTES, WEAK_SUM_BYTES } from '../../src/rsync/wire-format.ts'
import { RABINKARP_SEED, rabinKarpUpdate } from './rabin-karp.ts'

/** The sums of a basis. */
export interface PlainSignature {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Strong sum length in bytes. */
  readonly strongLength: number
  /** The weak sum of each block. */
  readonly weakSums: Uint32Array
  /** The strong sums of the blocks, concatenated. */
  readonly strongSums: Uint8Array
}

/** Computes the signature of bytes in memory: RabinKarp sums in TypeScript, and strong sums with `hash`. */
export function plainSign(basis: Uint8Array, blockLength: number, hash: IHasher): PlainSignature {
  const strongLength = hash.digestSize
  const blockCount = Math.ceil(basis.byteLength / blockLength)
  const weakSums = new Uint32Array(blockCount)
  const strongSums = new Uint8Array(blockCount * strongLength)
  for (let block = 0; block < blockCount; block++) {
    const start = block * blockLength
    const end = Math.min(start + blockLength, basis.byteLength)
    weakSums[block] = rabinKarpUpdate(RABINKARP_SEED, basis, start, end)
    hash.init().update(basis.subarray(start, end))
    strongSums.set(hash.digest('binary'), block * strongLength)
  }
  return { blockLength, strongLength, weakSums, strongSums }
}

/** Encodes a signature in its wire format. */
export function encodeSignature(signature: PlainSignature, magic: number): Uint8Array {
  const { blockLength, strongLength, weakSums, strongSums } = signature
  const recordBytes = WEAK_SUM_BYTES + strongLength
  const bytes = new Uint8Array(SIGNATURE_HEADER_BYTES + weakSums.length * recordBytes)
  const view = new DataView(bytes.buffer)
  for (const [i, field] of [magic, blockLength, strongLength].entries()) view.setUint32(i * 4, field)
  for (const [block, weakSum] of weakSums.entries()) {
    const offset = SIGNATURE_HEADER_BYTES + block * recordBytes
    view.setUint32(offset, weakSum)
    bytes.set(strongSums.subarray(block * strongLength, (block + 1) * strongLength), offset + WEAK_SUM_BYTES)
  }
  return bytes
}
