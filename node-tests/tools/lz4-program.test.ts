import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { loadDeflate } from '../../src/store/codecs/deflate.ts'
import { loadLz4 } from '../../src/store/codecs/lz4.ts'
import { assemble, type Piece } from '../support/pieces.ts'

const lz4 = await loadLz4()
const deflate = await loadDeflate()
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
afterAll(() => rmSync(folder, { recursive: true }))

const MIB = 2 ** 20

const CONTENTS: readonly (readonly [string, readonly Piece[]])[] = [
  ['nothing', []],
  ['12 bytes', [{ fill: 12 }]],
  ['13 bytes', [{ fill: 13 }]],
  ['more random bytes than a small block has', [{ random: 65_537, seed: 1 }]],
  ['a block of the store that repeats itself near and far', repeating(1_000_000)],
  ['more than the largest block', [...repeating(2 * MIB), { random: MIB, seed: 5 }, ...repeating(2 * MIB)]],
]

describe.each(CONTENTS)('%s', (_, pieces) => {
  const content = assemble(pieces)
  const path = join(folder, 'content')

  it.each([[{}], [{ contentChecksum: true, blockChecksums: true }], [{ blockBytes: 65_536 }]])(
    'in our frame with options %o is accepted by lz4',
    (options) => {
      writeFileSync(path, lz4.compress(content, Infinity, options)!)
      const decompressed = execFileSync('lz4', ['-q', '-d', '-c', path], { maxBuffer: 2 * content.byteLength + MIB })
      expect(equalBytes(decompressed, content)).toBe(true)
    },
  )

  it.each(['-1', '-9 -BD', '-B4', '-B4 -BD -BX --content-size', '-12 -B6 --no-frame-crc', '--fast=20'])(
    'in a frame of lz4 %s is read',
    (options) => {
      writeFileSync(path, content)
      const frame = execFileSync('lz4', ['-q', ...options.split(' '), '-c', path], {
        maxBuffer: 2 * MIB + content.byteLength,
      })
      expect(equalBytes(lz4.decompress(frame, content.byteLength), content)).toBe(true)
    },
  )

  it('in deflate is exchanged with zlib', () => {
    expect(equalBytes(inflateSync(deflate.compress(content, Infinity)!), content)).toBe(true)
    for (const level of [1, 9]) {
      expect(equalBytes(deflate.decompress(deflateSync(content, { level }), content.byteLength), content)).toBe(true)
    }
  })
})

/** Bytes that repeat after some tens, thousands and a hundred thousand bytes. */
function repeating(byteLength: number): Piece[] {
  const part: Piece[] = [
    { random: 900, seed: 2 },
    { text: 'honeycomb '.repeat(300) },
    { random: 900, seed: 2 },
    { random: 90_000, seed: 3 },
    { fill: 5200 },
  ]
  return Array.from({ length: Math.ceil(byteLength / 100_000) }, () => part).flat()
}
