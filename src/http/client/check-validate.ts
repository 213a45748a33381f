import { describeValue } from '../../bytes/describe-value.ts'

/** How a reader makes sure that all ranges are of one version. */
export type Validate = 'if-match' | 'compare'

/**
 * Checks the option `validate`.
 *
 * @throws {TypeError} if it is neither `'if-match'` nor `'compare'`.
 */
export function checkValidate(validate: Validate | undefined): Validate | undefined {
  if (validate === undefined || validate === 'if-match' || validate === 'compare') return validate
  throw new TypeError(`validate must be 'if-match' or 'compare', got ${describeValue(validate)}`)
}
