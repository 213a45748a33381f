// Runs before each test file. `toEqual` takes up to 3 µs for each byte (in WebKit), so bytes that are equal are recognized here
// first. All else is left to vitest, which then says what differs.
import { expect } from 'vitest'

const INSTALLED = Symbol.for('combstream: compares bytes')

// One process or page may run many files, and vitest keeps every tester that was added.
if (!(INSTALLED in globalThis)) {
  Object.defineProperty(globalThis, INSTALLED, { value: true })
  expect.addEqualityTesters([(a, b) => (areSameBytes(a, b) ? true : undefined)])
}

function areSameBytes(a: unknown, b: unknown): boolean {
  if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return false
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return false
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false
  return true
}
