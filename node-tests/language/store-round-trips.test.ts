import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store.ts'
import { countedTrips } from '../support/round-trips.ts'
import { randomBytes } from '../support/streams.ts'

const KEY = new Uint8Array([1])
const MB = 1_000_000

async function put(hive: LocalHive, alias: string, bytes: Uint8Array): Promise<void> {
  const sink = hive.sink(alias)
  await bytesSource(bytes).stream().pipeTo(sink)
  await sink.entry
}

describe('with an engine that is far away', () => {
  it('calls that do not wait for each other count as one round trip', async () => {
    const { metadata, trips } = countedTrips(memoryBackend())
    await Promise.all([metadata.get(KEY), metadata.get(KEY)])
    expect(trips).toEqual([['get', 'get']])
    await metadata.get(KEY)
    await metadata.get(KEY)
    expect(trips).toHaveLength(3)
  })

  it.each([
    ['1 MB', MB, 4],
    // The alias, then the digest, then the commit.
    ['a small content', 1000, 3],
  ])('storing %s takes few round trips, one after the other', async (_, byteLength, most) => {
    const backend = countedTrips(memoryBackend())
    const { trips } = backend
    const hive = new LocalHive(new StreamStore(backend))
    await put(hive, 'first', randomBytes(10, 1))
    trips.length = 0
    await put(hive, 'a', randomBytes(byteLength, 2))
    expect(trips, JSON.stringify(trips)).toHaveLength(most)
  })

  it('replacing an entry of 1 MB whose signature is kept takes four, too', async () => {
    const backend = countedTrips(memoryBackend())
    const { trips } = backend
    const hive = new LocalHive(new StreamStore(backend))
    await put(hive, 'a', randomBytes(MB, 1))
    await collect((await hive.open('a')).signature())
    trips.length = 0
    await put(hive, 'a', randomBytes(MB, 2))
    expect(trips, JSON.stringify(trips)).toHaveLength(4)
  })

  it('opening an entry takes one, even if it is the first call of a store', async () => {
    const backend = countedTrips(memoryBackend())
    const { trips } = backend
    await put(new LocalHive(new StreamStore(backend)), 'a', randomBytes(10, 1))
    const hive = new LocalHive(new StreamStore(backend))
    for (let i = 0; i < 2; i++) {
      trips.length = 0
      await hive.open('a')
      expect(trips, JSON.stringify(trips)).toHaveLength(1)
    }
  })

  it('the version is checked while a block is read, not after it', async () => {
    const backend = countedTrips(memoryBackend())
    const { trips } = backend
    const hive = new LocalHive(new StreamStore(backend))
    await put(hive, 'a', randomBytes(3 * MB, 1))
    const entry = await hive.open('a')
    trips.length = 0
    await collect(entry.stream())
    // The stream, then its page, then three blocks; and at the end only the version.
    expect(trips, JSON.stringify(trips)).toHaveLength(6)
  })
})
