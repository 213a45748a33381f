import { AlreadyExistsError, ConflictError } from '../errors.ts'
import { isStrongEtag } from './header-values.ts'
import { parseHttpDate } from './http-date.ts'
import type { Representation } from './representation.ts'
import { isKnown } from './version-headers.ts'

/** The version that conditions are compared with; undefined if there is no such entry. */
export type CurrentVersion = Pick<Representation, 'etag' | 'modified'> | undefined

/**
 * Evaluates the conditions of a request against the current version, in the order of RFC 9110, section 13.2.2.
 *
 * @returns `'not-modified'` if the answer is a 304, undefined if the request may go on.
 * @throws {ConflictError} if If-Match or If-Unmodified-Since is not met, or If-None-Match names the version: 412.
 * @throws {AlreadyExistsError} if If-None-Match: * is not met: 412.
 */
export function evaluateConditions(
  request: Pick<Request, 'method' | 'headers'>,
  alias: string,
  current: CurrentVersion,
): 'not-modified' | undefined {
  const { headers } = request
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null) {
    if (!matches(ifMatch, current, 'strong')) throw conflict(alias, ifMatch, current)
  } else {
    const since = dateOf(headers, 'if-unmodified-since', current)
    if (since !== undefined && !(current && isUnmodified(current, since))) throw conflict(alias, '', current)
  }

  const reading = request.method === 'GET' || request.method === 'HEAD'
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null) {
    if (!matches(ifNoneMatch, current, 'weak')) return undefined
    if (reading) return 'not-modified'
    if (ifNoneMatch.trim() !== '*') throw conflict(alias, '', current)
    throw new AlreadyExistsError(`the entry exists: ${alias}`, { alias, actualEtag: current?.etag })
  }
  const since = reading ? dateOf(headers, 'if-modified-since', current) : undefined
  return since !== undefined && current && isUnmodified(current, since) ? 'not-modified' : undefined
}

/**
 * Whether a Range header counts: If-Range (RFC 9110, section 13.1.5) is absent, or is exactly the strong etag of the
 * version. A date never holds: another version of the same second would have the same date, and the client would join
 * parts of both.
 */
export function ifRangeHolds(headers: Headers, { etag }: Pick<Representation, 'etag'>): boolean {
  const ifRange = headers.get('if-range')?.trim()
  return ifRange === undefined || ifRange === etag
}

/** Whether a request has a condition that depends on more than the existence of the entry. */
export function hasConditions(headers: Headers): boolean {
  return ['if-match', 'if-none-match', 'if-unmodified-since'].some((name) => headers.has(name))
}

function matches(header: string, current: CurrentVersion, comparison: 'strong' | 'weak'): boolean {
  if (!current) return false
  if (header.trim() === '*') return true
  for (const [, weak, etag] of header.matchAll(/(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)) {
    if (etag === current.etag && (comparison === 'weak' || !weak)) return true
  }
  return false
}

/**
 * Reads a date. A malformed one counts as absent, and so does any if the time of the version is not known (RFC 9110,
 * sections 13.1.3 and 13.1.4).
 */
function dateOf(headers: Headers, name: string, current: CurrentVersion): number | undefined {
  return current && !isKnown(current.modified) ? undefined : parseHttpDate(headers.get(name)?.trim() ?? '')
}

/** Whether a version already existed at a date. The date is in seconds, the time of the version in milliseconds. */
function isUnmodified({ modified }: { readonly modified: Date }, sinceMs: number): boolean {
  return modified.getTime() <= sinceMs
}

function conflict(alias: string, ifMatch: string, current: CurrentVersion): ConflictError {
  const expected = ifMatch.trim()
  const problem = current ? 'the entry has another version' : 'there is no such entry'
  return new ConflictError(`${problem}: ${alias}`, {
    alias,
    expectedEtag: isStrongEtag(expected) ? expected : undefined,
    actualEtag: current?.etag,
  })
}
