import { describeValue } from '../bytes/describe-value.ts'
import { AlreadyExistsError, ConflictError } from '../errors.ts'

/** What must be true of the current version for a change to be made. */
export interface Precondition {
  /** The etag that it must have; `'*'` means any, but the entry must exist. */
  readonly ifMatch?: string | undefined
  /** `'*'` means that the entry must not exist. */
  readonly ifNoneMatch?: '*' | undefined
}

/**
 * Checks the options `ifMatch` and `ifNoneMatch`.
 *
 * @throws {TypeError} if one of them is not an etag, or both are given.
 */
export function checkPrecondition({ ifMatch, ifNoneMatch }: Precondition): void {
  if (ifMatch !== undefined && ifMatch !== '*' && !isEtag(ifMatch)) {
    throw new TypeError(`ifMatch must be '*' or an etag in its quotes, got ${describeValue(ifMatch)}`)
  }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new TypeError(`ifNoneMatch must be '*', got ${describeValue(ifNoneMatch)}`)
  }
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new TypeError('ifMatch and ifNoneMatch exclude each other')
  }
}

function isEtag(value: unknown): boolean {
  return typeof value === 'string' && /^"[\x21\x23-\x7e]*"$/.test(value)
}

/**
 * Checks a precondition against the etag of the current version, which is undefined if there is no entry.
 *
 * @throws {AlreadyExistsError} if there must not be an entry.
 * @throws {ConflictError} if there must be an entry, or another version.
 */
export function assertPrecondition(
  alias: string,
  actualEtag: string | undefined,
  { ifMatch, ifNoneMatch }: Precondition,
): void {
  if (ifNoneMatch === '*' && actualEtag !== undefined) {
    throw new AlreadyExistsError(`the entry exists: ${alias}`, { alias, actualEtag })
  }
  if (ifMatch === undefined || ifMatch === actualEtag || (ifMatch === '*' && actualEtag !== undefined)) return
  const expectedEtag = ifMatch === '*' ? undefined : ifMatch
  const problem = actualEtag === undefined ? 'there is no such entry' : 'the entry has another version'
  throw new ConflictError(`${problem}: ${alias}`, { alias, expectedEtag, actualEtag })
}
