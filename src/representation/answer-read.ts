import type { ByteRange } from '../bytes/byte-range.ts'
import { toBase64 } from '../bytes/byte-text.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import { parseRange } from './range-header.ts'
import type { Representation } from './representation.ts'
import { untrustedHeaders } from './untrusted.ts'
import { versionHeaders } from './version-headers.ts'

/** A cache must ask before it answers, and a proxy must not re-code the bytes that the etag stands for. */
export const CACHING: Readonly<Record<string, string>> = { 'Cache-Control': 'no-cache, no-transform' }

/** What a GET or HEAD of a representation is answered with. */
export interface ReadAnswer {
  /** Status code. */
  readonly status: 200 | 206 | 304 | 416
  /** Header fields. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes of the body; undefined if there is no body. */
  readonly range?: ByteRange | undefined
}

/** What {@linkcode answerRead} is told besides the request. */
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

  const range = parseRange(ifRangeHolds(request.headers, version) ? request.headers.get('range') : null, size)
  if (range === 'unsatisfiable') return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${size}` } }
  const { start, end } = range ?? { start: 0, end: size }
  const length = { 'Content-Length': String(end - start) }
  const place = range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }
  return {
    status: range ? 206 : 200,
    headers: { ...described, ...length, ...place },
    range: end === start ? undefined : { start, end },
  }
}
