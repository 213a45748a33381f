import type { ByteRange } from '../../bytes/byte-range.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { markHandled } from '../../bytes/promises.ts'
import { ConflictError, FormatError } from '../../errors.ts'
import { parseDigits } from '../../representation/header-values.ts'
import type { HttpClient } from './http-client.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { parseContentRange } from '../../representation/range-header.ts'

/** The version that is read, and how to request it. */
export interface RemoteVersion {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** Etag that every answer must have. */
  readonly etag: string
  /** URL of the version. */
  readonly url: string
  /** Header fields for every request. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * How to ask for the version without reading it. Some servers refuse HEAD: a signed URL is valid for one method.
   * @default 'HEAD'
   */
  readonly probe?: 'HEAD' | 'GET' | undefined
}

/** An answer that is being read. Its body has the bytes from `offset`, which grows as they are read, to `end`. */
export interface OpenAnswer {
  /** The body. */
  readonly body: ReadableStreamDefaultReader<Uint8Array>
  /** Offset of the next byte that the body gives. */
  offset: number
  /** Offset after the last byte that is wanted. */
  readonly end: number
  /** Whether the body ends at `end` rather than later: then its end is read too, which frees the connection. */
  readonly exact: boolean
  /** Status code of the answer. */
  readonly status: number
}

/**
 * Requests a range of a version. The answer may have fewer bytes, or, from a server that does not support ranges, all
 * bytes up to `lastEnd`.
 *
 * @throws {ConflictError} if the answer is of another version.
 * @throws {NotFoundError} if the entry is gone.
 * @throws {FormatError} if the answer does not fit the request.
 */
export async function openRange(
  client: HttpClient,
  version: RemoteVersion,
  range: ByteRange,
  lastEnd: number,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const { start, end } = range
  const headers = { ...version.headers, Range: `bytes=${start}-${end - 1}` }
  const response = await client.read({ method: 'GET', url: version.url, headers, signal })
  try {
    if (response.status === 206) return await acceptRange(response, version, range)
    if (response.status === 200) return await acceptWhole(response, version, start, lastEnd)
    return await refuse(client, response, version, start, signal)
  } catch (error) {
    giveUp(response, error)
    throw error
  }
}

/** Makes sure that the version is there, for a reader that needs none of its bytes. */
export async function checkVersion(
  client: HttpClient,
  version: RemoteVersion,
  offset: number,
  signal: AbortSignal,
): Promise<void> {
  const { url, probe = 'HEAD', size } = version
  const headers = { ...version.headers, ...(probe === 'GET' && size > 0 && { Range: 'bytes=0-0' }) }
  const response = await client.read({ method: probe, url, headers, signal })
  try {
    if (!response.ok) await refuse(client, response, version, offset, signal)
    assertPlain(response)
    // The total of a part is in its Content-Range; Content-Length is that of the part.
    const total = response.status === 206 ? response.headers.get('content-range') : undefined
    compare(response, parseDigits(/\/(\d+)$/.exec(total ?? '')?.[1] ?? null), version, offset)
  } finally {
    giveUp(response, undefined)
  }
}

/**
 * Makes sure that an answer has the bytes as they are. `fetch` undoes a coding, so the bytes that it gives are not those
 * that ranges and sizes count. (No `fetch` knows `aws-chunked`, which S3 keeps from an upload.)
 *
 * @throws {FormatError} if it does not.
 */
export function assertPlain({ headers, status }: Response): void {
  const coding = headers.get('content-encoding')
  if (coding === null || /^(?:identity|aws-chunked)?$/i.test(coding.trim())) return
  throw new FormatError(`the answer is compressed (${describeValue(coding)}), although identity was asked for`, {
    reason: 'unsupported',
    status,
  })
}

/** Ends an answer whose body is not wanted. */
function giveUp({ body }: Response, reason: unknown): void {
  if (body?.locked === false) markHandled(body.cancel(reason))
}

async function acceptRange(response: Response, version: RemoteVersion, asked: ByteRange): Promise<OpenAnswer> {
  assertPlain(response)
  const contentRange = response.headers.get('content-range')
  // A server may leave the total open (RFC 9110, section 14.4); the etag still says which version it is.
  const range = parseContentRange(contentRange?.replace(/\/\*$/, `/${version.size}`) ?? null)
  compare(response, range?.total, version, asked.start)
  const body = await bodyOf(response)
  if (!range || range.start !== asked.start || range.end > asked.end || !body) {
    throw new FormatError(`asked for bytes ${asked.start} to ${asked.end - 1}, got ${describeValue(contentRange)}`, {
      reason: 'invalid',
      status: response.status,
    })
  }
  return { body: body.getReader(), offset: range.start, end: range.end, exact: true, status: response.status }
}

/** This one answer has all the bytes; another request would only repeat them. */
async function acceptWhole(
  response: Response,
  version: RemoteVersion,
  start: number,
  end: number,
): Promise<OpenAnswer> {
  const { status } = response
  assertPlain(response)
  compare(response, parseDigits(response.headers.get('content-length')), version, start)
  const body = await bodyOf(response)
  if (!body) throw new FormatError('the answer has no body', { reason: 'truncated', status })
  return { body: body.getReader(), offset: 0, end, exact: end === version.size, status }
}

async function refuse(
  client: HttpClient,
  response: Response,
  version: RemoteVersion,
  offset: number,
  signal: AbortSignal,
): Promise<never> {
  const { headers, status } = response
  if (status === 416) {
    const total = parseDigits(/^bytes \*\/(\d+)$/i.exec(headers.get('content-range') ?? '')?.[1] ?? null)
    // Many servers send no etag with a 416, but another size says enough.
    if (headers.has('etag')) compare(response, total, version, offset)
    else if (total !== undefined && total !== version.size) throw conflict(response, version, offset)
    throw new FormatError(`the server refuses a range of an entry of ${version.size} bytes, which it is within`, {
      reason: 'invalid',
      offset,
      status,
    })
  }
  throw await client.errorOf(response, { alias: version.alias, expectedEtag: version.etag, offset }, signal)
}

/** Many servers ignore If-Match, so the answer has to show which version it is of. */
function compare(response: Response, total: number | undefined, version: RemoteVersion, offset: number): void {
  const { headers, status } = response
  const actualEtag = headers.get('etag')
  if (actualEtag === null) {
    throw new FormatError('the answer has no ETag, so its version is unknown', { reason: 'invalid', status })
  }
  if (actualEtag === `W/${version.etag}`) {
    throw new FormatError(`the answer has only a weak ETag, ${describeValue(actualEtag)}: does a proxy change it?`, {
      reason: 'unsupported',
      status,
    })
  }
  if (actualEtag !== version.etag || (total ?? version.size) !== version.size) throw conflict(response, version, offset)
}

function conflict({ headers, status }: Response, { alias, etag }: RemoteVersion, offset: number): ConflictError {
  return new ConflictError(`the entry was updated while it was being read: ${alias}`, {
    alias,
    expectedEtag: etag,
    actualEtag: headers.get('etag') ?? undefined,
    offset,
    status,
  })
}
