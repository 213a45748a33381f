import { describe, expect, it } from 'vitest'
import { ReadingPace } from '../../src/http/client/reading-pace.ts'

const MB = 1_000_000
const MIB = 1024 ** 2

/** Delivers ranges one after the other, from a network whose speed depends on the number of ranges at a time. */
function simulate(
  { readAhead = 32 * MIB, parallel = 4, rangeBytes = Infinity, mayTakeRest = false },
  { bytesPerMs = (_ranges: number): number => 1000, waits = true, count = 60 } = {},
): { sizes: number[]; ranges: number[]; requestedBytes: number[] } {
  let nowMs = 0
  const pace = new ReadingPace({ readAhead, parallel, rangeBytes, mayTakeRest }, nowMs)
  const open: { start: number; end: number }[] = []
  const result = { sizes: [] as number[], ranges: [] as number[], requestedBytes: [] as number[] }
  let end = 0
  const request = (): void => {
    open.push({ start: end, end: pace.endOf(end) })
    end = open.at(-1)!.end
  }
  for (let i = 0; i < count; i++) {
    if (open.length === 0) request()
    const { start } = open[0]!
    // Nothing is missing: as many ranges as ever are requested.
    while (pace.allows({ ranges: open.length, offset: start, requestedEnd: end, missingBytes: 0 })) request()
    result.sizes.push(open[0]!.end - start)
    result.ranges.push(open.length)
    result.requestedBytes.push(end - start)
    if (waits) pace.waited()
    nowMs += (open[0]!.end - start) / bytesPerMs(open.length)
    const { end: delivered } = open.shift()!
    pace.delivered(delivered - start, delivered, nowMs)
  }
  return result
}

describe('ReadingPace', () => {
  it('doubles ranges while the reader waits, up to its share of the budget', () => {
    const { sizes } = simulate({ parallel: 2 })
    expect(sizes.slice(0, 7)).toEqual([MB, MB, 2 * MB, 4 * MB, 8 * MB, 16 * MB, 16 * MB])
  })

  it('leaves ranges small if the reader never waits', () => {
    const { sizes, ranges } = simulate({}, { waits: false })
    expect(new Set(sizes)).toEqual(new Set([MB]))
    expect(Math.max(...ranges)).toBe(2)
  })

  it('never requests more than the budget, nor more ranges than allowed', () => {
    for (const readAhead of [64 * 1024, MB, 3 * MB, 8 * MIB, 32 * MIB, 100 * MIB]) {
      for (const parallel of [1, 2, 3, 4, 16]) {
        for (const rangeBytes of [1024, 300_000, 10 * MIB, Infinity]) {
          const bytesPerMs = (ranges: number): number => 1000 * ranges
          const { sizes, ranges, requestedBytes } = simulate({ readAhead, parallel, rangeBytes }, { bytesPerMs })
          expect(Math.max(...requestedBytes)).toBeLessThanOrEqual(readAhead)
          expect(Math.max(...ranges)).toBeLessThanOrEqual(parallel)
          expect(Math.max(...sizes)).toBeLessThanOrEqual(rangeBytes)
          expect(Math.min(...sizes)).toBeGreaterThan(0)
        }
      }
    }
  })

  it('takes as many ranges at a time as make reading faster', () => {
    const upTo = (most: number) => ({ bytesPerMs: (ranges: number): number => 1000 * Math.min(ranges, most) })
    for (const [most, expected] of [
      [1, 2],
      [2, 2],
      [3, 3],
      [4, 4],
      [9, 4],
    ] as const) {
      expect(simulate({}, upTo(most)).ranges.at(-1), `${most}`).toBe(expected)
    }
    expect(simulate({ parallel: 16, readAhead: 128 * MIB }, upTo(7)).ranges.at(-1)).toBe(7)
  })

  it('keeps ranges at the ends of blocks once they have a block or more', () => {
    const pace = new ReadingPace({ readAhead: 32 * MIB, parallel: 4, rangeBytes: Infinity, mayTakeRest: false }, 0)
    expect(pace.endOf(1)).toBe(MB)
    expect(pace.endOf(999_999)).toBe(MB)
    expect(pace.endOf(MB)).toBe(2 * MB)
    const small = new ReadingPace({ readAhead: 32 * MIB, parallel: 4, rangeBytes: 1000, mayTakeRest: false }, 0)
    expect(small.endOf(1)).toBe(1001)
  })

  it('requests the next range when the last block of the one before it, or its last quarter, is arriving', () => {
    const pace = new ReadingPace({ readAhead: 32 * MIB, parallel: 2, rangeBytes: Infinity, mayTakeRest: false }, 0)
    const at = (missingBytes: number, end: number) =>
      pace.allows({ ranges: 1, offset: end - missingBytes, requestedEnd: end, missingBytes })
    expect(at(MB, MB)).toBe(true)
    for (let i = 0; i < 4; i++) {
      pace.waited()
      pace.delivered(MB, (i + 1) * MB, i)
    }
    // Ranges have 16 MB now.
    expect(at(4 * MB, 32 * MB)).toBe(true)
    expect(at(4 * MB + 1, 32 * MB)).toBe(false)
  })

  describe('that may request all the rest', () => {
    /** How many ranges come before the one that takes all the rest; undefined if none does. */
    const before = (...[bounds, network]: Parameters<typeof simulate>): number | undefined => {
      const { sizes } = simulate({ ...bounds, mayTakeRest: true }, { count: 40, ...network })
      const first = sizes.findIndex((size) => size === Infinity || Number.isNaN(size))
      return first < 0 ? undefined : first
    }

    it('does so as soon as one range of 4 MB has come at 100 MB/s', () => {
      expect(before({}, { bytesPerMs: () => 100_000 })).toBe(5)
      expect(before({ parallel: 1 }, { bytesPerMs: () => 100_000 })).toBe(3)
      expect(before({}, { bytesPerMs: () => 99_000 })).toBeGreaterThan(6)
    })

    it('does so once more ranges at a time are known not to be faster', () => {
      expect(before({}, { bytesPerMs: () => 12_500 })).toBeGreaterThan(6)
      expect(before({ parallel: 2 }, { bytesPerMs: () => 12_500 })).toBeLessThan(10)
    })

    it('never does where they are faster, or where the reader does not wait', () => {
      expect(before({}, { bytesPerMs: (ranges) => 1000 * ranges })).toBe(undefined)
      expect(before({}, { waits: false })).toBe(undefined)
    })

    it('holds no more of it than of another range', () => {
      const pace = new ReadingPace({ readAhead: 32 * MIB, parallel: 2, rangeBytes: Infinity, mayTakeRest: true }, 0)
      pace.waited()
      pace.delivered(4 * MB, 4 * MB, 1)
      expect(pace.endOf(5 * MB)).toBe(Infinity)
      expect(pace.heldBytes).toBe(2 * MB)
    })
  })
})
