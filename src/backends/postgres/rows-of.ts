import { BackendError } from '../../errors.ts'
import type { RawResult, RawRow } from './client.ts'

/**
 * The rows of a result. After a statement of anybody that has failed between two of its rows, the driver numbers the rows
 * of the next result on the same connection from there on (postgres 3.4.9: `DataRow` in its `connection.js`), so that
 * members of the array are missing.
 *
 * @param what What an error says could not be done.
 * @param changes Whether the call changes something, which it then may have done.
 * @throws {BackendError} that is `retryable` if there are not as many rows as the server says.
 */
export function rowsOf(result: RawResult, what: string, changes: boolean): readonly RawRow[] {
  // It passes over those that are missing.
  const rows = result.filter(() => true)
  // For other commands it counts the rows that were changed.
  if (result.command !== 'SELECT' || result.count === rows.length) return rows
  const problem = `${what}: the driver has ${rows.length} of ${result.count} rows`
  throw new BackendError(problem, { retryable: true, outcome: changes ? 'unknown' : undefined })
}
