import { describeValue } from './describe-value.ts'

/**
 * Checks an option that counts something; a `max` of Infinity may be reached.
 *
 * @throws {TypeError} if `value` is no integer.
 * @throws {RangeError} if it is outside `[min, max]`, both inclusive.
 */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) && value !== max)
    throw new TypeError(`${name} must be an integer, got ${describeValue(value)}`)
  if (value < min || value > max) throw new RangeError(`${name} must be from ${min} to ${max}, got ${value}`)
  return value
}
