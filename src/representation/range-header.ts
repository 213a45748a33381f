import type { ByteRange } from '../bytes/byte-range.ts'

/**
 * Largest number of ranges in one request. A request for more is answered with the whole (RFC 9110, section 17.15):
 * electron-updater asks for at most 500 at a time.
 */
const MAX_RANGES = 1000

/**
 * What a Range header requests of `size` bytes (RFC 9110, section 14.2): the ranges, clamped to the size, without those
 * that are past the end; `unsatisfiable`, if all of them are, which is a 416; or undefined, which is the whole. A header
 * that is malformed, has another unit or more than {@linkcode MAX_RANGES} ranges is ignored, and so is any header if
 * there are no bytes, since SDKs and proxies ask for a range before they know the size. The RFC allows a server to
 * ignore any Range header.
 */
export function parseRanges(header: string | null, size: number): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const list = header === null ? undefined : /^bytes=(.*)$/i.exec(header)?.[1]
  // Members of a list may be empty: `bytes=,0-4,` is one range (RFC 9110, section 5.6.1.2).
  const specs = list?.split(',').flatMap((spec) => spec.trim() || []) ?? []
  if (specs.length === 0 || specs.length > MAX_RANGES || size === 0) return undefined
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseSpec(spec, size)
    if (range === undefined) return undefined
    if (range !== 'unsatisfiable') ranges.push(range)
  }
  return ranges.length > 0 ? ranges : 'unsatisfiable'
}

/** The same for a header that may have one range only: one with more is malformed. */
export function parseRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | undefined {
  const ranges = header?.includes(',') ? undefined : parseRanges(header, size)
  return Array.isArray(ranges) ? (ranges as readonly ByteRange[])[0] : (ranges as 'unsatisfiable' | undefined)
}

function parseSpec(spec: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? []
  if (first === undefined || last === undefined) return undefined
  if (first === '') return parseSuffix(last, size)

  // Digits beyond 2^53 are compared exactly: rounding must not turn a reversed range into a proper one.
  if (last !== '' && BigInt(last) < BigInt(first)) return undefined
  if (BigInt(first) >= BigInt(size)) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

function parseSuffix(byteLength: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  if (byteLength === '') return undefined
  if (BigInt(byteLength) === 0n) return 'unsatisfiable'
  return { start: Math.max(0, size - Number(byteLength)), end: size }
}

/** The fields of a Content-Range header (RFC 9110, section 14.4). */
export interface ContentRange extends ByteRange {
  /** Number of bytes of the whole entry. */
  readonly total: number
}

/** Reads a Content-Range header; undefined if it is malformed, has no total, or contradicts itself. */
export function parseContentRange(header: string | null): ContentRange | undefined {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(header ?? '')?.map(Number) ?? []
  if (first === undefined || last === undefined || total === undefined) return undefined
  if (last < first || last >= total || !Number.isSafeInteger(total)) return undefined
  return { start: first, end: last + 1, total }
}
