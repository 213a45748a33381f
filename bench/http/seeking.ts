import { HttpHive } from 'combstream/http'
import { UrlSource } from 'mediabunny'
import { type Contest, timed } from '../contest.ts'
import { randomIntegers } from '../noise.ts'

const SEEKS = 20

/** What mediabunny's demuxers call; it is not in the types. */
type ReadAt = (start: number, end: number, least: number, most: number) => unknown

/** The first byte at a new place of an open entry, beside mediabunny's UrlSource. */
export function seekingContest(url: string, byteLength: number): Contest {
  const random = randomIntegers(7)
  const places = (): number[] => Array.from({ length: SEEKS }, () => random() % (byteLength - 1))
  return {
    what: `the first byte at ${SEEKS} places, 100 Mbit/s, 50 ms`,
    peerName: 'mediabunny UrlSource',
    amount: SEEKS,
    unit: '',
    target: 1,
    async ours() {
      const entry = await new HttpHive(url).open('large')
      return timed(async () => {
        for (const start of places()) {
          const reader = entry.stream({ start }).getReader()
          await reader.read()
          await reader.cancel()
        }
      })
    },
    async peer() {
      const source = new UrlSource(`${url}large`)
      const reference = source.ref()
      const readAt = Reflect.get(source, '_read') as ReadAt
      const size = await source.getSize()
      const cost = await timed(async () => {
        for (const start of places()) {
          await readAt.call(source, start, start + 1, 0, size)
        }
      })
      reference.free()
      return cost
    },
  }
}
