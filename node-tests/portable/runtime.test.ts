import { expect, inject, test } from 'vitest'

test('bytes pass unchanged through a pipe of web streams', async () => {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array([1, 2]))
      controller.enqueue(new Uint8Array([3]))
      controller.close()
    },
  })
  const received: number[] = []
  await source.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()).pipeTo(
    new WritableStream<Uint8Array>({
      write(chunk) {
        received.push(...chunk)
      },
    }),
  )
  expect(received).toEqual([1, 2, 3])
})

test("the runner's own server answers the runtime under test", async () => {
  const response = await fetch(new URL('no-such-entry', inject('hiveUrl')))
  expect(response.status).toBe(404)
  await response.body?.cancel()
})
