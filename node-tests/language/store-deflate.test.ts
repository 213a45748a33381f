import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { decodeBlock } from '../../src/store/codecs/block-codecs.ts'
import { loadDeflate } from '../../src/store/codecs/deflate.ts'
import { CODEC_DEFLATE } from '../../src/store/rows/row-values.ts'
import { assemble, type Piece } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'

const deflate = await loadDeflate()

/** `hello hello hello hello`, compressed by zlib at its default level. */
const ZLIB_VECTOR = 'eJzLSM3JyVfIQCcBaAMIsQ=='

const CONTENTS: readonly (readonly [string, readonly Piece[]])[] = [
  ['nothing', []],
  ['random bytes', [{ random: 5000, seed: 1 }]],
  ['a run', [{ fill: 20_000, value: 9 }]],
  ['random bytes that repeat', [{ random: 3000, seed: 2 }, { fill: 9 }, { random: 3000, seed: 2 }]],
]

describe('deflate', () => {
  it("decompresses zlib's bytes", () => {
    const bytes = Uint8Array.from(atob(ZLIB_VECTOR), (character) => character.charCodeAt(0))
    expect(new TextDecoder().decode(deflate.decompress(bytes, 100))).toBe('hello hello hello hello')
  })

  it.each(CONTENTS)('of %s is decompressed into its own array up to the limit, and refused above it', (_, pieces) => {
    const content = assemble(pieces)
    const compressed = deflate.compress(content, Infinity)!
    const result = deflate.decompress(compressed, content.byteLength)
    expect(equalBytes(result, content)).toBe(true)
    expect(result.buffer.byteLength).toBe(content.byteLength)
    if (content.byteLength === 0) return
    const error = expect.objectContaining({ name: 'FormatError', reason: 'limit' })
    expect(() => deflate.decompress(compressed, content.byteLength - 1)).toThrow(error)
  })

  it.each(CONTENTS)('of %s is returned only if it fits the given size', (_, pieces) => {
    const content = assemble(pieces)
    const compressed = deflate.compress(content, Infinity)!
    expect(deflate.compress(content, compressed.byteLength)).toEqual(compressed)
    expect(deflate.compress(content, compressed.byteLength - 1)).toBeUndefined()
  })

  it.each(CONTENTS)(
    'of %s yields the block or a FormatError if it is cut or its bytes are changed',
    async (_, pieces) => {
      const content = assemble(pieces)
      const compressed = deflate.compress(content, Infinity)!
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 })
      const length = fc.oneof(fc.constant(compressed.byteLength), fc.nat(compressed.byteLength))
      const property = fc.asyncProperty(length, changes, async (byteLength, changed) => {
        const bytes = compressed.slice(0, byteLength)
        for (const [at, value] of changed) if (byteLength > 0) bytes[at % byteLength] = value
        try {
          return equalBytes(await decodeBlock(CODEC_DEFLATE, bytes, content.byteLength), content)
        } catch (error) {
          return (error as Error).name === 'FormatError'
        }
      })
      await expect(fc.assert(property, { numRuns: runs(150) })).resolves.toBeUndefined()
    },
  )

  it('of a damaged run that fflate takes for nothing, with the checksum of nothing, is not a block', async () => {
    const damaged = deflate.compress(new Uint8Array(20_000).fill(9), Infinity)!.slice(0, 22)
    damaged.set([0xa1, 0], 15)
    damaged[21] = 1
    expect(deflate.decompress(damaged, 20_000)).toHaveLength(0)
    const error = expect.objectContaining({ name: 'FormatError', reason: 'invalid' })
    await expect(decodeBlock(CODEC_DEFLATE, damaged, 20_000)).rejects.toEqual(error)
  })

  it('of any bytes yields a FormatError or bytes within the limit', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(500), (bytes, limit) => {
      bytes.set([0x78, 0x9c].slice(0, bytes.byteLength))
      try {
        return deflate.decompress(bytes, limit).byteLength <= limit
      } catch (error) {
        return (error as Error).name === 'FormatError'
      }
    })
    expect(() => fc.assert(property, { numRuns: runs(1000) })).not.toThrow()
  })
})
