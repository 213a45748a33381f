import { describeValue } from './describe-value.ts'

/** Bytes from `start` up to, and not including, `end`; both are offsets in bytes, `start <= end`. */
export interface ByteRange {
  /** Offset of the first byte. */
  readonly start: number
  /** Offset after the last byte. */
  readonly end: number
}

/**
 * Resolves the arguments of a `slice(start, end)` against a size, as `Blob.slice` does: a negative offset counts from
 * the end, an offset outside is clamped, and a range that would run backwards is empty.
 *
 * @throws {TypeError} if an offset is not an integer.
 */
export function clampRange(size: number, start: number = 0, end: number = size): ByteRange {
  const from = clampOffset(size, start, 'start')
  return { start: from, end: Math.max(from, clampOffset(size, end, 'end')) }
}

function clampOffset(size: number, offset: number, name: string): number {
  if (!Number.isInteger(offset) && offset !== Infinity && offset !== -Infinity) {
    throw new TypeError(`${name} must be an integer, got ${describeValue(offset)}`)
  }
  return offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size)
}

/**
 * Checks the `{ start, end }` options of a read, where an offset outside the bytes is an error rather than clamped.
 *
 * @throws {TypeError} if an offset is not a safe integer.
 * @throws {RangeError} if `start` or `end` is negative or past the end, or `end` is before `start`.
 */
export function checkRange(size: number, start: number = 0, end: number = size): ByteRange {
  for (const [name, offset] of [
    ['start', start],
    ['end', end],
  ] as const) {
    if (!Number.isSafeInteger(offset))
      throw new TypeError(`${name} must be a safe integer, got ${describeValue(offset)}`)
    if (offset < 0 || offset > size) throw new RangeError(`${name} must be from 0 to ${size}, got ${offset}`)
  }
  if (end < start) throw new RangeError(`end must not be before start, got ${start} to ${end}`)
  return { start, end }
}
