import { describeValue } from '../bytes/describe-value.ts'
import { AlreadyExistsError, ConflictError } from '../errors.ts'

/** What a change asks of the version that is there. */
export interface Precondition {
  /** The etag that it must have; `'*'`: any, but there must be one. */
  readonly ifMatch?: string | undefined
  /** `'*'`: there must be none. */
  readonly ifNoneMatch?: '*' | undefined
}

/**
 * Checks the options `ifMatch` and `ifNoneMatch`.
 *
 * @throws {TypeError} if one is no etag, or both are given.
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
 * Holds a precondition against the etag of the version that is there, undefined if there is none.
 *
 * @throws {AlreadyExistsError} if there must be none.
 * @throws {ConflictError} if there must be another, or one at all.
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
