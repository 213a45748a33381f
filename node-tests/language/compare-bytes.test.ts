import { describe, expect, it } from 'vitest'
import { randomBytes } from '../support/streams.ts'

const BYTES = randomBytes(1000)

function changedAt(index: number): Uint8Array {
  const changed = BYTES.slice()
  changed[index]! ^= 1
  return changed
}

class OtherBytes extends Uint8Array {}

describe('toEqual and toStrictEqual', () => {
  it('accept equal bytes, wherever they are', () => {
    const copy = new Uint8Array(1003).subarray(2, 1002)
    copy.set(BYTES)
    expect(copy).toEqual(BYTES)
    expect(copy).toStrictEqual(BYTES)
    expect({ list: [copy, 1] }).toEqual({ list: [BYTES, 1] })
    expect(new Map([['x', copy]])).toEqual(new Map([['x', BYTES]]))
    expect(new Uint8Array()).toEqual(new Uint8Array())
  })

  it.each([
    ['the first byte', changedAt(0)],
    ['a byte in the middle', changedAt(499)],
    ['the last byte', changedAt(999)],
    ['a byte less', BYTES.subarray(0, 999)],
    ['a byte more', Uint8Array.from([...BYTES, 0])],
    ['no bytes', new Uint8Array()],
    ['another class', OtherBytes.from(BYTES)],
    ['other elements', Int8Array.from(BYTES)],
    ['an array', [...BYTES]],
    ['nothing', undefined],
  ])('tell bytes from others: %s', (_, other) => {
    expect(other).not.toEqual(BYTES)
    expect(BYTES).not.toEqual(other)
    expect(() => expect(other).toEqual(BYTES)).toThrow('to deeply equal')
    expect(() => expect(other).toStrictEqual(BYTES)).toThrow('to strictly equal')
    expect(() => expect({ list: [other] }).toEqual({ list: [BYTES] })).toThrow('to deeply equal')
  })
})
