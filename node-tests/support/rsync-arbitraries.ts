import * as fc from 'fast-check'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import type { Piece } from './pieces.ts'
import type { PatchModelOptions } from './rsync-models.ts'

/** Integers that break a careless parser. */
const AWKWARD = [0, 1, 2, 0x3f, 0x40, 0x41, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x1000000, 0x1000001]
  .map(BigInt)
  .concat([31n, 32n, 53n, 63n, 64n].flatMap((bits) => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]))

const WIDTHS = [1, 2, 4, 8]
const MAGIC_DELTA = Uint8Array.of(0x72, 0x73, 2, 0x36)
const END = Uint8Array.of(0)

/** How a job is fed: bytes of input, output room and basis at a time. */
export interface Cut {
  readonly inputBytes: number
  readonly outputBytes: number
  readonly basisBytes: number
}

/** Any way to feed a job, down to one byte. */
export const anyCut: fc.Arbitrary<Cut> = fc.record({
  inputBytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_000)),
  outputBytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_000)),
  basisBytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_000)),
})

/**
 * A valid delta for a basis of the given size, with fields wider than necessary, and copies that are adjacent or jump.
 */
export function anyDelta(basisSize: number, maxCommands = 8): fc.Arbitrary<Uint8Array> {
  return deltaOf(basisSize, maxCommands, fc.constant(undefined))
}

/** Such a delta, except that some of its copies have the length `wrongLength`. */
function deltaOf(
  basisSize: number,
  maxCommands: number,
  wrongLength: fc.Arbitrary<bigint | undefined>,
): fc.Arbitrary<Uint8Array> {
  const widthAt = fc.nat(WIDTHS.length - 1)
  const literal = fc.record({
    data: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    widthAt: fc.option(widthAt, { nil: undefined }),
  })
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const copy = fc.record({
    isAdjacent: fc.boolean(),
    at: fraction,
    share: fraction,
    widthsAt: fc.tuple(widthAt, widthAt),
    wrongLength,
  })
  const commands = fc.array(basisSize > 0 ? fc.oneof(literal, copy, copy) : literal, { maxLength: maxCommands })
  return commands.map((each) => {
    let last = 0
    const parts = each.map((command) => {
      if ('data' in command) return literalOf(command.data, command.widthAt)
      const position = command.isAdjacent && last < basisSize ? last : Math.floor(command.at * basisSize)
      const length = 1 + Math.floor(command.share ** 3 * (basisSize - position))
      last = position + length
      return copyOf(BigInt(position), command.wrongLength ?? BigInt(length), command.widthsAt)
    })
    return concatBytes(MAGIC_DELTA, ...parts, END)
  })
}

function literalOf(data: Uint8Array, widthAt: number | undefined): Uint8Array {
  const isShort = widthAt === undefined && data.byteLength <= 0x40
  if (isShort) return concatBytes(Uint8Array.of(data.byteLength), data)
  const opcode = Uint8Array.of(0x41 + (widthAt ?? 0))
  return concatBytes(opcode, integer(BigInt(data.byteLength), WIDTHS[widthAt ?? 0]!), data)
}

function copyOf(position: bigint, length: bigint, leastWidthsAt: [number, number]): Uint8Array {
  const [p, l] = [widthFor(position, leastWidthsAt[0]), widthFor(length, leastWidthsAt[1])]
  return concatBytes(Uint8Array.of(0x45 + 4 * p + l), integer(position, WIDTHS[p]!), integer(length, WIDTHS[l]!))
}

/** Index of the first width that holds a value, at least `least`. */
function widthFor(value: bigint, least: number): number {
  const at = WIDTHS.findIndex((width, i) => i >= least && value < 2n ** BigInt(8 * width))
  return at === -1 ? WIDTHS.length - 1 : at
}

/** The bytes of a valid signature, or of one whose header is slightly wrong. */
const anySignature: fc.Arbitrary<Uint8Array> = fc
  .record({
    sums: fc.constantFrom(0x36, 0x37, 0x46, 0x47, 0x47, 0x47),
    blockLength: fc.oneof(
      fc.integer({ min: 1, max: 5000 }),
      fc.constantFrom(...AWKWARD.map((n) => Number(n % 2n ** 32n))),
    ),
    strongLength: fc.oneof(
      fc.integer({ min: 0, max: 34 }),
      fc.constantFrom(...AWKWARD.map((n) => Number(n % 2n ** 32n))),
    ),
    records: fc.nat(6),
    rest: fc.oneof(fc.constant(0), fc.nat(36)),
    seed: fc.nat(255),
  })
  .map(({ sums, blockLength, strongLength, records, rest, seed }) => {
    const recordBytes = 4 + Math.min(strongLength || (sums & 1 ? 32 : 16), 32)
    return concatBytes(
      Uint8Array.of(0x72, 0x73, 1, sums),
      integer(BigInt(blockLength), 4),
      integer(BigInt(strongLength), 4),
      Uint8Array.from({ length: records * recordBytes + rest }, (_, i) => i * 7 + seed),
    )
  })

/** Bytes with one to four mutations: flipped bits, truncation, insertions, removals, opcodes, awkward integers. */
function mutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('truncate' as const), at }),
    fc.record({ kind: fc.constant('insert' as const), at, added: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
    fc.record({ kind: fc.constant('remove' as const), at, count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('opcode' as const), at, opcode: fc.integer({ min: 0, max: 0x60 }) }),
    fc.record({
      kind: fc.constant('overwrite' as const),
      at,
      value: fc.constantFrom(...AWKWARD),
      width: fc.constantFrom(...WIDTHS),
    }),
  )
  return fc.tuple(bytes, fc.array(mutation, { minLength: 1, maxLength: 4 })).map(([original, mutations]) => {
    let result = original
    for (const each of mutations) {
      const offset = Math.floor(each.at * (result.byteLength + 1))
      const [before, after] = [result.slice(0, offset), result.slice(offset)]
      switch (each.kind) {
        case 'flip':
          if (after.byteLength > 0) after[0]! ^= 1 << each.bit
          result = concatBytes(before, after)
          break
        case 'truncate':
          result = before
          break
        case 'insert':
          result = concatBytes(before, each.added, after)
          break
        case 'remove':
          result = concatBytes(before, after.subarray(each.count))
          break
        case 'opcode':
          result = concatBytes(before, Uint8Array.of(each.opcode), after.subarray(1))
          break
        default:
          result = concatBytes(before, integer(each.value, each.width), after.subarray(each.width))
      }
    }
    return result
  })
}

/** All kinds of bytes that a delta parser may meet. */
export function anyDeltaBytes(basisSize: number, maxCommands = 8): fc.Arbitrary<Uint8Array> {
  const delta = anyDelta(basisSize, maxCommands)
  const nearly = deltaOf(basisSize, maxCommands, fc.option(fc.constantFrom(...AWKWARD), { nil: undefined, freq: 3 }))
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom(0, 1, 2, 3, 0x40, 0x41, 0x44, 0x45, 0x46, 0x49, 0x54, 0x55, 0xff), { maxLength: 60 }),
  )
  const begun = body.map((bytes) => concatBytes(MAGIC_DELTA, Uint8Array.from(bytes)))
  return fc.oneof(
    delta,
    nearly,
    begun,
    mutated(delta),
    mutated(nearly),
    mutated(begun),
    fc.uint8Array({ maxLength: 20 }),
  )
}

/** All kinds of bytes that a signature parser may meet. */
export const anySignatureBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  anySignature,
  mutated(anySignature),
  fc.uint8Array({ maxLength: 50 }),
)

/** Options for a patch whose result has some hundred bytes. */
export const anyPatchOptions: fc.Arbitrary<PatchModelOptions> = fc.record({
  maxOutputLength: fc.oneof(fc.nat(3000), fc.constantFrom(undefined, 100_000)),
  expected: fc.oneof(fc.constant(undefined), fc.record({ size: fc.nat(1500) })),
  trailingBytes: fc.constantFrom(undefined, 'error' as const, 'ignore' as const),
})

/** A file in pieces, of up to some 100 kB. If there is a basis, some of them are ranges of it. */
export function anyPieces(basisSize: number): fc.Arbitrary<Piece[]> {
  const length = fc.oneof({ weight: 5, arbitrary: fc.nat(3000) }, fc.nat(70_000))
  const fresh = [
    fc.record({ random: length, seed: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ fill: length, value: fc.nat(2) }),
    fc.record({ text: fc.string({ maxLength: 20 }) }),
  ]
  const range = fc.tuple(fc.nat(basisSize), length).map(([from, byteLength]) => ({ from, to: from + byteLength }))
  const piece: fc.Arbitrary<Piece> = basisSize > 0 ? fc.oneof(range, range, range, ...fresh) : fc.oneof(...fresh)
  return fc.array(piece, { maxLength: 8 })
}

function integer(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width)
  for (let i = width - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}
