import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { BlockCache } from '../../src/cache/block-cache.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

describe('readers of a cached hive that share what comes from the network', () => {
  it.each([1, 2, 3])('get their own bytes, wherever they begin and end (seed %i)', async (seed) => {
    const { remote, hive } = setUpCache({ bytes: 40_000 }, memoryBackend(), new SmallBlocksHive(5_000))
    const bytes = randomBytes(41_000, 1)
    await putEntry(remote, 'x', bytes)
    const entry = await hive.open('x', { bufferSize: 1024 })
    const random = new VirtualHost({ seed })
    const below = (limit: number): number => Math.floor(random.fraction() * limit)
    const readers = Array.from({ length: 12 }, () => {
      const start = below(bytes.byteLength)
      const end = Math.min(start + 1 + below(15_000), bytes.byteLength)
      return { offset: start, reader: entry.stream({ start, end }).getReader() }
    })
    for (let steps = 0; readers.length > 0; steps++) {
      const place = below(readers.length)
      const each = readers[place]!
      const { done, value } = await each.reader.read()
      if (done || below(40) === 0) {
        await each.reader.cancel()
        readers.splice(place, 1)
        continue
      }
      expect(value).toEqual(bytes.slice(each.offset, each.offset + value.byteLength))
      each.offset += value.byteLength
      expect(steps).toBeLessThan(1_000)
    }
  })

  it('do not end with the one that was first', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(3_000, 1)
    await putEntry(remote, 'x', bytes)
    let answer = (): void => undefined
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    remote.onManifest = () => answered
    const entry = await hive.open('x')
    const first = new AbortController()
    const reading = rejection(collect(entry.stream({ signal: first.signal })))
    const second = collect(entry.stream())
    await vi.waitUntil(() => remote.manifests > 0, { timeout: 30_000 })
    first.abort(new Error('the first one has gone'))
    expect(await reading).toMatchObject({ message: 'the first one has gone' })
    answer()
    expect(await second).toEqual(bytes)
    expect(await collect(entry.stream())).toEqual(bytes)
  })

  it('get a block and its digest once if they follow each other, as the requests of a player do', async () => {
    const { remote, hive } = setUpCache({}, memoryBackend(), new SmallBlocksHive(5_000))
    const bytes = randomBytes(8_000, 1)
    await putEntry(remote, 'x', bytes)
    const first = (await hive.open('x', { bufferSize: 1024 })).stream().getReader()
    expect((await first.read()).value).toEqual(bytes.slice(0, 1024))
    await first.cancel()
    for (const start of [4_000, 100])
      expect(await readEntry(hive, 'x', { start, end: 5_000 })).toEqual(bytes.slice(start, 5_000))
    expect(remote.sentBytes).toBe(5_000)
    expect(remote.manifests).toBe(1)
  })

  it('get a block once that arrives for another one while they look for it in the store', async () => {
    const backend = memoryBackend()
    const looked = latch()
    const stored = latch()
    const put = backend.blocks.put.bind(backend.blocks)
    backend.blocks.put = async (...args) => {
      await stored.passed
      return put(...args)
    }
    const find = vi.spyOn(BlockCache.prototype, 'find').mockImplementationOnce(async () => {
      await looked.passed
      return undefined
    })
    const { remote, hive } = setUpCache({}, backend, new SmallBlocksHive(20_000))
    const bytes = randomBytes(40_000, 1)
    await putEntry(remote, 'x', bytes)
    const entry = await hive.open('x')
    const second = collect(entry.stream({ start: 20_000 }))
    await vi.waitUntil(() => find.mock.calls.length > 0, { timeout: 30_000 })
    expect(await collect(entry.stream())).toEqual(bytes)
    looked.open()
    expect(await second).toEqual(bytes.slice(20_000))
    expect(remote.sentBytes).toBe(40_000)
    stored.open()
    await hive.flush()
    find.mockRestore()
  })

  it('fetch no more than two blocks to their ends after they have left at the beginning', async () => {
    const { remote, hive } = setUpCache({}, memoryBackend(), new SmallBlocksHive(5_000))
    await putEntry(remote, 'x', randomBytes(30_000, 1))
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    remote.onChunk = (offset) => (offset % 5_000 === 0 ? undefined : gate)
    const entry = await hive.open('x', { bufferSize: 1024 })
    for (let start = 0; start < 30_000; start += 5_000) {
      const reader = entry.stream({ start }).getReader()
      await reader.read()
      await reader.cancel()
    }
    goOn()
    await vi.waitUntil(async () => ((await hive.cached('x'))?.bytes ?? 0) >= 10_000, { timeout: 30_000 })
    expect(remote.sentBytes).toBe(4 * 1024 + 10_000)
  })

  it('do not wait for the digests that another one has asked for in vain for three seconds', async () => {
    const host = new VirtualHost()
    const { remote, hive } = setUpCache({ host })
    const bytes = randomBytes(3_000, 1)
    await putEntry(remote, 'x', bytes)
    remote.onManifest = () => (remote.manifests === 1 ? new Promise(() => undefined) : undefined)
    const hung = await hive.open('x')
    void collect(hung.stream())
    await vi.waitUntil(() => remote.manifests > 0, { timeout: 30_000 })
    host.advance(3_000)
    expect(await readEntry(hive, 'x')).toEqual(bytes)
  })

  it('all go on once there is room, although some of those that waited have gone', async () => {
    const host = new VirtualHost()
    const blocks = new BlockCache(new StreamStore(memoryBackend()), {
      limit: 1_000,
      host,
      onError: undefined,
      signal: undefined,
    })
    let store = (): void => undefined
    const gate = new Promise<undefined>((resolve) => {
      store = () => resolve(undefined)
    })
    const keeping = Array.from({ length: 4 }, () => blocks.keep(() => gate))
    let ready = 0
    const waiting = Array.from({ length: 9 }, () => blocks.room().then(() => ready++))
    await nextTask()
    expect(ready).toBe(0)
    store()
    await Promise.all([...keeping, ...waiting])
  })
})

describe('blocks that are held in memory', () => {
  /** A cached hive whose blocks are objects of their own, and how often one was read. */
  async function setUp(memoryBytes: number) {
    const backend = memoryBackend()
    let gets = 0
    const blocks = { ...backend.blocks }
    blocks.get = (...args) => (gets++, backend.blocks.get(...args))
    const setup = setUpCache({ memoryBytes }, { ...backend, blocks }, new SmallBlocksHive(20_000))
    const bytes = randomBytes(60_000, 1)
    await putEntry(setup.remote, 'x', bytes)
    await readEntry(setup.hive, 'x')
    const read = async (start: number): Promise<void> => {
      const end = start + 100
      expect(await readEntry(setup.hive, 'x', { start, end })).toEqual(bytes.slice(start, end))
    }
    return { ...setup, read, gets: () => gets }
  }

  it('are read from the store once for all ranges, as far as there is room, and not after clear', async () => {
    const { hive, remote, read, gets } = await setUp(40_000)
    const before = gets()
    await Promise.all([0, 10, 20].map(read))
    for (const start of [0, 5_000, 30_000, 19_000]) await read(start)
    expect(gets() - before).toBe(2)
    // The third one takes the place of the one that was not used for the longest time.
    await read(50_000)
    await read(1_000)
    expect(gets() - before).toBe(3)
    await read(30_000)
    expect(gets() - before).toBe(4)
    await hive.clear()
    remote.sentBytes = 0
    await read(0)
    expect(remote.sentBytes).toBe(20_000)
  })

  it('are none by default', async () => {
    const { read, gets } = await setUp(0)
    const before = gets()
    for (const start of [0, 100]) await read(start)
    expect(gets() - before).toBe(2)
  })
})

/** Something that a test lets pass. */
function latch(): { readonly passed: Promise<void>; open(): void } {
  let open!: () => void
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { passed, open }
}
