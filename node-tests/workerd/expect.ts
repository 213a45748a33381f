import { type Comparison, isEqual, Matcher } from './equality.ts'

/** A check that failed. */
class CheckError extends Error {
  override readonly name = 'CheckError'
}

type Check = (actual: unknown, ...expected: never[]) => boolean

const POLL_TIMEOUT_MS = 30_000
const POLL_INTERVAL_MS = 50

const by =
  (how: Comparison): Check =>
  (actual, expected) =>
    isEqual(actual, expected, how)

/** The checks of vitest that the portable tests make. */
const CHECKS: Readonly<Record<string, Check>> = {
  toBe: Object.is as Check,
  toEqual: by('equal'),
  toStrictEqual: by('same'),
  toMatchObject: by('subset'),
  toThrow: (actual, expected?: unknown) => threw(actual, expected),
  toBeUndefined: (actual) => actual === undefined,
  toBeNull: (actual) => actual === null,
  toBeTypeOf: (actual, type: string) => typeof actual === type,
  toBeInstanceOf: (actual, type: new () => unknown) => actual instanceof type,
  toHaveLength: (actual, length: number) => (actual as { length: number }).length === length,
  toBeGreaterThan: (actual, bound: number) => (actual as number) > bound,
  toBeGreaterThanOrEqual: (actual, bound: number) => (actual as number) >= bound,
  toBeLessThan: (actual, bound: number) => (actual as number) < bound,
  toBeLessThanOrEqual: (actual, bound: number) => (actual as number) <= bound,
  toContain: (actual, item: never) => (typeof actual === 'string' ? actual : [...(actual as never[])]).includes(item),
  toContainEqual: (actual, item) => (actual as unknown[]).some((found) => isEqual(found, item, 'equal')),
  toMatch: (actual, pattern: string | RegExp) => isText(actual, pattern),
  toHaveProperty: (actual, key: string, ...value: unknown[]) =>
    key in (actual as object) && (value.length === 0 || isEqual((actual as never)[key], value[0], 'equal')),
  toHaveBeenCalledOnce: (actual) => (actual as { mock: { calls: unknown[] } }).mock.calls.length === 1,
}

type Checks = Record<string, (...expected: unknown[]) => unknown>

type Negatable = Record<string, unknown> & { readonly not: Checks }

interface Expectation extends Checks {
  readonly not: never
  readonly resolves: never
  readonly rejects: never
}

interface Expect {
  (actual: unknown, message?: string): Expectation
  poll(read: () => unknown, options?: { readonly timeout?: number }): Expectation
  any(type: unknown): Matcher
  anything(): Matcher
  objectContaining(expected: object): Matcher
  arrayContaining(expected: readonly unknown[]): Matcher
  stringContaining(expected: string): Matcher
  stringMatching(expected: string | RegExp): Matcher
}

/** Stands in for vitest's. */
export const expect: Expect = Object.assign(
  (actual: unknown, message?: string) =>
    ({
      ...checksOf(() => actual, message),
      resolves: waiting(async () => (typeof actual === 'function' ? (actual() as unknown) : actual), message),
      rejects: waiting(() => failureOf(actual), message, true),
    }) as unknown as Expectation,
  {
    poll: (read: () => unknown, { timeout = POLL_TIMEOUT_MS }: { timeout?: number } = {}) =>
      polling(read, timeout) as unknown as Expectation,
    any: (type: unknown) =>
      new Matcher((actual) =>
        actual instanceof (type as new () => unknown)
          ? true
          : typeof actual === (type as { name: string }).name.toLowerCase(),
      ),
    anything: () => new Matcher((actual) => actual !== undefined && actual !== null),
    objectContaining: (expected: object) => new Matcher((actual) => isEqual(actual, expected, 'subset')),
    arrayContaining: (expected: readonly unknown[]) =>
      new Matcher((actual) =>
        expected.every((item) => (actual as unknown[]).some((found) => isEqual(found, item, 'equal'))),
      ),
    stringContaining: (expected: string) => new Matcher((actual) => isText(actual, expected)),
    stringMatching: (expected: string | RegExp) =>
      new Matcher((actual) => typeof actual === 'string' && new RegExp(expected).test(actual)),
  },
)

function checksOf(read: () => unknown, message: string | undefined): Negatable {
  const make = (isNegated: boolean): Checks =>
    Object.fromEntries(
      Object.entries(CHECKS).map(([name, check]) => [
        name,
        (...expected: unknown[]) => assertThat({ name, check, isNegated, message }, read(), expected),
      ]),
    )
  return { ...make(false), not: make(true) }
}

interface Assertion {
  readonly name: string
  readonly check: Check
  readonly isNegated: boolean
  readonly message: string | undefined
}

function assertThat({ name, check, isNegated, message }: Assertion, actual: unknown, expected: unknown[]): void {
  if (check(actual, ...(expected as never[])) !== isNegated) return
  const what = `${isNegated ? 'not ' : ''}${name}(${expected.map(describe).join(', ')})`
  throw new CheckError(`${message ? `${message}: ` : ''}expected ${describe(actual)} ${what}`)
}

/** The same checks of a value that comes later. */
function waiting(read: () => Promise<unknown>, message: string | undefined, isThrown = false): Negatable {
  const make = (isNegated: boolean): Checks =>
    Object.fromEntries(
      Object.entries(CHECKS).map(([name, check]) => [
        name,
        async (...expected: unknown[]) => {
          const value = await read()
          const rejecting = isThrown && name === 'toThrow'
          const actual = rejecting ? () => raise(value) : value
          assertThat({ name, check, isNegated, message }, actual, expected)
        },
      ]),
    )
  return { ...make(false), not: make(true) }
}

function polling(read: () => unknown, timeoutMs: number): Negatable {
  const make = (isNegated: boolean): Checks =>
    Object.fromEntries(
      Object.entries(CHECKS).map(([name, check]) => [
        name,
        async (...expected: unknown[]) => {
          for (const begun = Date.now(); ;) {
            try {
              return assertThat({ name, check, isNegated, message: undefined }, await read(), expected)
            } catch (error) {
              if (Date.now() - begun > timeoutMs) throw error
            }
            await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS))
          }
        },
      ]),
    )
  return { ...make(false), not: make(true) }
}

async function failureOf(actual: unknown): Promise<unknown> {
  try {
    await (typeof actual === 'function' ? (actual() as unknown) : actual)
  } catch (error) {
    return error
  }
  throw new CheckError('the promise did not reject')
}

function raise(error: unknown): never {
  throw error
}

function threw(run: unknown, expected: unknown): boolean {
  try {
    ;(run as () => unknown)()
  } catch (error) {
    if (expected === undefined) return true
    if (typeof expected === 'function') return error instanceof expected
    if (typeof expected === 'string' || expected instanceof RegExp) return isText((error as Error).message, expected)
    if (expected instanceof Error) return (error as Error).message === expected.message
    return isEqual(error, expected, 'subset')
  }
  return false
}

function isText(actual: unknown, pattern: string | RegExp): boolean {
  if (typeof actual !== 'string') return false
  return typeof pattern === 'string' ? actual.includes(pattern) : pattern.test(actual)
}

const MOST_CHARACTERS = 300

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (typeof value === 'function') return value.name || 'a function'
  if (value instanceof Uint8Array) return `bytes [${value.subarray(0, 20).join()}${value.length > 20 ? '…' : ''}]`
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, MOST_CHARACTERS)
  } catch {
    return String(value)
  }
}
