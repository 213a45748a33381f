import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, equalBytes } from '../../src/bytes/byte-order.ts'
import { loadLz4 } from '../../src/store/codecs/lz4.ts'
import { loadLz4Kernel } from '../../src/store/codecs/lz4-kernel.ts'
import { anySequences, blockOf, type FrameFields, frameOf, little, modelBlock } from '../support/lz4-model.ts'
import { assemble } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'
import { randomBytes } from '../support/streams.ts'
import { LZ4_VECTORS } from '../support/vectors/lz4.ts'

const lz4 = await loadLz4()
const kernel = await loadLz4Kernel()

/** Contents with near and far repetitions, of lengths around those where the format changes. */
const anyPieces = fc.array(
  fc.oneof(
    fc.record({ random: fc.integer({ min: 0, max: 300 }), seed: fc.nat(9) }),
    fc.record({ fill: fc.integer({ min: 0, max: 600 }), value: fc.nat(255) }),
    fc.constant({ random: 70_000, seed: 3 }),
    fc.record({ text: fc.constantFrom('ab', 'honey', 'honeycomb', 'x') }),
  ),
  { maxLength: 8 },
)

const anyOptions = fc.record({
  contentChecksum: fc.boolean(),
  blockChecksums: fc.boolean(),
  blockBytes: fc.constantFrom(undefined, 65_536),
})

describe.each(LZ4_VECTORS)("lz4's frame of $name", ({ content, frame }) => {
  const bytes = fromBase64(frame)
  const expected = assemble(content)

  it('is decompressed', () => {
    expect(equalBytes(lz4.decompress(bytes, expected.byteLength), expected)).toBe(true)
  })

  it('is reported as truncated wherever it is cut', () => {
    for (let length = 0; length < bytes.byteLength; length += length < 40 ? 1 : 17) {
      const error = expect.objectContaining({ name: 'FormatError', reason: 'truncated', offset: length })
      expect(() => lz4.decompress(bytes.subarray(0, length), expected.byteLength), `${length}`).toThrow(error)
    }
  })

  it('is refused if it has more content than the limit', () => {
    if (expected.byteLength === 0) return
    const error = expect.objectContaining({ name: 'FormatError', reason: 'limit' })
    expect(() => lz4.decompress(bytes, expected.byteLength - 1)).toThrow(error)
  })

  it('yields its content or an error if one of its bits is flipped', () => {
    const property = fc.property(fc.nat(8 * bytes.byteLength - 1), (bit) => {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const result = outcome(() => lz4.decompress(flipped, expected.byteLength))
      // Without a checksum of the content, a flipped bit may change it. All but one of the vectors have one.
      const hasChecksum = (bytes[4]! & 4) !== 0 && (flipped[4]! & 4) !== 0
      return typeof result === 'string' || !hasChecksum || equalBytes(result, expected)
    })
    expect(() => fc.assert(property, { numRuns: runs(60) })).not.toThrow()
  })
})

describe('a frame of LZ4', () => {
  it('is read back, whatever the content and the options', () => {
    fc.assert(
      fc.property(anyPieces, anyOptions, (pieces, options) => {
        const content = assemble(pieces)
        const frame = lz4.compress(content, Infinity, options)!
        expect(equalBytes(lz4.decompress(frame, content.byteLength), content)).toBe(true)
      }),
      { numRuns: runs(100) },
    )
  })

  it('is returned only if it fits the given size', () => {
    fc.assert(
      fc.property(anyPieces, anyOptions, fc.integer({ min: -20, max: 20 }), (pieces, options, difference) => {
        const content = assemble(pieces)
        const { byteLength } = lz4.compress(content, Infinity, options)!
        const frame = lz4.compress(content, byteLength + difference, options)
        if (difference >= 0) expect(frame?.byteLength).toBe(byteLength)
        // With less room, a block may be stored uncompressed, but the frame never exceeds the room.
        else expect(frame?.byteLength ?? 0).toBeLessThanOrEqual(Math.max(0, byteLength + difference))
      }),
      { numRuns: runs(100) },
    )
  })

  it('is little longer than its content if that is random', () => {
    const content = randomBytes(100_000)
    expect(lz4.compress(content, 100_100)?.byteLength).toBe(100_000 + 23)
    expect(lz4.compress(content, 93_750)).toBeUndefined()
  })

  it('is short if its content repeats', () => {
    const content = assemble([...Array(20)].map(() => ({ random: 5000, seed: 4 })))
    expect(lz4.compress(content, Infinity)!.byteLength).toBeLessThan(6000)
  })

  it('has blocks that refer to earlier ones only if it says so', () => {
    fc.assert(
      fc.property(fc.array(anySequences, { maxLength: 4 }), fc.boolean(), (all, isLinked) => {
        const blocks = all.filter((sequences) => sequences.length > 0).map(blockOf)
        let expected: Uint8Array<ArrayBuffer> | undefined = new Uint8Array(0)
        for (const block of blocks) {
          const content: Uint8Array | undefined = expected && modelBlock(block, 65_536, isLinked ? expected : undefined)
          expected = content && concatBytes(expected!, content)
        }
        const result = outcome(() => lz4.decompress(frameOf({ blocks, flags: isLinked ? 0x40 : 0x60 }), 1_000_000))
        expect(result).toEqual(expected ?? 'invalid')
      }),
      { numRuns: runs(300) },
    )
  })

  it('may follow other frames, and frames to skip', () => {
    const first = lz4.compress(randomBytes(100, 1), Infinity)!
    const second = fromBase64(LZ4_VECTORS.find(({ name }) => name === 'linked blocks')!.frame)
    const skipped = concatBytes(little(0x184d2a5f, 4), little(3, 4), randomBytes(3))
    const frames = concatBytes(skipped, first, second, skipped, skipped)
    const expected = concatBytes(randomBytes(100, 1), lz4.decompress(second, 200_000))
    expect(equalBytes(lz4.decompress(frames, expected.byteLength), expected)).toBe(true)
    expect(outcome(() => lz4.decompress(frames, expected.byteLength - 1))).toBe('limit')
    expect(lz4.decompress(skipped, 0)).toEqual(new Uint8Array(0))
    expect(outcome(() => lz4.decompress(skipped.subarray(0, 10), 0))).toBe('truncated')
  })

  it('may have any number of blocks, of one byte or of none', () => {
    const empty = frameOf({ blocks: [] })
    const blocks = new Uint8Array(9 * 150_000).map((_, index) => [1, 0, 0, 0x80, 7, 0, 0, 0, 0x80][index % 9]!)
    const frame = concatBytes(empty.subarray(0, -4), blocks, little(0, 4))
    expect(equalBytes(lz4.decompress(frame, 150_000), new Uint8Array(150_000).fill(7))).toBe(true)
    expect(outcome(() => lz4.decompress(frame, 149_999))).toBe('limit')
  })

  const block = blockOf([{ literals: randomBytes(9), distance: 0, matchLength: 0 }])
  it.each<[string, FrameFields, string]>([
    ['another magic number', { magic: 0x12345678 }, 'magic'],
    ['the magic number of the format before 2014', { magic: 0x184c2102 }, 'unsupported'],
    ['another version', { flags: 0xa0 }, 'unsupported'],
    ['a reserved flag', { flags: 0x62 }, 'unsupported'],
    ['a dictionary', { dictionary: 1 }, 'unsupported'],
    ['blocks of another size', { blockSizes: 0x30 }, 'unsupported'],
    ['content of 2^32 bytes', { contentSize: 2 ** 32, blocks: [block] }, 'limit'],
    ['content of 2^64 - 2^11 bytes', { contentSize: 2 ** 64 - 2 ** 11, blocks: [block] }, 'limit'],
    ['more content than its blocks can have', { contentSize: 1_000_000, blocks: [block] }, 'truncated'],
    ['less content than it states', { contentSize: 10, blocks: [block] }, 'invalid'],
    ['more content than it states', { contentSize: 8, blocks: [block] }, 'invalid'],
    ['a block that is longer than its frame allows', { blocks: [block], lengths: [65_537] }, 'invalid'],
    ['a block that is longer than the frame', { blocks: [block], lengths: [65_536] }, 'truncated'],
    ['bytes after it', { after: Uint8Array.of(1, 2, 3, 4) }, 'magic'],
  ])('is refused if it has %s', (_, fields, reason) => {
    expect(outcome(() => lz4.decompress(frameOf(fields), 1_000_000))).toBe(reason)
  })

  it('is refused if a checksum is wrong', () => {
    const frame = lz4.compress(randomBytes(50), Infinity, { contentChecksum: true, blockChecksums: true })!
    for (const [what, offset] of [
      ['descriptor', 14],
      ['block', 15 + 4 + 50],
      ['content', frame.byteLength - 1],
    ] as const) {
      const flipped = frame.slice()
      flipped[offset]! ^= 1
      expect(
        outcome(() => lz4.decompress(flipped, 50)),
        what,
      ).toBe('invalid')
    }
  })
})

describe('a block of LZ4', () => {
  const anyBlock = fc.oneof(
    { weight: 3, arbitrary: anySequences.map(blockOf) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    {
      weight: 1,
      arbitrary: fc.tuple(anySequences, fc.nat(), fc.nat(255)).map(([sequences, at, value]) => {
        const block = blockOf([...sequences, { literals: new Uint8Array(5), distance: 1, matchLength: 4 }])
        block[at % block.byteLength] = value
        return block
      }),
    },
  )

  it('is decompressed to what the format says, or refused, whatever its bytes', () => {
    let accepted = 0
    let refused = 0
    const property = fc.property(
      anyBlock,
      fc.integer({ min: -60, max: 20 }),
      fc.nat(30),
      (block, more, windowLength) => {
        const window = randomBytes(windowLength)
        const room = Math.max(0, (modelBlock(block, Infinity, window)?.byteLength ?? 500) + more)
        const expected = modelBlock(block, room, window)
        expect(kernel.decompress(block, room, window)?.slice()).toEqual(expected)
        if (expected) accepted++
        else refused++
      },
    )
    fc.assert(property, { numRuns: 2000 })
    expect(Math.min(accepted, refused)).toBeGreaterThan(100)
  })

  it('is made only if it fits in the room', () => {
    fc.assert(
      fc.property(anyPieces, fc.nat(60), (pieces, less) => {
        const content = assemble(pieces)
        const block = kernel.compress(content, 2 * content.byteLength + 20)!.slice()
        const room = Math.max(0, block.byteLength - less)
        expect(kernel.compress(content, room)?.byteLength ?? 0).toBe(less === 0 ? block.byteLength : 0)
        expect(equalBytes(modelBlock(block, content.byteLength)!, content)).toBe(true)
      }),
      { numRuns: runs(60) },
    )
  })
})

/** Returns the result of a call, or the reason of its FormatError. */
function outcome(call: () => Uint8Array): Uint8Array | string {
  try {
    return call()
  } catch (error) {
    if ((error as Error).name !== 'FormatError') throw error
    return (error as { reason: string }).reason
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
