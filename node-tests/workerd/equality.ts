/** What `expect.any`, `expect.objectContaining` and the like return. */
export class Matcher {
  readonly matches: (actual: unknown) => boolean

  constructor(matches: (actual: unknown) => boolean) {
    this.matches = matches
  }
}

/** `same`: as `toStrictEqual`; `equal`: without regard to properties that are undefined; `subset`: as `toMatchObject`. */
export type Comparison = 'same' | 'equal' | 'subset'

type Fields = Readonly<Record<string | symbol, unknown>>

/** Compares two values by their content, as vitest does. */
export function isEqual(actual: unknown, expected: unknown, how: Comparison): boolean {
  if (expected instanceof Matcher) return expected.matches(actual)
  if (Object.is(actual, expected)) return true
  if (typeof actual !== 'object' || typeof expected !== 'object' || !actual || !expected) return false
  const isFields = how === 'subset' && tagOf(expected) === '[object Object]'
  if (!isFields && tagOf(actual) !== tagOf(expected)) return false
  if (how === 'same' && Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false
  if (ArrayBuffer.isView(expected)) return isSameView(actual as ArrayBufferView, expected)
  if (expected instanceof Date) return expected.getTime() === (actual as Date).getTime()
  if (expected instanceof URL || expected instanceof RegExp) return String(actual) === String(expected)
  if (expected instanceof Error && how !== 'subset') return isSameError(actual as Error, expected)
  if (expected instanceof Set) return isSameSet([...(actual as Set<unknown>)], [...expected], how)
  if (expected instanceof Map) {
    return isEqual([...(actual as Iterable<unknown>)], [...(expected as Iterable<unknown>)], how)
  }
  if (Array.isArray(expected) && (actual as unknown[]).length !== expected.length) return false
  const [found, wanted] = [actual as Fields, expected as Fields]
  if (Reflect.ownKeys(wanted).some((key) => !isEqual(found[key], wanted[key], how))) return false
  if (how === 'subset' && !Array.isArray(expected)) return Reflect.ownKeys(wanted).every((key) => key in found)
  return Reflect.ownKeys(found).every((key) => key in wanted || (how === 'equal' && found[key] === undefined))
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value)
}

function isSameView(actual: ArrayBufferView, expected: ArrayBufferView): boolean {
  if (actual.byteLength !== expected.byteLength) return false
  const bytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  const [found, wanted] = [bytes(actual), bytes(expected)]
  return wanted.every((byte, index) => byte === found[index])
}

function isSameSet(actual: readonly unknown[], expected: readonly unknown[], how: Comparison): boolean {
  return (
    actual.length === expected.length && expected.every((item) => actual.some((found) => isEqual(found, item, how)))
  )
}

function isSameError(actual: Error, expected: Error): boolean {
  return actual.name === expected.name && actual.message === expected.message
}
