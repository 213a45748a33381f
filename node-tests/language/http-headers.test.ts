import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHttpDate } from '../../src/representation/http-date.ts'
import { parseContentRange, parseRange } from '../../src/representation/range-header.ts'
import { runs } from '../support/sample.ts'

describe('parseRange', () => {
  const position = fc.oneof(fc.nat({ max: 30 }).map(BigInt), fc.bigInt({ min: 0n, max: 1n << 70n }))
  const size = fc.nat({ max: 20 })

  it('agrees with a range written out byte by byte', () => {
    fc.assert(
      fc.property(size, position, position, (total, first, last) => {
        const offsets = Array.from({ length: total }, (_, i) => BigInt(i))
        const wanted = offsets.filter((offset) => offset >= first && offset <= last)
        const range = parseRange(`bytes=${first}-${last}`, total)
        if (last < first || total === 0) expect(range).toBeUndefined()
        else if (wanted.length === 0) expect(range).toBe('unsatisfiable')
        else expect(range).toEqual({ start: Number(wanted[0]), end: Number(wanted.at(-1)) + 1 })
      }),
    )
  })

  it('returns the last bytes for a suffix', () => {
    fc.assert(
      fc.property(size, position, (total, byteLength) => {
        const start = byteLength >= total ? 0 : total - Number(byteLength)
        const wanted = total === 0 ? undefined : start < total ? { start, end: total } : 'unsatisfiable'
        expect(parseRange(`bytes=-${byteLength}`, total)).toEqual(wanted)
      }),
    )
  })

  it('returns a range within the bytes, or none, for any header', () => {
    const text = fc.string({ unit: fc.constantFrom(...'bytes=-, 0129\t;x'.split('')), maxLength: 20 })
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((rest) => `bytes=${rest}`),
        ),
        size,
        (header, total) => {
          const range = parseRange(header, total)
          if (range === undefined || range === 'unsatisfiable') return
          expect(range.start).toBeGreaterThanOrEqual(0)
          expect(range.end).toBeGreaterThan(range.start)
          expect(range.end).toBeLessThanOrEqual(total)
        },
      ),
      { numRuns: runs(1_000) },
    )
  })

  it('and parseContentRange agree', () => {
    expect(parseContentRange('bytes 0-99/1000')).toEqual({ start: 0, end: 100, total: 1_000 })
    expect(parseContentRange('BYTES 999-999/1000')).toEqual({ start: 999, end: 1_000, total: 1_000 })
    for (const header of [
      null,
      '',
      'bytes 0-99/*',
      'bytes */1000',
      'bytes 100-99/1000',
      'bytes 0-1000/1000',
      'bytes 0-99/99999999999999999999',
      'lines 0-99/1000',
      'bytes=0-99/1000',
    ]) {
      expect(parseContentRange(header), String(header)).toBeUndefined()
    }
  })
})

describe('parseHttpDate', () => {
  it('reads what toUTCString writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(parseHttpDate(new Date(seconds * 1_000).toUTCString())).toBe(seconds * 1_000)
      }),
    )
  })

  it('reads only the three formats of RFC 9110', () => {
    const time = Date.UTC(1994, 10, 6, 8, 49, 37)
    expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(time)
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT')).toBe(time)
    expect(parseHttpDate('Sun Nov  6 08:49:37 1994')).toBe(time)
    for (const text of [
      '',
      '0',
      '784111777',
      '1994-11-06T08:49:37Z',
      'Sun, 06 Nov 1994 08:49:37',
      'Sun, 06 Nov 1994 08:49:37 UTC',
      'Sun, 06 nov 1994 08:49:37 GMT',
      'Sun, 6 Nov 1994 08:49:37 GMT',
      'Sun, 31 Feb 1994 08:49:37 GMT',
      'Sun, 00 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 24:00:00 GMT',
      'Sun, 06 Nov 1994 08:60:00 GMT',
    ]) {
      expect(parseHttpDate(text), text).toBeUndefined()
    }
  })

  it('reads a two-digit year as the nearest one', () => {
    const year = new Date().getUTCFullYear()
    const short = (value: number): string => String(value % 100).padStart(2, '0')
    const read = (value: number): number =>
      new Date(parseHttpDate(`Sunday, 01-Jan-${short(value)} 00:00:00 GMT`)!).getUTCFullYear()
    for (const offset of [0, 1, 50, -1, -49]) expect(read(year + offset)).toBe(year + offset)
  })
})
