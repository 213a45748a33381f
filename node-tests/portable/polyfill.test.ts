import { expect, test } from 'vitest'

test("`combstream/polyfill` leaves a host's own streams alone", async () => {
  const before = [ReadableStream, WritableStream, TransformStream]
  await import('../../src/polyfill.ts')
  expect([ReadableStream, WritableStream, TransformStream]).toEqual(before)
})
