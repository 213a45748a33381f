import { checkInteger } from '../bytes/check-integer.ts'
import { describeValue } from '../bytes/describe-value.ts'
import type { ListOptions } from './hive.ts'

/** Largest number of entries in a list. */
export const MAX_LIST_ENTRIES = 1000

/**
 * Checks the options of a list, and fills in the defaults.
 *
 * @throws {TypeError} if `limit` is not an integer, or `prefix` or `after` is not a string without lone surrogates.
 * @throws {RangeError} if `limit` is not from 1 to 1,000.
 */
export function checkListOptions({ prefix = '', after, limit = MAX_LIST_ENTRIES }: ListOptions): {
  prefix: string
  after: string | undefined
  limit: number
} {
  for (const [name, value] of Object.entries({ prefix, after })) {
    if (value !== undefined && typeof value !== 'string') {
      throw new TypeError(`${name} must be a string, got ${describeValue(value)}`)
    }
    // A lone surrogate has no UTF-8, so the look-up would be for something else.
    if (value !== undefined && /\p{Surrogate}/u.test(value)) {
      throw new TypeError(`${name} must not have lone surrogates: ${describeValue(value)}`)
    }
  }
  return { prefix, after, limit: checkInteger('limit', limit, 1, MAX_LIST_ENTRIES) }
}
