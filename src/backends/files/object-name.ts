import { describeValue } from '../../bytes/describe-value.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,199}$/

/** Whether an object can have this name. */
export function isObjectName(name: string): boolean {
  return NAME.test(name)
}

/**
 * Checks the name of an object.
 *
 * @throws {TypeError} if an object cannot have this name.
 */
export function checkObjectName(name: string): void {
  if (isObjectName(name)) return
  throw new TypeError(`an object's name must be up to 200 letters, digits, "-" and ".", got ${describeValue(name)}`)
}
