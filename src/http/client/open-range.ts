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
  { start, end }: ByteRange,
  lastEnd: number,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const headers = { ...version.headers, Range: `bytes=${start}-${end - 1}` }
  const response = await client.read({ method: 'GET', url: version.url, headers, signal })
  try {
    if (response.status === 206) return await acceptRange(response, version, { start, end })
    if (response.status === 200) return await acceptWhole(response, version, start, lastEnd)
    return await refuse(client, response, version, start, signal)
  } catch (error) {
    if (response.body?.locked === false) markHandled(response.body.cancel(error))
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
  const { url, headers } = version
  const response = await client.read({ method: 'HEAD', url, headers, signal })
  if (!response.ok) await refuse(client, response, version, offset, signal)
  compare(response, undefined, version, offset)
}

async function acceptRange(response: Response, version: RemoteVersion, asked: ByteRange): Promise<OpenAnswer> {
  const contentRange = response.headers.get('content-range')
  const range = parseContentRange(contentRange)
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
  if (status === 416 && headers.has('etag')) {
    const total = /^bytes \*\/(\d+)$/i.exec(headers.get('content-range') ?? '')?.[1]
    compare(response, parseDigits(total ?? null), version, offset)
  }
  throw await client.errorOf(response, { alias: version.alias, expectedEtag: version.etag, offset }, signal)
}

/** Many servers ignore If-Match, so the answer has to show which version it is of. */
function compare(
  { headers, status }: Response,
  total: number | undefined,
  version: RemoteVersion,
  offset: number,
): void {
  const { alias, etag, size } = version
  const actualEtag = headers.get('etag')
  if (actualEtag === null) {
    throw new FormatError('the answer has no ETag, so its version is unknown', { reason: 'invalid', status })
  }
  if (actualEtag === etag && (total ?? size) === size) return
  throw new ConflictError(`the entry was updated while it was being read: ${alias}`, {
    alias,
    expectedEtag: etag,
    actualEtag,
    offset,
    status,
  })
}
