import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type CachedHive, cachedHive } from '../../src/cache.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const BYTES = randomBytes(6_000, 1)

/** A cached hive, and how often it has asked which version is current. */
async function start(): Promise<{ hive: CachedHive; remote: SmallBlocksHive; stats(): number }> {
  const remote = new SmallBlocksHive()
  await bytesSource(BYTES).stream().pipeTo(remote.sink('x'))
  let stats = 0
  const stat = remote.stat.bind(remote)
  remote.stat = (alias) => {
    stats++
    return stat(alias)
  }
  const store = new StreamStore(memoryBackend(), { name: 'cache' })
  return { hive: cachedHive(remote, store, { bytes: 1_000_000 }), remote, stats: () => stats }
}

describe('a reader of a cached hive', () => {
  it('does not ask the hive about bytes that come from there', async () => {
    const { hive, stats } = await start()
    expect(await collect((await hive.open('x', { bufferSize: 1_024 })).stream())).toEqual(BYTES)
    await hive.flush()
    expect(await collect((await hive.open('x', { bufferSize: 1_024 })).stream())).toEqual(BYTES)
    expect(stats()).toBe(0)
  })

  it('gets no byte from the cache after an update that the cache knows of, not even right after bytes from the network', async () => {
    const { hive } = await start()
    const whole = await hive.open('x')
    // The second half is in the cache, the first is not.
    await collect(whole.stream({ start: 3_000 }))
    await hive.flush()
    const reader = (await hive.open('x', { bufferSize: 1_024 })).stream().getReader()
    let received = 0
    while (received < 3_000) received += (await reader.read()).value!.byteLength
    expect(received).toBe(3_000)
    await hive.remove('x')
    expect(await rejection(reader.read())).toMatchObject({ name: 'NotFoundError' })
  })
})
