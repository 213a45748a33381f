import { checkInteger } from '../bytes/check-integer.ts'
import type { ListOptions } from './hive.ts'

const MAX_LIST_LIMIT = 1000

/**
 * Checks the options of a list, and fills in what is not given.
 *
 * @throws {TypeError} if `limit` is no integer, or `prefix` or `after` no string.
 * @throws {RangeError} if `limit` is not from 1 to 1,000.
 */
export function checkListOptions({ prefix = '', after, limit = MAX_LIST_LIMIT }: ListOptions): {
  prefix: string
  after: string | undefined
  limit: number
} {
  for (const [name, value] of Object.entries({ prefix, after })) {
    if (value !== undefined && typeof value !== 'string') {
      throw new TypeError(`${name} must be a string, got ${String(value)}`)
    }
  }
  return { prefix, after, limit: checkInteger('limit', limit, 1, MAX_LIST_LIMIT) }
}
