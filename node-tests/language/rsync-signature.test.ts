import * as fc from 'fast-check'
import { createBLAKE2b, createMD4 } from 'hash-wasm'
import { describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import {
  type Codec,
  loadKernel,
  Signature,
  SignatureJob,
  type SignatureOptions,
  SignatureStream,
  type SumName,
} from '../../src/rsync.ts'
import { signatureParameters } from '../../src/rsync/parameters.ts'
import { difference, hex, runJob, signatureOf } from '../support/jobs.ts'
import { runs, sample } from '../support/sample.ts'
import { CHUNK_SIZES, chunked, randomBytes } from '../support/streams.ts'

const kernel = await loadKernel()

describe('the weak sums', () => {
  const sumOf = (sum: SumName, ...bytes: number[]): number | undefined => {
    const job = new SignatureJob(kernel, { sum, blockLength: 256 })
    return signatureOf(runJob(job, Uint8Array.from(bytes))).weakSums[0]
  }
  const all = Array.from({ length: 256 }, (_, i) => i)

  it('have the published values', () => {
    expect(sumOf('rabinkarp-md4', 0)).toBe(0x08104225)
    expect(sumOf('rabinkarp-md4', 0, 1, 2, 3)).toBe(0xaf981e97)
    expect(sumOf('rabinkarp-md4', ...all)).toBe(0xc1972381)
    expect(sumOf('rollsum-md4', 0)).toBe(0x001f001f)
    expect(sumOf('rollsum-md4', 0, 1, 2, 3)).toBe(0x01400082)
    expect(sumOf('rollsum-md4', ...all)).toBe(0x3a009e80)
  })
})

describe('the strong sums', () => {
  const [blockLength, count] = [1000, 9]
  const bytes = randomBytes(blockLength * count - 1, 6)
  const blocks = Array.from({ length: count }, (_, i) => bytes.subarray(i * blockLength, (i + 1) * blockLength))

  it.each([
    ['rabinkarp-blake2b', 32, createBLAKE2b(256)],
    ['rollsum-md4', 16, createMD4()],
  ] as const)('of %s match those of another library, for blocks at any position', async (sum, strongLength, hash) => {
    const { strongSums } = signatureOf(runJob(new SignatureJob(kernel, { sum, blockLength }), bytes))
    for (const [i, block] of blocks.entries()) {
      const expected = (await hash).init().update(block).digest('binary')
      expect(strongSums.subarray(i * strongLength, (i + 1) * strongLength)).toEqual(expected)
    }
  })

  it.each(sample([1, 63, 64, 65, 127, 128, 129, 55, 56, 119, 120, 256, 700_001]))(
    'of a block of %d bytes match as well, whether hashed whole or in pieces',
    async (length) => {
      const block = randomBytes(length, length)
      for (const [sum, hash] of [
        ['rabinkarp-blake2b', await createBLAKE2b(256)],
        ['rabinkarp-md4', await createMD4()],
      ] as const) {
        const expected = hash.init().update(block).digest('binary')
        // A block length of 2 MiB exceeds the input buffer.
        for (const longest of [length, length + 1, 2 ** 21]) {
          const signed = runJob(new SignatureJob(kernel, { sum, blockLength: longest }), block)
          expect(signatureOf(signed).strongSums).toEqual(expected)
        }
      }
    },
  )
})

describe('SignatureJob.flush', () => {
  const sums: SumName[] = ['rabinkarp-blake2b', 'rabinkarp-md4', 'rollsum-blake2b', 'rollsum-md4']

  it('leaves the signature as it is, however often it is called', () => {
    const bytes = randomBytes(700_001)
    fc.assert(
      fc.property(
        fc.constantFrom(...sums),
        fc.constantFrom(1, 2, 7, 256, 1000, 4096, 131_072, 262_144, 262_145, 2 ** 21),
        fc.constantFrom(0, 1, 255, 256, 257, 20_000, 262_144, 700_001),
        fc.array(fc.record({ cut: fc.constantFrom(1, 3, 255, 256, 1000, 100_000), flushes: fc.boolean() }), {
          minLength: 1,
          maxLength: 5,
        }),
        (sum, blockLength, length, steps) => {
          const input = bytes.subarray(0, Math.min(length, blockLength * 3_000, steps[0]!.cut * 3_000))
          const job = new SignatureJob(kernel, { sum, blockLength })
          let count = 0
          const flushing: Codec = {
            iterate(given, output) {
              const { cut, flushes } = steps[count++ % steps.length]!
              const step = job.iterate(given.subarray(0, cut), output)
              if (flushes) job.flush()
              return step
            },
            end: () => job.end(),
          }
          const plain = runJob(new SignatureJob(kernel, { sum, blockLength }), input)
          expect(difference(runJob(flushing, input), plain)).toBeUndefined()
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it('has the records of all whole blocks written', () => {
    const job = new SignatureJob(kernel, { blockLength: 256, strongLength: 8 })
    const output = new Uint8Array(10_000)
    const written = (input: Uint8Array): number => {
      const first = job.iterate(input, output)
      expect(job.flush()).toBe(Math.floor(input.byteLength / 256) > 0)
      return first.written + job.iterate(new Uint8Array(0), output).written
    }
    expect(job.flush()).toBe(true)
    expect(written(randomBytes(255))).toBe(12)
    expect(written(randomBytes(257))).toBe(2 * 12)
    expect(written(randomBytes(256 * 10))).toBe(10 * 12)
    job.end()
    expect(job.iterate(new Uint8Array(0), output)).toMatchObject({ state: 'done', written: 0 })
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
    // Above 2^52, the square root of one less than a square is rounded up in a double.
    [(2 ** 26 + 128) ** 2, 2 ** 26 + 128, 12],
    [(2 ** 26 + 128) ** 2 - 1, 2 ** 26, 12],
  ])("for a source of %s bytes are librsync's", (sourceLength, blockLength, minStrongLength) => {
    expect(signatureParameters({ sourceLength })).toMatchObject({ blockLength, strongLength: 32 })
    expect(signatureParameters({ sourceLength, strongLength: 'max' })).toMatchObject({ blockLength, strongLength: 32 })
    expect(signatureParameters({ sourceLength, sum: 'rollsum-md4' })).toMatchObject({ blockLength, strongLength: 16 })
    expect(signatureParameters({ sourceLength, strongLength: 'min' })).toMatchObject({
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
    [{ strongLength: 17, sum: 'rabinkarp-md4' }, 'RangeError'],
    [{ strongLength: 'all' as never }, 'TypeError'],
    [{ sum: 'md5' as never }, 'TypeError'],
    [{ sourceLength: -1 }, 'RangeError'],
    [{ sourceLength: NaN }, 'TypeError'],
    [{ sourceLength: 2 ** 53 }, 'RangeError'],
  ])('reject %o', (options, name) => {
    expect(() => new SignatureStream(options)).toThrow(expect.objectContaining({ name }))
    expect(() => new SignatureJob(kernel, options)).toThrow(expect.objectContaining({ name }))
  })
})

describe('SignatureJob', () => {
  it('produces the signature in the specification', () => {
    const hello = new TextEncoder().encode('hello')
    const bytes = runJob(new SignatureJob(kernel, { sourceLength: 5, strongLength: 8 }), hello)
    expect(bytes).toEqual(hex('7273014700000100 00000008 c9183e85 324dcf027dd4a30a'))
  })

  it.each([
    ['rollsum-md4', '72730136 00000100 00000008 07f802af 866437cb7a794bce'],
    ['rollsum-blake2b', '72730137 00000100 00000008 07f802af 324dcf027dd4a30a'],
    ['rabinkarp-md4', '72730146 00000100 00000008 c9183e85 866437cb7a794bce'],
  ] as const)('produces the signature with %s', (sum, expected) => {
    const hello = new TextEncoder().encode('hello')
    expect(runJob(new SignatureJob(kernel, { sum, sourceLength: 5, strongLength: 8 }), hello)).toEqual(hex(expected))
  })

  it('produces only a header for empty input', () => {
    expect(runJob(new SignatureJob(kernel), new Uint8Array(0))).toEqual(hex('727301470000080000000020'))
  })

  it('produces the same bytes for any chunking of input and output', () => {
    const bytes = randomBytes(3000, 5)
    const options = { blockLength: 700, strongLength: 9 }
    const expected = runJob(new SignatureJob(kernel, options), bytes)
    expect(expected.byteLength).toBe(12 + 5 * 13)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3100 }), fc.integer({ min: 1, max: 100 }), (inputBytes, outputBytes) => {
        const job = new SignatureJob(kernel, options)
        expect(difference(runJob(job, bytes, { inputBytes, outputBytes }), expected)).toBeUndefined()
        expect(job.statistics).toMatchObject({
          inputBytes: 3000,
          outputBytes: 77,
          signatureBlocks: 5,
          blockLength: 700,
        })
      }),
      { numRuns: runs(50) },
    )
  })

  it('ignores all input once it is done', () => {
    const job = new SignatureJob(kernel)
    runJob(job, randomBytes(10))
    const done = { state: 'done', read: 0, written: 0 }
    expect(job.iterate(new Uint8Array(0), new Uint8Array(10))).toEqual(done)
    expect(job.iterate(randomBytes(10), new Uint8Array(100))).toEqual(done)
    expect(job.statistics).toMatchObject({ inputBytes: 10, signatureBlocks: 1 })
  })
})

describe('SignatureStream', () => {
  it.each(CHUNK_SIZES)('produces the same bytes for chunks of %d', async (size) => {
    const bytes = randomBytes(2000, 3)
    const expected = runJob(new SignatureJob(kernel, { blockLength: 64 }), bytes)
    expect(
      difference(await collect(chunked(bytes, size).pipeThrough(new SignatureStream({ blockLength: 64 }))), expected),
    ).toBeUndefined()
  })

  it('updates its statistics while it runs, always in the same object', async () => {
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
    await writer.write(randomBytes(1_000_050))
    expect(statistics).toMatchObject({ inputBytes: 1_000_050, endTime: undefined })
    // It collects at most 256 KiB before it computes sums.
    expect(statistics.signatureBlocks).toBeGreaterThan(7000)
    await writer.close()
    await result
    expect(statistics).toMatchObject({ signatureBlocks: 10_001, outputBytes: 12 + 10_001 * 36 })
    expect(statistics.endTime).toBeGreaterThanOrEqual(statistics.startTime!)
    expect(stream.statistics).toBe(statistics)
  })
})

describe('Signature', () => {
  const parts = { blockLength: 10, strongLength: 2, weakSums: new Uint32Array(3), strongSums: new Uint8Array(6) }

  it('is created from its parts', () => {
    expect(new Signature(parts)).toMatchObject({ ...parts, blockCount: 3 })
  })

  it.each([{ blockLength: 0 }, { strongLength: 33 }, { strongSums: new Uint8Array(5) }])('rejects %o', (wrong) => {
    expect(() => new Signature({ ...parts, ...wrong })).toThrow(RangeError)
  })

  it('rejects strong sums that are not bytes and weak sums that are not a Uint32Array', () => {
    const words = new Uint16Array(3) as unknown as Uint8Array
    expect(() => new Signature({ ...parts, strongSums: words })).toThrow(TypeError)
    expect(() => new Signature({ ...parts, weakSums: [1, 2, 3] as unknown as Uint32Array })).toThrow(TypeError)
  })
})
