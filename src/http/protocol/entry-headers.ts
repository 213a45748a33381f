import { FormatError } from '../../errors.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import { isStrongEtag, parseDigits } from '../../representation/header-values.ts'
import { MODIFIED_HEADER } from '../../representation/version-headers.ts'
import { UNKNOWN_TYPE } from './media-types.ts'

/** Etag of the version that a signature belongs to; ETag itself is that of the signature. */
export const VERSION_HEADER = 'Hive-Version'

/**
 * The alias that a MOVE is to give, in percent-encoding. A proxy that changes the path of a request, but not Destination, would
 * otherwise give the entry a wrong name.
 */
export const NEW_ALIAS_HEADER = 'Hive-New-Alias'

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
    ...noStoreIn(headers),
  }
}

/** Whether an answer forbids keeping what it describes (RFC 9111, section 5.2.2.5). */
export function noStoreIn(headers: Headers): Pick<EntryInfo, 'noStore'> {
  const directives = headers.get('cache-control')?.toLowerCase().split(',') ?? []
  return directives.some((directive) => directive.trim() === 'no-store') ? { noStore: true } : {}
}

/**
 * The time of the version that an answer describes. Other servers may not send the first of these fields; a time that is
 * absent or malformed is not a reason to fail.
 */
export function modifiedIn(headers: Headers): Date {
  const times = [MODIFIED_HEADER, 'Last-Modified'].map((name) => Date.parse(headers.get(name) ?? ''))
  return new Date(times.find((time) => !Number.isNaN(time)) ?? 0)
}
