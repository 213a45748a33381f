import { describeValue } from '../bytes/describe-value.ts'
import type { Consistency } from './hive.ts'

/**
 * Checks the `consistency` of an entry that is opened.
 *
 * @throws {TypeError} if it is neither `'conflict'` nor `'snapshot'`.
 */
export function checkConsistency(consistency: Consistency = 'conflict'): Consistency {
  if (consistency === 'conflict' || consistency === 'snapshot') return consistency
  throw new TypeError(`consistency must be 'conflict' or 'snapshot', got ${describeValue(consistency)}`)
}
