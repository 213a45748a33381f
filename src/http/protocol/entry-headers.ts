import { FormatError } from '../../errors.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import { isStrongEtag, parseDigits } from './header-values.ts'
import { lastModified } from './http-date.ts'
import { UNKNOWN_TYPE } from './media-types.ts'

/** Time of the commit in milliseconds; Last-Modified has only seconds. */
const MODIFIED_HEADER = 'Hive-Modified'
/** Etag of the version that a signature belongs to; ETag itself is that of the signature. */
export const VERSION_HEADER = 'Hive-Version'

/** The header fields of an answer that a page of another origin may read, besides those that it always may. */
export const EXPOSED_HEADERS: string = [
  'Accept-Ranges',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Location',
  'Repr-Digest',
  'Retry-After',
  MODIFIED_HEADER,
  VERSION_HEADER,
].join(', ')

/**
 * The header fields that describe a version, on every answer about it. `asOfMs` is a time, in milliseconds since 1970,
 * before the version was looked up: nothing is known of what has happened since. It is also the answer's Date, because
 * the server might set one that is a little too early.
 */
export function entryHeaders(
  { etag, modified }: Pick<EntryInfo, 'etag' | 'modified'>,
  asOfMs: number,
): Record<string, string> {
  return {
    Date: new Date(asOfMs).toUTCString(),
    ETag: etag,
    'Last-Modified': lastModified(modified, asOfMs),
    [MODIFIED_HEADER]: modified.toISOString(),
  }
}

/**
 * Reads an entry from the header fields of an answer to HEAD or PUT; `known` is what they do not say.
 *
 * @throws {FormatError} if they do not describe one.
 */
export function entryFromHeaders(
  { headers, status }: Pick<Response, 'headers' | 'status'>,
  known: { alias: string; size?: number | undefined; type?: string | undefined },
): EntryInfo {
  const etag = headers.get('etag') ?? ''
  if (!isStrongEtag(etag)) {
    throw new FormatError('the answer has no strong ETag: is this a hive? Across origins it must be exposed by CORS', {
      reason: 'invalid',
      status,
    })
  }
  const size = known.size ?? parseDigits(headers.get('content-length'))
  if (size === undefined) {
    throw new FormatError('the answer has no Content-Length, so the entry has no size', { reason: 'invalid', status })
  }
  return {
    alias: known.alias,
    size,
    etag,
    type: known.type ?? headers.get('content-type') ?? UNKNOWN_TYPE,
    modified: modifiedIn(headers),
  }
}

/** Other servers may not send the first of these; a time that is absent or malformed is not a reason to fail. */
function modifiedIn(headers: Headers): Date {
  const times = [MODIFIED_HEADER, 'Last-Modified'].map((name) => Date.parse(headers.get(name) ?? ''))
  return new Date(times.find((time) => !Number.isNaN(time)) ?? 0)
}
