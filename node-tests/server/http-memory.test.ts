// Only server runtimes report the memory of a process.
import process from 'node:process'
import { expect, it } from 'vitest'
import { HttpHive } from '../../src/http.ts'

it('an upload that is sent as a whole is in memory once', async () => {
  const mebibyte = new Uint8Array(1024 * 1024)
  let held = Infinity
  const hive = new HttpHive('http://hive.test/', {
    requestStreams: false,
    fetch(_url, { body }) {
      held = process.memoryUsage().arrayBuffers - before
      expect((body as Uint8Array).byteLength).toBe(60 * mebibyte.byteLength)
      return Promise.resolve(new Response(null, { status: 201, headers: { ETag: '"a"' } }))
    },
  })
  const before = process.memoryUsage().arrayBuffers
  const writer = hive.sink('x').getWriter()
  for (let i = 0; i < 60; i++) await writer.write(mebibyte)
  await writer.close()
  expect(held).toBeLessThan(70 * mebibyte.byteLength)
})
