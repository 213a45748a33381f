import { describeValue } from './describe-value.ts'

/**
 * Checks an option that counts something. If `max` is Infinity, so may `value` be.
 *
 * @throws {TypeError} if `value` is not an integer.
 * @throws {RangeError} if it is outside `[min, max]`, both inclusive.
 */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) && value !== max)
    throw new TypeError(`${name} must be an integer, got ${describeValue(value)}`)
  if (value < min || value > max) throw new RangeError(`${name} must be from ${min} to ${max}, got ${value}`)
  return value
}
