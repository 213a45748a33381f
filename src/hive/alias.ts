import { describeValue } from '../bytes/describe-value.ts'

/** Longest alias, in bytes of UTF-8. */
export const MAX_ALIAS_BYTES = 1023

/** Reserved for the server's own resources. */
const RESERVED_PREFIX = '-/'

/**
 * Checks the name of an entry, and returns its UTF-8 bytes, by which entries are ordered.
 *
 * @throws {TypeError} if it is not an alias; see {@linkcode Hive}.
 */
export function checkAlias(alias: string): Uint8Array<ArrayBuffer> {
  const problem = aliasProblem(alias)
  if (problem) throw new TypeError(`an alias ${problem}, got ${describeValue(alias)}`)
  return new TextEncoder().encode(alias)
}

function aliasProblem(alias: unknown): string | undefined {
  if (typeof alias !== 'string') return 'must be a string'
  if (alias === '') return 'must not be empty'
  // The length is checked before encoding: UTF-8 has at least one byte for each code unit.
  if (alias.length > MAX_ALIAS_BYTES || new TextEncoder().encode(alias).byteLength > MAX_ALIAS_BYTES) {
    return `must be at most ${MAX_ALIAS_BYTES} bytes of UTF-8`
  }
  if (/\p{Surrogate}/u.test(alias)) return 'must not have lone surrogates'
  if (alias.startsWith(RESERVED_PREFIX)) return `must not begin with ${RESERVED_PREFIX}`
  if (alias.split('/').some((segment) => segment === '.' || segment === '..')) {
    return 'must not have a segment . or ..'
  }
  return undefined
}
