import { describe, expect, it, vi } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { client, withBody } from '../support/faulty-client.ts'
import { stopClock } from '../support/stop-clock.ts'

// In a file of its own, because WebKit has a page for each file: once code that reads the clock often is compiled there, it
// keeps reading the real clock.
describe('HttpHive', () => {
  it('keeps reading a signature that takes many times the stall timeout to arrive', async () => {
    const stallTimeoutMs = 1_000
    const { hive, local } = await client(
      async (_request, passOn) => {
        const answer = await passOn()
        const bytes = new Uint8Array(await answer.arrayBuffer())
        let offset = 0
        const slow = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              vi.advanceTimersByTime(stallTimeoutMs - 1)
              if (offset === bytes.byteLength) return controller.close()
              controller.enqueue(bytes.slice(offset, ++offset))
            },
          },
          { highWaterMark: 0 },
        )
        // Bypasses the host's Response, which may read ahead.
        return Object.defineProperty(withBody(answer, null), 'body', { value: slow })
      },
      { stallTimeoutMs },
    )
    const expected = await collect((await local.open('x')).signature())
    const entry = await hive.open('x')
    stopClock()
    expect(await collect(entry.signature())).toEqual(expected)
  })
})
