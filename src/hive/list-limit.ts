const MAX_LIST_LIMIT = 1000

/**
 * Checks the `limit` of a list.
 *
 * @throws {TypeError} if it is no integer.
 * @throws {RangeError} if it is not from 1 to 1,000.
 */
export function checkListLimit(limit: number = MAX_LIST_LIMIT): number {
  if (!Number.isInteger(limit)) throw new TypeError(`limit must be an integer, got ${String(limit)}`)
  if (limit < 1 || limit > MAX_LIST_LIMIT) {
    throw new RangeError(`limit must be from 1 to ${MAX_LIST_LIMIT}, got ${limit}`)
  }
  return limit
}
