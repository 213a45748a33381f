import { expect, test } from 'vitest'

test('`combstream/polyfill` leaves the streams of a host that has some alone', async () => {
  const before = [ReadableStream, WritableStream, TransformStream]
  await import('../../src/polyfill.ts')
  expect([ReadableStream, WritableStream, TransformStream]).toEqual(before)
})
