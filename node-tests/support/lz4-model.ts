import * as fc from 'fast-check'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { loadXxh32 } from '../../src/store/codecs/xxh32.ts'

const xxh32 = await loadXxh32()

/** A sequence of an LZ4 block: literals, then a match. The last sequence has no match. */
export interface Sequence {
  readonly literals: Uint8Array
  readonly distance: number
  readonly matchLength: number
}

/** Any sequences, valid or not: distances may reach too far or be 0. */
export const anySequences: fc.Arbitrary<Sequence[]> = fc.array(
  fc.record({
    literals: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.uint8Array({ minLength: 12, maxLength: 40 }),
      fc.integer({ min: 250, max: 600 }).map((byteLength) => new Uint8Array(byteLength).fill(byteLength)),
    ),
    distance: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 20 }) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 65_535) },
    ),
    matchLength: fc.oneof(fc.integer({ min: 4, max: 20 }), fc.integer({ min: 4, max: 700 })),
  }),
  { maxLength: 12 },
)

/** Writes a block that ends with the literals of its last sequence. */
export function blockOf(sequences: readonly Sequence[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  const rest = (length: number): void => {
    for (let left = length - 15; left >= 0; left -= 255) bytes.push(Math.min(left, 255))
  }
  sequences.forEach(({ literals, distance, matchLength }, index) => {
    const isLast = index === sequences.length - 1
    const coded = isLast ? 0 : matchLength - 4
    bytes.push((Math.min(literals.byteLength, 15) << 4) | Math.min(coded, 15))
    rest(literals.byteLength)
    bytes.push(...literals)
    if (isLast) return
    bytes.push(distance & 0xff, distance >> 8)
    rest(coded)
  })
  return Uint8Array.from(bytes)
}

/**
 * Decompresses a block byte by byte, as the format says. Returns undefined if it is damaged or has more than `room`
 * bytes. Matches may reach back into `window`, the bytes before it.
 */
export function modelBlock(block: Uint8Array, room: number, window = new Uint8Array(0)): Uint8Array | undefined {
  const content = [...window]
  const most = room + window.byteLength
  let at = 0
  const length = (low: number): number => {
    let sum = low
    if (low === 15) {
      do sum += block[at] ?? NaN
      while (block[at++] === 255)
    }
    return sum
  }
  while (at < block.byteLength) {
    const token = block[at++]!
    const literalLength = length(token >> 4)
    if (!(at + literalLength <= block.byteLength && content.length + literalLength <= most)) return undefined
    for (const end = at + literalLength; at < end; at++) content.push(block[at]!)
    if (at === block.byteLength) return Uint8Array.from(content.slice(window.byteLength))
    const distance = block[at]! | (block[at + 1]! << 8)
    if (at + 2 > block.byteLength || distance === 0 || distance > content.length) return undefined
    at += 2
    const matchLength = length(token & 15) + 4
    if (!(content.length + matchLength <= most)) return undefined
    for (let i = 0; i < matchLength; i++) content.push(content[content.length - distance]!)
  }
  return undefined
}

/** Fields of a frame that is written by hand, valid or not. */
export interface FrameFields {
  readonly magic?: number
  readonly flags?: number
  readonly blockSizes?: number
  readonly contentSize?: number | undefined
  readonly dictionary?: number
  readonly blocks?: readonly Uint8Array[]
  /** Length fields to write instead of the lengths of the blocks. */
  readonly lengths?: readonly number[]
  readonly after?: Uint8Array
}

/** Writes a frame with these fields and the correct checksum of the descriptor. */
export function frameOf({
  magic = 0x184d2204,
  contentSize,
  dictionary,
  flags = 0x60 | (contentSize === undefined ? 0 : 8) | (dictionary === undefined ? 0 : 1),
  blockSizes = 0x40,
  blocks = [],
  lengths = [],
  after = new Uint8Array(0),
}: FrameFields): Uint8Array<ArrayBuffer> {
  const descriptor = concatBytes(
    Uint8Array.of(flags, blockSizes),
    contentSize === undefined ? new Uint8Array(0) : little(contentSize, 8),
    dictionary === undefined ? new Uint8Array(0) : little(dictionary, 4),
  )
  const checksum = Uint8Array.of((xxh32(descriptor) >> 8) & 0xff)
  const parts = blocks.flatMap((block, index) => [little(lengths[index] ?? block.byteLength, 4), block])
  return concatBytes(little(magic, 4), descriptor, checksum, ...parts, little(0, 4), after)
}

/** Encodes a little-endian integer. */
export function little(value: number, byteLength: number): Uint8Array<ArrayBuffer> {
  let rest = BigInt(value)
  return Uint8Array.from({ length: byteLength }, () => {
    const byte = Number(rest & 0xffn)
    rest >>= 8n
    return byte
  })
}
