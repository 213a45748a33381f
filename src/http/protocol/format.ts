/**
 * Names and fields of the protocol between `HttpHive` and `createHiveHandler`: docs/http.md.
 *
 * @module
 */
import { FormatError } from '../../errors.ts'
import { checkAlias } from '../../hive/alias.ts'
import type { EntryInfo, ListedEntry } from '../../hive/hive.ts'
import { lastModified } from './http-date.ts'

/** Media type of a delta: librsync has registered none, so this is the protocol's own. */
export const DELTA_TYPE = 'application/vnd.rdiff-delta'
/** Media type of a signature. */
export const SIGNATURE_TYPE = 'application/vnd.rdiff-signature'
/** Media type of an error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json'
/** Media type of an entry that was stored without one. */
const UNKNOWN_TYPE = 'application/octet-stream'

/** Time of the commit with its milliseconds, which Last-Modified has not. */
const MODIFIED_HEADER = 'Hive-Modified'
/** Etag of the version that a signature belongs to; ETag itself is that of the signature. */
export const VERSION_HEADER = 'Hive-Version'

/** What a page of another origin may read of an answer, besides what it always may. */
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

/** An entry in JSON: as the answer to a delta, and in a list. */
export interface EntryJson {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** Strong validator, quotes included. */
  readonly etag: string
  /** Media type. */
  readonly type: string
  /** Time of the commit, ISO 8601 in UTC. */
  readonly modified: string
}

/** An entry of a list in JSON. */
export interface ListedEntryJson extends EntryJson {
  /** What is wrong with the entry, if the hive cannot read what it knows of it. */
  readonly damage?: string
}

/** A list of entries in JSON. */
export interface ListJson {
  /** The entries, in the order of the UTF-8 bytes of their aliases. */
  readonly entries: readonly ListedEntryJson[]
  /** Value of `after` for the next request; absent if there is nothing more. */
  readonly next?: string
}

/** An entry as it stands in JSON. */
export function entryToJson({ alias, size, etag, type, modified }: EntryInfo): EntryJson {
  return { alias, size, etag, type, modified: modified.toISOString() }
}

/** An entry of a list as it stands in JSON. */
export function listedEntryToJson(entry: ListedEntry): ListedEntryJson {
  return { ...entryToJson(entry), ...(entry.damage !== undefined && { damage: entry.damage }) }
}

/**
 * Reads an entry of a list from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is not one.
 */
export function listedEntryFromJson(value: unknown, status: number): ListedEntry {
  const entry = entryFromJson(value, status)
  const damage = isRecord(value) ? value['damage'] : undefined
  return typeof damage === 'string' ? { ...entry, damage } : entry
}

/**
 * Reads an entry from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is none.
 */
export function entryFromJson(value: unknown, status: number): EntryInfo {
  const entry = isRecord(value) ? value : {}
  const { alias, size, etag, type } = entry
  const modified = new Date(typeof entry['modified'] === 'string' ? entry['modified'] : Number.NaN)
  if (
    typeof alias !== 'string' ||
    typeof size !== 'number' ||
    !isSize(size) ||
    typeof etag !== 'string' ||
    !isStrongEtag(etag) ||
    typeof type !== 'string' ||
    Number.isNaN(modified.getTime())
  ) {
    throw new FormatError('the answer has an entry that is none: is this a hive?', { reason: 'invalid', status })
  }
  try {
    // A name of a server's choice may end up in a path.
    checkAlias(alias)
  } catch (cause) {
    throw new FormatError('the answer has an entry whose name is no alias', { reason: 'invalid', status, cause })
  }
  return { alias, size, etag, type, modified }
}

/**
 * The header fields that describe a version, on every answer about it. `asOfMs` is a time, in milliseconds since 1970,
 * before the version was looked up: nothing is known of what has happened since. It is also the answer's Date, since a
 * server may be a little behind with its own.
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
 * Reads an entry from the header fields of an answer to HEAD or PUT; `known` is what they do not tell.
 *
 * @throws {FormatError} if they describe none.
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

/** A server of another make may not send the first, and a time that is missing, or none, is no reason to fail. */
function modifiedIn(headers: Headers): Date {
  const times = [MODIFIED_HEADER, 'Last-Modified'].map((name) => Date.parse(headers.get(name) ?? ''))
  return new Date(times.find((time) => !Number.isNaN(time)) ?? 0)
}

/** A non-negative safe integer in decimal digits; undefined if it is none. */
export function parseDigits(text: string | null): number | undefined {
  const value = text !== null && /^\d+$/.test(text) ? Number(text) : Number.NaN
  return isSize(value) ? value : undefined
}

/** Whether a text is a strong entity tag (RFC 9110, section 8.8.3). */
export function isStrongEtag(text: string): boolean {
  return /^"[\x21\x23-\x7e]*"$/.test(text)
}

/** Whether a value is an object with named members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
