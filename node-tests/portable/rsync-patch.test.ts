import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { PatchJob, PatchStream } from '../../src/rsync.ts'
import { difference, hex, runJob } from '../support/jobs.ts'
import { CHUNK_SIZES, chunked, randomBytes, rejection } from '../support/streams.ts'

const MAGIC = '72730236'
const basis = randomBytes(1000, 1)

function patch(digits: string, inputBytes = Infinity): Uint8Array {
  return runJob(new PatchJob(basis.byteLength), hex(digits), { inputBytes, basis })
}

/** The error that the stream fails with, which must be the same on both of its sides and for every chunking. */
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
  it('takes literals with a length of every width', () => {
    for (const command of ['03', '4103', '420003', '4300000003', '440000000000000003']) {
      expect(patch(`${MAGIC} ${command} 616263 00`)).toEqual(Uint8Array.of(0x61, 0x62, 0x63))
    }
    const longest = new Uint8Array(4 + 1 + 64 + 1)
    longest.set(hex(`${MAGIC}40`))
    expect(runJob(new PatchJob(0), longest).byteLength).toBe(64)
  })

  it('takes copies with a position and a length of every width', () => {
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

  it('takes copies in any order, overlapping and repeated, up to the end of the basis', () => {
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

  it('says which piece of the basis it needs, and takes it in parts', () => {
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

  it('throws the same error again', () => {
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

  it('survives any bytes: a result or a FormatError', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom(0, 1, 2, 3, 0x40, 0x41, 0x44, 0x45, 0x46, 0x49, 0x54, 0x55, 0xff), { maxLength: 40 }),
    )
    const limits = { maxOutputLength: 5000 }
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (tail, size) => {
        const delta = Uint8Array.of(...hex(MAGIC), ...tail)
        const outcome = (inputBytes: number): unknown => {
          try {
            return runJob(new PatchJob(basis.byteLength, limits), delta, { inputBytes, outputBytes: size, basis })
          } catch (error) {
            expect(error).toMatchObject({ name: 'FormatError' })
            return { ...(error as object) }
          }
        }
        expect(outcome(size)).toEqual(outcome(Infinity))
      }),
      { numRuns: 500 },
    )
  })
})

describe('PatchStream', () => {
  const copyAll = `${MAGIC} 46 00 03e8 00`

  it('makes at most as many bytes as allowed', async () => {
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

  it('reads a basis whose chunks are of any size', async () => {
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

  it('fails with an IntegrityError if the basis gives fewer bytes than it has, or more', async () => {
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

  it('lets go of each stream of the basis as soon as it has what it needs', async () => {
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
    [undefined, {}],
    [{}, {}],
    [{ size: -1, slice: Object, stream: Object }, {}],
    [new Blob([]), { maxOutputLength: 1.5 }],
  ])('throws a TypeError for %o and %o', (source, options) => {
    expect(() => new PatchStream(source as ByteSource, options)).toThrow(TypeError)
  })

  it('throws a RangeError for a negative maxOutputLength', () => {
    expect(() => new PatchStream(new Blob([]), { maxOutputLength: -1 })).toThrow(RangeError)
  })
})

/** A basis of the same size whose streams are what the test says. */
function sourceOf(open: (start: number, end: number) => ReadableStream<Uint8Array>): ByteSource {
  const slice = (start = 0, end = basis.byteLength): ByteSource => ({
    size: end - start,
    slice,
    stream: () => open(start, end),
  })
  return slice()
}
