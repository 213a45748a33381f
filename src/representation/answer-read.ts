import type { ByteRange } from '../bytes/byte-range.ts'
import { toBase64 } from '../bytes/byte-text.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import { coalesce, type Multipart, multipartOf, multipartStream, partOverhead } from './multipart-ranges.ts'
import { parseRanges } from './range-header.ts'
import type { Representation } from './representation.ts'
import { untrustedHeaders } from './untrusted.ts'
import { versionHeaders } from './version-headers.ts'

/** A cache must ask before it answers, and a proxy must not re-code the bytes that the etag stands for. */
export const CACHING: Readonly<Record<string, string>> = { 'Cache-Control': 'no-cache, no-transform' }

/**
 * How often a part may come after one that lies behind it. Bytes are read from blocks, so each step back opens a block once
 * more, perhaps for a single byte (RFC 9110, section 17.15); clients that need many ranges ask for them in ascending order.
 */
const MAX_STEPS_BACK = 32

/** What a GET or HEAD of a representation is answered with. */
export interface ReadAnswer {
  /** Status code. */
  readonly status: 200 | 206 | 304 | 416
  /** Header fields. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes of the body: a range, or several in one body; undefined if there is no body. */
  readonly bytes?: ByteRange | Multipart | undefined
}

/** What {@linkcode answerRead} needs besides the request. */
export interface ReadAnswerOptions {
  /** A time, in milliseconds since 1970, before the version was looked up. */
  readonly asOfMs: number
  /** The SHA-256 of all the bytes; undefined if it is not known. */
  readonly digest: Uint8Array | undefined
}

/**
 * Answers GET or HEAD of a version, by its conditions and its range (RFC 9110, sections 13 and 14).
 *
 * @throws {ConflictError} if If-Match or If-Unmodified-Since is not met: 412.
 */
export function answerRead(
  request: Pick<Request, 'method' | 'headers'>,
  version: Representation,
  { asOfMs, digest }: ReadAnswerOptions,
): ReadAnswer {
  const { size, type } = version
  const headers = {
    ...versionHeaders(version, asOfMs),
    // RFC 9530; the same on every range.
    ...(digest && { 'Repr-Digest': `sha-256=:${toBase64(digest)}:` }),
    ...CACHING,
    ...untrustedHeaders(type),
    'Accept-Ranges': 'bytes',
  }
  if (evaluateConditions(request, version.alias, version) === 'not-modified') return { status: 304, headers }

  const described = { ...headers, 'Content-Type': type }
  if (request.method === 'HEAD') return { status: 200, headers: { ...described, 'Content-Length': String(size) } }

  const asked = parseRanges(ifRangeHolds(request.headers, version) ? request.headers.get('range') : null, size)
  if (asked === 'unsatisfiable') return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${size}` } }
  const joined = asked && coalesce(asked, partOverhead(version))
  const ranges = joined && stepsBack(joined) <= MAX_STEPS_BACK ? joined : undefined
  const [range = { start: 0, end: size }, ...more] = ranges ?? []
  if (more.length > 0) {
    const bytes = multipartOf([range, ...more], version)
    const { contentType, contentLength } = bytes
    const own = { 'Content-Type': contentType, 'Content-Length': String(contentLength) }
    return { status: 206, headers: { ...headers, ...own }, bytes }
  }
  const { start, end } = range
  const length = { 'Content-Length': String(end - start) }
  const place = ranges && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }
  return {
    status: ranges ? 206 : 200,
    headers: { ...described, ...length, ...place },
    bytes: end === start ? undefined : range,
  }
}

/** How often a range begins before the one that precedes it. */
function stepsBack(ranges: readonly ByteRange[]): number {
  return ranges.filter(({ start }, index) => start < (ranges[index - 1]?.start ?? 0)).length
}

/** Streams the body of an answer; `read` opens the bytes of a range, which it may be asked for several times. */
export function bodyStream(
  bytes: ByteRange | Multipart,
  read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return 'parts' in bytes ? multipartStream(bytes, read) : read(bytes)
}
