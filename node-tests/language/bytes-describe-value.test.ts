import { describe, expect, it } from 'vitest'
import { describeValue } from '../../src/bytes/describe-value.ts'

describe('describeValue', () => {
  it('describes values of every kind', () => {
    class Box {
      readonly size = 1
    }
    const cases: [unknown, string][] = [
      ['a "b"', '"a \\"b\\""'],
      ['\ud800', '"\\ud800"'],
      [5, '5'],
      [-0.5, '-0.5'],
      [Number.NaN, 'NaN'],
      [undefined, 'undefined'],
      [null, 'null'],
      [7n, '7'],
      [Symbol('x'), 'Symbol(x)'],
      [() => 1, 'a function'],
      [{}, '[object Object]'],
      [[1, 2], '[object Array]'],
      [new Box(), '[object Box]'],
      [Promise.resolve(), '[object Promise]'],
      [new Uint8Array(3), '[object Uint8Array] of 3 bytes'],
      [new ReadableStream(), '[object ReadableStream]'],
    ]
    for (const [value, expected] of cases) expect(describeValue(value)).toBe(expected)
  })

  it('is short, however large the value is', () => {
    const name = 'x'.repeat(100_000)
    const values = [
      name,
      new Uint8Array(1_000_000),
      Array.from({ length: 10_000 }, () => name),
      Symbol(name),
      10n ** 5_000n,
      { [Symbol.toStringTag]: name },
      { [name]: name },
    ]
    for (const value of values) expect(describeValue(value).length).toBeLessThan(200)
  })

  it('never fails, even if inspecting the value throws', () => {
    const fail = (): never => {
      throw new Error('looked at')
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const values: object[] = [
      Object.create(null) as object,
      { toString: fail, valueOf: fail, toJSON: fail },
      {
        get constructor(): never {
          return fail()
        },
      },
      {
        get [Symbol.toStringTag](): never {
          return fail()
        },
      },
      revoked.proxy,
      new Proxy({}, { get: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail }),
    ]
    for (const value of values) expect(describeValue(value)).toMatch(/object/)
  })
})
