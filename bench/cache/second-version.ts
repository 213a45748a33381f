import { bytesSource, LocalHive, StreamStore } from 'combstream'
import { memoryBackend } from 'combstream/backends/memory'
import { cachedHive } from 'combstream/cache'
import { createHiveHandler, HttpHive } from 'combstream/http'
import { drain } from '../drain.ts'
import { noise } from '../noise.ts'

const BLOCK_BYTES = 1_000_000
/** The largest share of the bytes of a version that may be fetched. */
const TARGET = 0.05

/**
 * Counts what a cached hive fetches of a second version of which 1 % of the blocks were overwritten: all bytes of the bodies
 * of all answers, digests too.
 */
export async function countSecondVersion(byteLength: number): Promise<void> {
  const remote = new LocalHive(new StreamStore(memoryBackend()))
  const handler = createHiveHandler(remote)
  let fetched = 0
  const fetch = async (url: string, init?: RequestInit): Promise<Response> => {
    const answer = await handler(new Request(url, init))
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        fetched += chunk.byteLength
        controller.enqueue(chunk)
      },
    })
    return new Response(answer.body?.pipeThrough(count) ?? null, answer)
  }
  const hive = cachedHive(new HttpHive('http://hive.test/', { fetch }), new StreamStore(memoryBackend()), {
    bytes: 1e10,
  })
  const content = noise(byteLength, 1)
  const counts: number[] = []
  for (let version = 0; version < 2; version++) {
    await bytesSource(content).stream().pipeTo(remote.sink('x'))
    fetched = 0
    await drain((await hive.open('x')).stream())
    await hive.flush()
    counts.push(fetched)
    const blocks = Math.ceil(byteLength / BLOCK_BYTES)
    const changed = Math.max(1, Math.round(blocks / 100))
    for (let i = 0; i < changed; i++) {
      const at = Math.floor(((i + 0.5) * blocks) / changed) * BLOCK_BYTES
      content.set(noise(Math.min(BLOCK_BYTES, byteLength - at), at + 2), at)
    }
  }
  const [first, second] = counts as [number, number]
  const share = second / byteLength
  console.log(`\na second version of ${byteLength / 1e6} MB, 1 % of its blocks overwritten\n`)
  console.log('| first read | second read | share | target | met |\n|---|---|---|---|---|')
  const percent = (value: number): string => `${(value * 100).toFixed(2)} %`
  const met = share <= TARGET ? 'yes' : 'NO'
  console.log(`| ${first} bytes | ${second} bytes | ${percent(share)} | ${percent(TARGET)} | ${met} |`)
}
