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
  if (!Number.isInteger(limit)) throw new TypeError(`limit must be an integer, got ${String(limit)}`)
  if (limit < 1 || limit > MAX_LIST_LIMIT) {
    throw new RangeError(`limit must be from 1 to ${MAX_LIST_LIMIT}, got ${limit}`)
  }
  return { prefix, after, limit }
}
