import type { Backend, Metadata, ObjectInfo, VersionedValue } from '../store/backend.ts'

/** One thing that a backend must do, and a function that rejects if it does not. */
export type Test = readonly [name: string, test: (backend: Backend) => Promise<void>]

/** Fails the case if the condition does not hold. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the backend is wrong: ${what}`)
}

/** Fails the case unless two lists are equal. */
export function same(actual: readonly string[], expected: readonly string[], what: string): void {
  check(actual.join() === expected.join(), `${what}: expected ${expected.join()}; got ${actual.join()}`)
}

/** The bytes of a key or a value. */
export function key(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

/** Writes a row unconditionally, and returns its version. */
export async function set(metadata: Metadata, hex: string, value: string): Promise<string> {
  const version = await metadata.commit([], [{ key: key(hex), value: key(value) }])
  check(isVersion(version), 'a commit without checks is applied')
  return version
}

/** Whether this is a version, with which an applied commit resolves. */
export function isVersion(version: string | false): version is string {
  return typeof version === 'string' && version !== ''
}

/** The names of listed objects. */
export function namesOf(objects: readonly ObjectInfo[]): string[] {
  return objects.map(({ name }) => name)
}

/** Reads a row that must be there. */
export async function mustGet(metadata: Metadata, hex: string): Promise<VersionedValue> {
  const row = await metadata.get(key(hex))
  check(row !== undefined, `the row ${hex} is there`)
  return row
}
