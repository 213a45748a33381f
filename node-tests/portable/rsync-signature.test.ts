import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { loadStrongSum, Signature, SignatureJob, type SignatureOptions, SignatureStream } from '../../src/rsync.ts'
import { signatureParameters } from '../../src/rsync/parameters.ts'
import { RABINKARP_SEED, rabinKarpUpdate, RabinKarpWindow } from '../../src/rsync/rabin-karp.ts'
import { difference, hex, runJob } from '../support/jobs.ts'
import { CHUNK_SIZES, chunked, randomBytes } from '../support/streams.ts'

const strongSum = await loadStrongSum()

describe('the RabinKarp sum', () => {
  const sumOf = (...bytes: number[]): number =>
    rabinKarpUpdate(RABINKARP_SEED, Uint8Array.from(bytes), 0, bytes.length) >>> 0

  it('has the published values', () => {
    expect(sumOf()).toBe(1)
    expect(sumOf(0)).toBe(0x08104225)
    expect(sumOf(0, 1, 2, 3)).toBe(0xaf981e97)
    expect(sumOf(...Array.from({ length: 256 }, (_, i) => i))).toBe(0xc1972381)
  })

  it.each([1, 2, 7, 8, 64, 100])('is the same rolled, shrunk and afresh, for a window of %d', (length) => {
    const bytes = randomBytes(300, length)
    const window = new RabinKarpWindow(length)
    window.reset(bytes, 0, length)
    for (let i = 0; i < bytes.byteLength; i++) {
      const end = Math.min(i + length, bytes.byteLength)
      expect(window.sum).toBe(rabinKarpUpdate(RABINKARP_SEED, bytes, i, end) >>> 0)
      if (end < bytes.byteLength) window.rotate(bytes[i]!, bytes[end]!)
      else window.shrink(bytes[i]!)
    }
  })
})

describe('the default parameters', () => {
  it.each([
    [undefined, 2048, 12],
    [0, 256, 5],
    [65_536, 256, 6],
    [65_537, 256, 6],
    [2 ** 20, 1024, 7],
    [4 * 2 ** 20, 2048, 7],
    [100 * 2 ** 20, 10_240, 7],
    [2 ** 30, 32_768, 8],
    [32 * 2 ** 30, 185_344, 9],
    // Above 2^52 the square root as a double is one too large for one less than a square.
    [(2 ** 26 + 128) ** 2, 2 ** 26 + 128, 12],
    [(2 ** 26 + 128) ** 2 - 1, 2 ** 26, 12],
  ])('for a source of %s bytes are those of librsync', (sourceLength, blockLength, minStrongLength) => {
    expect(signatureParameters({ sourceLength })).toEqual({ blockLength, strongLength: 32 })
    expect(signatureParameters({ sourceLength, strongLength: 'max' })).toEqual({ blockLength, strongLength: 32 })
    expect(signatureParameters({ sourceLength, strongLength: 'min' })).toEqual({
      blockLength,
      strongLength: minStrongLength,
    })
  })

  it.each<[SignatureOptions, string]>([
    [{ blockLength: 0 }, 'RangeError'],
    [{ blockLength: 2 ** 31 }, 'RangeError'],
    [{ blockLength: 1.5 }, 'TypeError'],
    [{ blockLength: '256' as never }, 'TypeError'],
    [{ strongLength: 0 }, 'RangeError'],
    [{ strongLength: 33 }, 'RangeError'],
    [{ strongLength: 'all' as never }, 'TypeError'],
    [{ sourceLength: -1 }, 'RangeError'],
    [{ sourceLength: NaN }, 'TypeError'],
    [{ sourceLength: 2 ** 53 }, 'RangeError'],
  ])('refuse %o', (options, name) => {
    expect(() => new SignatureStream(options)).toThrow(expect.objectContaining({ name }))
    expect(() => new SignatureJob(strongSum, options)).toThrow(expect.objectContaining({ name }))
  })
})

describe('SignatureJob', () => {
  it('gives the signature of the specification', () => {
    const hello = new TextEncoder().encode('hello')
    const bytes = runJob(new SignatureJob(strongSum, { sourceLength: 5, strongLength: 8 }), hello)
    expect(bytes).toEqual(hex('7273014700000100 00000008 c9183e85 324dcf027dd4a30a'))
  })

  it('gives a header alone for no bytes', () => {
    expect(runJob(new SignatureJob(strongSum), new Uint8Array(0))).toEqual(hex('727301470000080000000020'))
  })

  it('gives the same bytes however input and output are cut', () => {
    const bytes = randomBytes(3000, 5)
    const options = { blockLength: 700, strongLength: 9 }
    const expected = runJob(new SignatureJob(strongSum, options), bytes)
    expect(expected.byteLength).toBe(12 + 5 * 13)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3100 }), fc.integer({ min: 1, max: 100 }), (inputBytes, outputBytes) => {
        const job = new SignatureJob(strongSum, options)
        expect(difference(runJob(job, bytes, { inputBytes, outputBytes }), expected)).toBeUndefined()
        expect(job.statistics).toMatchObject({
          inputBytes: 3000,
          outputBytes: 77,
          signatureBlocks: 5,
          blockLength: 700,
        })
      }),
      { numRuns: 50 },
    )
  })

  it('does nothing more once it is done', () => {
    const job = new SignatureJob(strongSum)
    runJob(job, randomBytes(10))
    expect(job.iterate(new Uint8Array(0), new Uint8Array(10))).toEqual({ state: 'done', read: 0, written: 0 })
  })
})

describe('SignatureStream', () => {
  it.each(CHUNK_SIZES)('gives the same bytes for chunks of %d', async (size) => {
    const bytes = randomBytes(2000, 3)
    const expected = runJob(new SignatureJob(strongSum, { blockLength: 64 }), bytes)
    expect(
      difference(await collect(chunked(bytes, size).pipeThrough(new SignatureStream({ blockLength: 64 }))), expected),
    ).toBeUndefined()
  })

  it('counts while it runs, always in the same object', async () => {
    const stream = new SignatureStream({ blockLength: 100 })
    const { statistics } = stream
    expect(statistics).toEqual({
      inputBytes: 0,
      outputBytes: 0,
      signatureBlocks: 0,
      blockLength: 100,
      startTime: undefined,
      endTime: undefined,
    })
    const writer = stream.writable.getWriter()
    const result = collect(stream.readable)
    await writer.write(randomBytes(250))
    expect(statistics).toMatchObject({ inputBytes: 250, signatureBlocks: 2, endTime: undefined })
    await writer.close()
    await result
    expect(statistics).toMatchObject({ inputBytes: 250, signatureBlocks: 3, outputBytes: 12 + 3 * 36 })
    expect(statistics.endTime).toBeGreaterThanOrEqual(statistics.startTime!)
    expect(stream.statistics).toBe(statistics)
  })
})

describe('Signature', () => {
  const parts = { blockLength: 10, strongLength: 2, weakSums: new Uint32Array(3), strongSums: new Uint8Array(6) }

  it('is made of its parts', () => {
    expect(new Signature(parts)).toMatchObject({ ...parts, blockCount: 3 })
  })

  it.each([{ blockLength: 0 }, { strongLength: 33 }, { strongSums: new Uint8Array(5) }])('refuses %o', (wrong) => {
    expect(() => new Signature({ ...parts, ...wrong })).toThrow(RangeError)
  })
})
