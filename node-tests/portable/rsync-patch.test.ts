import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { type ByteSource, bytesSource, rangeSource } from '../../src/bytes/byte-source.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { writeU32 } from '../../src/bytes/integers.ts'
import { PatchJob, PatchStream } from '../../src/rsync.ts'
import { difference, hex, runJob } from '../support/jobs.ts'
import { CHUNK_SIZES, chunked, randomBytes, rejection } from '../support/streams.ts'

const MAGIC = '72730236'
const basis = randomBytes(1000, 1)

function patch(digits: string, inputBytes = Infinity): Uint8Array {
  return runJob(new PatchJob(basis.byteLength), hex(digits), { inputBytes, basis })
}

/** Returns the error that the stream fails with. It must be the same on both sides and for every chunking. */
async function failure(digits: string, source: ByteSource = bytesSource(basis), options = {}): Promise<unknown> {
  let error: unknown
  for (const size of [Infinity, 3, 1]) {
    const stream = new PatchStream(source, options)
    const reading = rejection(collect(stream.readable))
    const writing = rejection(chunked(hex(digits), size).pipeTo(stream.writable))
    error = await reading
    expect(await writing).toBe(error)
  }
  return error
}

describe('PatchJob', () => {
  it('accepts literals with length fields of every width', () => {
    for (const command of ['03', '4103', '420003', '4300000003', '440000000000000003']) {
      expect(patch(`${MAGIC} ${command} 616263 00`)).toEqual(Uint8Array.of(0x61, 0x62, 0x63))
    }
    const longest = new Uint8Array(4 + 1 + 64 + 1)
    longest.set(hex(`${MAGIC}40`))
    expect(runJob(new PatchJob(0), longest).byteLength).toBe(64)
  })

  it('accepts copies with position and length fields of every width', () => {
    const widths = [1, 2, 4, 8]
    widths.forEach((positionWidth, i) => {
      widths.forEach((lengthWidth, j) => {
        const opcode = (0x45 + 4 * i + j).toString(16)
        const position = (200).toString(16).padStart(2 * positionWidth, '0')
        const length = (99).toString(16).padStart(2 * lengthWidth, '0')
        for (const size of CHUNK_SIZES) {
          expect(
            difference(patch(`${MAGIC} ${opcode} ${position} ${length} 00`, size), basis.slice(200, 299)),
          ).toBeUndefined()
        }
      })
    })
  })

  it('accepts copies in any order, overlapping and repeated, up to the end of the basis', () => {
    const result = patch(`${MAGIC} 4a03e60002 45000a 45050a 45000a 00`)
    expect(
      difference(
        result,
        Uint8Array.of(
          ...basis.subarray(998),
          ...basis.subarray(0, 10),
          ...basis.subarray(5, 15),
          ...basis.subarray(0, 10),
        ),
      ),
    ).toBeUndefined()
  })

  it('requests the range of the basis that it needs, and accepts it in parts', () => {
    const job = new PatchJob(1000)
    const output = new Uint8Array(100)
    expect(job.request).toBeUndefined()
    expect(() => job.supply(new Uint8Array(1))).toThrow(TypeError)
    expect(job.iterate(hex(`${MAGIC}450a1400`), output)).toEqual({ state: 'waiting', read: 7, written: 0 })
    expect(job.request).toEqual({ position: 10, length: 20 })
    expect(() => job.supply(new Uint8Array(21))).toThrow(RangeError)

    job.supply(basis.slice(10, 25))
    expect(job.request).toBeUndefined()
    expect(() => job.supply(basis.slice(25, 30))).toThrow(TypeError)
    expect(job.iterate(new Uint8Array(0), output.subarray(0, 7))).toEqual({ state: 'blocked', read: 0, written: 7 })
    expect(job.iterate(new Uint8Array(0), output.subarray(7))).toEqual({ state: 'waiting', read: 0, written: 8 })
    expect(job.request).toEqual({ position: 25, length: 5 })

    job.supply(basis.slice(25, 30))
    job.iterate(Uint8Array.of(0), output.subarray(15))
    job.end()
    expect(job.iterate(new Uint8Array(0), output.subarray(20)).state).toBe('done')
    expect(difference(output.subarray(0, 20), basis.subarray(10, 30))).toBeUndefined()
    expect(job.statistics).toMatchObject({ copyCommands: 1, copyBytes: 20, copyCommandBytes: 3, outputBytes: 20 })
  })

  it('makes one request for copies of adjacent ranges', () => {
    const job = new PatchJob(1000)
    const output = new Uint8Array(100)
    const delta = hex(`${MAGIC} 450a14 4a001e0005 4a0023000a 452d01 452d02 452f01 00`)
    expect(job.iterate(delta, output)).toMatchObject({ state: 'waiting', read: 4 + 3 + 5 + 5 + 3 })
    expect(job.request).toEqual({ position: 10, length: 0x14 + 5 + 10 + 1 })
    expect(job.statistics).toMatchObject({ copyCommands: 4, copyBytes: 36, copyCommandBytes: 16 })
    job.supply(basis.slice(10, 40))
    expect(job.iterate(delta.subarray(20), output)).toMatchObject({ state: 'waiting', read: 0, written: 30 })
    expect(job.request).toEqual({ position: 40, length: 6 })
    job.supply(basis.slice(40, 46))
    expect(job.iterate(delta.subarray(20), output)).toMatchObject({ state: 'waiting', read: 6, written: 6 })
    expect(job.request).toEqual({ position: 45, length: 3 })
  })

  it('writes everything before an invalid copy, even if that copy is adjacent to the one before', () => {
    for (const [wrong, options] of [
      ['451e00', {}],
      ['47 1e 00010000', {}],
      ['48 1e 0020000000000000', {}],
      ['451e06', { maxOutputLength: 25 }],
      ['451e06', { expected: { size: 25 } }],
    ] as const) {
      const job = new PatchJob(1000, options)
      const output = new Uint8Array(100)
      const commands = hex(`${MAGIC} 450a14 ${wrong}`)
      const { read } = job.iterate(commands, output)
      expect(job.request).toEqual({ position: 10, length: 20 })
      job.supply(basis.slice(10, 25))
      expect(job.iterate(commands.subarray(read), output)).toMatchObject({ read: 0, written: 15 })
      job.supply(basis.slice(25, 30))
      expect(() => job.iterate(commands.subarray(read), output.subarray(15))).toThrow(Error)
      expect(difference(output.subarray(0, 20), basis.subarray(10, 30))).toBeUndefined()
    }
  })

  it('ignores bytes after the end, or rejects them, as the option says', () => {
    const delta = hex(`${MAGIC} 01 61 00 01 62 00 ff`)
    for (const inputBytes of CHUNK_SIZES) {
      const job = new PatchJob(0, { trailingBytes: 'ignore' })
      expect(runJob(job, delta, { inputBytes })).toEqual(Uint8Array.of(0x61))
      expect(job.statistics).toMatchObject({ inputBytes: delta.byteLength, literalCommands: 1 })
      const strict = new PatchJob(0, { trailingBytes: 'error' })
      expect(() => runJob(strict, delta, { inputBytes })).toThrow(expect.objectContaining({ offset: 7 }))
    }
  })

  it('writes nothing of a command that exceeds the expected size, and fails if the result ends short of it', () => {
    const delta = hex(`${MAGIC} 02 6162 450009 03 636465 00`)
    const outcome = (size: number, inputBytes: number): unknown => {
      const job = new PatchJob(1000, { expected: { size } })
      try {
        return runJob(job, delta, { inputBytes, basis }).byteLength
      } catch (error) {
        expect(() => job.iterate(new Uint8Array(0), new Uint8Array(10))).toThrow(error)
        return [error, job.statistics.outputBytes]
      }
    }
    for (const size of CHUNK_SIZES) {
      expect(outcome(14, size)).toBe(14)
      expect(outcome(15, size)).toMatchObject([
        { name: 'IntegrityError', expected: '15 bytes', actual: '14 bytes' },
        expect.anything(),
      ])
      for (const [expected, given] of [
        [13, 11],
        [11, 11],
        [10, 2],
        [2, 2],
        [1, 0],
        [0, 0],
      ] as const) {
        const [error, outputBytes] = outcome(expected, size) as [unknown, number]
        expect(error).toMatchObject({ name: 'IntegrityError', actual: `more than ${expected} bytes` })
        expect(outputBytes).toBeLessThanOrEqual(given)
      }
    }
  })

  it.each([
    ['magic', 0, '00000000'],
    ['magic', 0, '7273014700000100'],
    ['truncated', 0, ''],
    ['truncated', 3, '727302'],
    ['truncated', 4, MAGIC],
    ['truncated', 5, `${MAGIC} 41`],
    ['truncated', 6, `${MAGIC} 42 00`],
    ['truncated', 7, `${MAGIC} 03 6162`],
    ['truncated', 8, `${MAGIC} 03 616263`],
    ['truncated', 6, `${MAGIC} 45 00`],
    ['truncated', 7, `${MAGIC} 45 00 01`],
    ['truncated', 14, `${MAGIC} 54 000000000000000000`],
    ['invalid', 4, `${MAGIC} 55`],
    ['invalid', 4, `${MAGIC} ff`],
    ['invalid', 8, `${MAGIC} 03 616263 80 00`],
    ['invalid', 5, `${MAGIC} 41 00`],
    ['invalid', 5, `${MAGIC} 43 00000000`],
    ['invalid', 5, `${MAGIC} 44 0020000000000000`],
    ['invalid', 5, `${MAGIC} 44 ffffffffffffffff`],
    ['invalid', 6, `${MAGIC} 45 00 00`],
    ['invalid', 5, `${MAGIC} 51 0020000000000000 01`],
    ['invalid', 5, `${MAGIC} 51 8000000000000000 01`],
    ['invalid', 13, `${MAGIC} 54 0000000000000000 0020000000000000`],
    ['invalid', 5, `${MAGIC} 49 03e9 01`],
    ['invalid', 7, `${MAGIC} 49 03e8 01`],
    ['invalid', 7, `${MAGIC} 49 03e7 02`],
    ['invalid', 6, `${MAGIC} 48 00 001fffffffffffff`],
    ['invalid', 5, `${MAGIC} 00 00`],
    ['invalid', 9, `${MAGIC} 03 616263 00 72730236`],
  ])('fails with reason %s at %d for %s', async (reason, offset, digits) => {
    expect(await failure(digits)).toMatchObject({ name: 'FormatError', reason, offset })
  })

  it('keeps throwing the same error', () => {
    const job = new PatchJob(0)
    const errors = [1, 2].map(() => {
      try {
        job.iterate(new Uint8Array(4), new Uint8Array(4))
      } catch (error) {
        return error
      }
      throw new Error('did not throw')
    })
    expect(errors[1]).toBe(errors[0])
  })
})

describe('PatchStream', () => {
  const copyAll = `${MAGIC} 46 00 03e8 00`

  it('produces at most as many bytes as allowed', async () => {
    const delta = `${MAGIC} 02 6162 450009 03 636465 00`
    const allowed = new PatchStream(bytesSource(basis), { maxOutputLength: 14 })
    expect((await collect(chunked(hex(delta), 5).pipeThrough(allowed))).byteLength).toBe(14)
    for (const [maxOutputLength, offset] of [
      [13, 10],
      [10, 9],
      [2, 9],
      [1, 4],
      [0, 4],
    ] as const) {
      const error = await failure(delta, bytesSource(basis), { maxOutputLength })
      expect(error).toMatchObject({ name: 'FormatError', reason: 'limit', offset })
    }
    const bomb = `${MAGIC} 44 001fffffffffffff`
    expect(await failure(bomb, bytesSource(basis), { maxOutputLength: 1e9 })).toMatchObject({ reason: 'limit' })
  })

  it('reads a basis in chunks of any size', async () => {
    for (const size of CHUNK_SIZES) {
      const source = sourceOf(() => chunked(basis, size))
      const stream = chunked(hex(copyAll), 2).pipeThrough(new PatchStream(source))
      expect(difference(await collect(stream), basis)).toBeUndefined()
    }
  })

  it('reads a Blob', async () => {
    const stream = chunked(hex(copyAll), 2).pipeThrough(new PatchStream(new Blob([basis])))
    expect(difference(await collect(stream), basis)).toBeUndefined()
  })

  it('fails with an IntegrityError if the basis delivers fewer or more bytes than its size says', async () => {
    const short = sourceOf(() => chunked(basis.subarray(0, 999), 100))
    expect(await failure(copyAll, short)).toMatchObject({ name: 'IntegrityError', expected: '1 bytes' })
    const long = sourceOf(() => chunked(randomBytes(1001), 1001))
    expect(await failure(copyAll, long)).toMatchObject({ name: 'IntegrityError', actual: '1001 bytes' })
  })

  it("fails with the basis's own error, as the same object", async () => {
    const reason = new Error('unplugged')
    const failing = sourceOf(() => new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(reason) }))
    expect(await failure(copyAll, failing)).toBe(reason)
    const throwing = sourceOf(() => {
      throw reason
    })
    expect(await failure(copyAll, throwing)).toBe(reason)
  })

  it('releases each stream of the basis as soon as it has what it needs', async () => {
    let open = 0
    let most = 0
    const source = sourceOf((start, end) => {
      most = Math.max(most, ++open)
      return new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(basis.slice(start, end)),
        cancel: () => void open--,
      })
    })
    const delta = hex(`${MAGIC}${'450a1401ff'.repeat(50)}00`)
    const stream = new PatchStream(source)
    const reader = chunked(delta, 20).pipeThrough(stream).getReader()
    const { value } = await reader.read()
    expect(value?.byteLength).toBe(50 * 21)
    expect({ most, open }).toEqual({ most: 1, open: 0 })
  })

  it.each([
    ['in ascending order', (i: number) => 8 * i, 1],
    ['in descending order', (i: number) => 40_000 - 8 * i, 2],
    ['scattered', (i: number) => (i * 7919) % 60_000, 2],
    ['alternating between sixteen places', (i: number) => (i % 16) * 400_000 + i, 16],
  ])('reads the surroundings of a thousand tiny copies once: %s', async (_, positionOf, most) => {
    const { source, opened, bytes } = watchedBasis(7_000_000)
    const positions = Array.from({ length: 1000 }, (__, i) => positionOf(i))
    const stream = chunked(copies(positions.map((position) => [position, 1])), 1000).pipeThrough(
      new PatchStream(source),
    )
    const expected = Uint8Array.from(positions, (position) => bytes[position]!)
    expect(difference(await collect(stream), expected)).toBeUndefined()
    expect(opened.length).toBeLessThanOrEqual(most)
    for (const { start, end } of opened) expect(end - start).toBeLessThanOrEqual(64 * 1024)
  })

  it('continues the open stream, and opens the next with more read-ahead, while copies follow the order of the basis', async () => {
    const { source, opened, bytes } = watchedBasis(6_000_000)
    for (const [length, gap] of [
      [10_000, 0],
      [10_000, 100],
      [100_000, 1],
      [70_000, 30_000],
      [1, 60_000],
    ] as const) {
      opened.length = 0
      const ranges: [number, number][] = []
      for (let position = 5; position + length < 6_000_000; position += length + gap) ranges.push([position, length])
      // Chunks as long as a command, so that no two commands are completely available at once.
      const stream = chunked(copies(ranges), 9).pipeThrough(new PatchStream(source))
      const parts = ranges.map(([position]) => bytes.subarray(position, position + length))
      expect(difference(await collect(stream), concatBytes(...parts))).toBeUndefined()
      expect(opened.length).toBeLessThanOrEqual(9)
      opened.reduce((last, { start, end }) => {
        expect(start).toBeGreaterThanOrEqual(last)
        return end
      }, 0)
    }
  })

  it('caches what is copied repeatedly, up to 1 MiB', async () => {
    const { source, opened, bytes } = watchedBasis(4_000_000)
    for (const [length, places, most] of [
      [200_000, 5, 5],
      [200_000, 6, 60],
      [262_144, 4, 4],
      [262_145, 1, 10],
    ] as const) {
      opened.length = 0
      const ranges = Array.from(
        { length: 10 * places },
        (_, i) => [(places - 1 - (i % places)) * 400_000, length] as const,
      )
      const stream = chunked(copies(ranges), 100).pipeThrough(new PatchStream(source))
      const parts = ranges.map(([position]) => bytes.subarray(position, position + length))
      expect(difference(await collect(stream), concatBytes(...parts))).toBeUndefined()
      expect(opened).toHaveLength(most)
    }
  })

  it('opens one stream for exactly the range of a long copy', async () => {
    const { source, opened } = watchedBasis(1_000_000)
    const delta = copies([
      [500_000, 400_000],
      [1, 100_000],
    ])
    await collect(chunked(delta, 7).pipeThrough(new PatchStream(source)))
    expect(opened).toEqual([
      { start: 500_000, end: 900_000 },
      { start: 1, end: 100_001 },
    ])
  })

  it('releases a stream with unused read-ahead before it opens another', async () => {
    let open = 0
    let most = 0
    const source = rangeSource(2_000_000, ({ start, end }) => {
      most = Math.max(most, ++open)
      let rest = end - start
      return new ReadableStream<Uint8Array<ArrayBuffer>>(
        {
          pull(controller) {
            controller.enqueue(new Uint8Array(Math.min(1000, rest)))
            rest -= 1000
          },
          cancel: () => void open--,
        },
        { highWaterMark: 0 },
      )
    })
    const inOrder = Array.from({ length: 5 }, (_, i) => [i * 60_000, 50_000] as const)
    const delta = copies([...inOrder, [1_000_000, 1], ...inOrder, [1_500_000, 100_000]])
    const stream = chunked(delta, 1).pipeThrough(new PatchStream(source))
    expect((await collect(stream)).byteLength).toBe(600_001)
    expect({ most, open }).toEqual({ most: 1, open: 0 })
  })

  it('checks the SHA-256 of the result before it closes', async () => {
    const { source, bytes } = watchedBasis(1_500_000)
    const delta = copies([
      [0, 700_000],
      [900_000, 50],
    ])
    const result = concatBytes(bytes.subarray(0, 700_000), bytes.subarray(900_000, 900_050))
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', result))
    const expected = { digest: Uint8Array.of(0, ...digest).subarray(1), size: result.byteLength }
    const right = new PatchStream(source, { expected })
    expected.digest.fill(0)
    expect(difference(await collect(chunked(delta, 9).pipeThrough(right)), result)).toBeUndefined()

    const wrong = new PatchStream(source, { expected: { digest: digest.with(31, digest[31]! ^ 1) } })
    const reader = wrong.readable.getReader()
    const piped = rejection(chunked(delta, 9).pipeTo(wrong.writable))
    let given = 0
    const failed = await rejection(
      (async () => {
        for (let read = await reader.read(); !read.done; read = await reader.read()) given += read.value.byteLength
      })(),
    )
    expect(failed).toMatchObject({ name: 'IntegrityError', actual: toHex(digest) })
    expect(await piped).toBe(failed)
    expect(given).toBe(512 * 1024)
  })

  it('keeps the digests of two concurrent results apart', async () => {
    const results = [3, 4].map((seed) => randomBytes(600_000, seed))
    await Promise.all(
      results.map(async (result) => {
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', result))
        const delta = concatBytes(hex(`${MAGIC} 43 000927c0`), result, Uint8Array.of(0))
        const stream = new PatchStream(new Blob([]), { expected: { digest } })
        expect((await collect(chunked(delta, 50_000).pipeThrough(stream))).byteLength).toBe(600_000)
      }),
    )
  })

  it('fails with an IntegrityError if the size of the result is not the expected one', async () => {
    const expected = { size: 999 }
    expect(await failure(copyAll, bytesSource(basis), { expected })).toMatchObject({
      name: 'IntegrityError',
      expected: '999 bytes',
      actual: 'more than 999 bytes',
    })
    expect(await failure(`${MAGIC} 00`, bytesSource(basis), { expected })).toMatchObject({ actual: '0 bytes' })
  })

  it('consumes all trailing bytes if they are to be ignored', async () => {
    const stream = new PatchStream(bytesSource(basis), { trailingBytes: 'ignore' })
    const reading = collect(stream.readable)
    await chunked(concatBytes(hex(copyAll), randomBytes(100_000)), 1000).pipeTo(stream.writable)
    expect(difference(await reading, basis)).toBeUndefined()
    expect(stream.statistics.inputBytes).toBe(9 + 100_000)
  })

  it.each([
    [undefined, {}],
    [{}, {}],
    [{ size: -1, slice: Object, stream: Object }, {}],
    [new Blob([]), { maxOutputLength: 1.5 }],
    [new Blob([]), { expected: { size: 0.5 } }],
    [new Blob([]), { expected: { digest: 'e3b0c442' as never } }],
    [new Blob([]), { trailingBytes: true as never }],
  ])('throws a TypeError for %o and %o', (source, options) => {
    expect(() => new PatchStream(source as ByteSource, options)).toThrow(TypeError)
  })

  it.each([{ maxOutputLength: -1 }, { expected: { size: -1 } }, { expected: { digest: new Uint8Array(20) } }])(
    'throws a RangeError for %o',
    (options) => {
      expect(() => new PatchStream(new Blob([]), options)).toThrow(RangeError)
    },
  )
})

/** A delta that copies ranges, each `[position, length]`, with opcode 0x4f. */
function copies(ranges: readonly (readonly [number, number])[]): Uint8Array {
  const delta = new Uint8Array(4 + 9 * ranges.length + 1)
  delta.set(hex(MAGIC))
  ranges.forEach(([position, length], i) => {
    delta[4 + 9 * i] = 0x4f
    writeU32(delta, 5 + 9 * i, position)
    writeU32(delta, 9 + 9 * i, length)
  })
  return delta
}

/** A basis that records which of its ranges are opened. */
function watchedBasis(byteLength: number): {
  source: ByteSource
  bytes: Uint8Array
  opened: { start: number; end: number }[]
} {
  const bytes = randomBytes(byteLength, 5)
  const opened: { start: number; end: number }[] = []
  const source = rangeSource(byteLength, (range) => {
    opened.push(range)
    return bytesSource(bytes.subarray(range.start, range.end)).stream() as ReadableStream<Uint8Array<ArrayBuffer>>
  })
  return { source, bytes, opened }
}

/** A basis of the same size whose streams come from `open`. */
function sourceOf(open: (start: number, end: number) => ReadableStream<Uint8Array>): ByteSource {
  const slice = (start = 0, end = basis.byteLength): ByteSource => ({
    size: end - start,
    slice,
    stream: () => open(start, end),
  })
  return slice()
}
