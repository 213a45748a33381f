import { describe, expect, it, vi } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { client, withBody } from '../support/faulty-client.ts'

// In a file of its own, since WebKit has a page for each: where the clock has been read often, its compiled code goes on
// reading the real one.
describe('HttpHive', () => {
  it('reads a signature on that takes many times the stall timeout to arrive', async () => {
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
        // Not through a Response of the host, which may read ahead.
        return Object.defineProperty(withBody(answer, null), 'body', { value: slow })
      },
      { stallTimeoutMs },
    )
    const expected = await collect((await local.open('x')).signature())
    const entry = await hive.open('x')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      expect(await collect(entry.signature())).toEqual(expected)
    } finally {
      vi.useRealTimers()
    }
  })
})
