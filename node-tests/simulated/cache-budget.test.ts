import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { QuotaExceededError } from '../../src/errors.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { runCache } from '../support/cache-runs.ts'
import { COST, type CachedSetup, putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { seeds } from '../support/sample.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** Sum of what all stored streams cost. */
async function occupied({ backend }: CachedSetup): Promise<number> {
  const { stored, problems } = await inspectStore(backend)
  expect(problems).toEqual([])
  return [...stored.values()].reduce((sum, { length }) => sum + length + 512, 0)
}

const bytesOf = async ({ hive }: CachedSetup, alias: string): Promise<number> => (await hive.cached(alias))?.bytes ?? 0

describe('the budget of a cached hive', () => {
  it('holds, and makes room for what is read now by removing what was not used for the longest time', async () => {
    const host = new VirtualHost()
    const cache = setUpCache({ bytes: 20 * COST, host })
    const { remote, hive } = cache
    for (const [i, alias] of ['a', 'b', 'c', 'd'].entries()) {
      await putEntry(remote, alias, randomBytes(6_000, i))
      host.advance(10_000)
      await readEntry(hive, alias)
      expect(await occupied(cache)).toBeLessThanOrEqual(20 * COST)
      host.advance(10_000)
      if (alias === 'c') await readEntry(hive, 'a')
    }
    // Two blocks were free; b was used before c and a.
    expect(await bytesOf(cache, 'b')).toBeLessThan(6_000)
    for (const alias of ['a', 'c', 'd']) expect(await bytesOf(cache, alias)).toBe(6_000)
    expect((await hive.usage()).bytes).toBe(await occupied(cache))
  })

  it('keeps what fits of an entry that is larger', async () => {
    const cache = setUpCache({ bytes: 10 * COST, host: new VirtualHost() })
    const { remote, hive } = cache
    const bytes = randomBytes(50_000, 1)
    await putEntry(remote, 'x', bytes)
    for (const sent of [50_000, 40_000]) {
      remote.sentBytes = 0
      expect(await readEntry(hive, 'x')).toEqual(bytes)
      expect(remote.sentBytes).toBe(sent)
      expect(await occupied(cache)).toBe(10 * COST)
    }
  })

  it('of less than a block lets everything pass by', async () => {
    const cache = setUpCache({ bytes: 100 })
    const { remote, hive } = cache
    await putEntry(remote, 'x', randomBytes(5_000, 1))
    await readEntry(hive, 'x', { start: 1_100, end: 1_200 })
    expect(remote.sentBytes).toBeLessThanOrEqual(1_000)
    expect(await occupied(cache)).toBe(0)
  })

  it('that became smaller is met when something is kept the next time', async () => {
    const cache = setUpCache({ bytes: 20 * COST })
    const { remote, hive, another } = cache
    await putEntry(remote, 'x', randomBytes(20_000, 1))
    await putEntry(remote, 'y', randomBytes(1_000, 2))
    await readEntry(hive, 'x')
    const host = new VirtualHost({ now: Date.now() + 10_000 })
    await readEntry(another({ bytes: 5 * COST, host }), 'y')
    expect(await occupied(cache)).toBeLessThanOrEqual(5 * COST)
    expect(await bytesOf(cache, 'y')).toBe(1_000)
  })
})

describe('pin', () => {
  it('fetches what is missing, tells how far it is, and keeps it from being evicted', async () => {
    const host = new VirtualHost()
    const cache = setUpCache({ bytes: 20 * COST, host })
    const { remote, hive, another } = cache
    const bytes = randomBytes(9_500, 1)
    await putEntry(remote, 'x', bytes)
    await readEntry(hive, 'x', { start: 2_000, end: 4_000 })
    remote.sentBytes = 0
    const told: number[] = []
    const info = await hive.pin('x', { onProgress: (progress) => told.push(progress.bytes) })
    expect(info).toMatchObject({ alias: 'x', size: 9_500 })
    expect(remote.sentBytes).toBe(7_500)
    expect(told.at(-1)).toBe(9_500)
    expect(told.length).toBeGreaterThanOrEqual(10)
    expect(await hive.cached('x')).toMatchObject({ bytes: 9_500, pinned: true })
    expect(await hive.usage()).toMatchObject({ pinnedBytes: 9_500 + 10 * 512 })

    for (let i = 0; i < 4; i++) {
      host.advance(100_000)
      await putEntry(remote, `y${i}`, randomBytes(15_000, 10 + i))
      await readEntry(another(), `y${i}`)
      expect(await occupied(cache)).toBeLessThanOrEqual(20 * COST)
    }
    expect(await bytesOf(cache, 'x')).toBe(9_500)
    remote.isOffline = true
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    remote.isOffline = false

    await hive.unpin('x')
    host.advance(100_000)
    await putEntry(remote, 'z', randomBytes(19_000, 20))
    await readEntry(hive, 'z')
    expect(await bytesOf(cache, 'x')).toBeLessThan(2_000)
  })

  it('refuses what does not fit before anything is fetched, and lets reads pass when pins fill the budget', async () => {
    const cache = setUpCache({ bytes: 10 * COST })
    const { remote, hive } = cache
    await putEntry(remote, 'x', randomBytes(10_000, 1))
    await putEntry(remote, 'y', randomBytes(1_000, 2))
    await putEntry(remote, 'z', randomBytes(11_000, 3))
    expect(await rejection(hive.pin('z'))).toMatchObject({ name: 'QuotaExceededError', limit: 10 * COST })
    await hive.pin('x')
    remote.sentBytes = 0
    expect(await rejection(hive.pin('y'))).toMatchObject({ name: 'QuotaExceededError' })
    expect(remote.sentBytes).toBe(0)
    expect(await readEntry(hive, 'y')).toEqual(randomBytes(1_000, 2))
    expect(await bytesOf(cache, 'y')).toBe(0)
    expect(await bytesOf(cache, 'x')).toBe(10_000)
  })

  it('that is aborted leaves the entry as it was pinned before', async () => {
    const { remote, hive } = setUpCache()
    const first = randomBytes(5_000, 1)
    await putEntry(remote, 'x', first)
    for (const wasPinned of [false, true]) {
      if (wasPinned) await hive.pin('x')
      const { etag } = await hive.stat('x')
      await putEntry(remote, 'x', randomBytes(50_000, 2))
      const controller = new AbortController()
      remote.onChunk = (offset) => {
        if (offset >= 20_000) controller.abort('stop')
      }
      expect(await rejection(hive.pin('x', { signal: controller.signal }))).toBe('stop')
      remote.onChunk = () => undefined
      expect((await hive.usage()).pinnedBytes).toBe(wasPinned ? 5_000 + 5 * 512 : 0)
      remote.isOffline = true
      if (wasPinned) {
        expect(await hive.open('x')).toMatchObject({ stale: true, etag })
        expect(await readEntry(hive, 'x')).toEqual(first)
      }
      remote.isOffline = false
      await putEntry(remote, 'x', first)
    }
  })

  it('of an entry that is updated meanwhile fails with a conflict', async () => {
    const { remote, hive } = setUpCache()
    await putEntry(remote, 'x', randomBytes(50_000, 1))
    remote.onChunk = async (offset) => {
      if (offset === 20_000) await putEntry(remote, 'x', randomBytes(10, 2))
    }
    expect(await rejection(hive.pin('x'))).toMatchObject({ name: 'ConflictError' })
    expect((await hive.usage()).pinnedBytes).toBe(0)
  })
})

describe('a cached hive whose store fails', () => {
  it('fetches damaged blocks again, which repairs them', async () => {
    const backend = memoryBackend()
    const remote = new SmallBlocksHive(20_000)
    const { another } = setUpCache({}, backend)
    const bytes = randomBytes(100_000, 1)
    await putEntry(remote, 'x', bytes)
    const { hive, errors } = setUpCache({}, backend, remote)
    await readEntry(hive, 'x')
    const { blocks } = backend
    const names = (await blocks.list({ prefix: '', limit: 10 })).map(({ name }) => name)
    expect(names).toHaveLength(5)
    await blocks.delete(names[0]!)
    const changed = (await blocks.get(names[1]!))!.slice()
    changed[5]! ^= 1
    await blocks.delete(names[1]!)
    await blocks.put(names[1]!, changed)
    remote.sentBytes = 0
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(remote.sentBytes).toBe(40_000)
    expect(errors).toMatchObject([{ name: 'IntegrityError' }, { name: 'IntegrityError' }])
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(remote.sentBytes).toBe(40_000)
    expect((await new StreamStore(backend).scrub()).damaged.list).toEqual([])
    expect((await hive.usage()).bytes).toBe(5 * 20_512)
    await another().clear({ everyone: true })
  })

  it('goes on without it when it is full, says so once, and keeps again later', async () => {
    const backend = memoryBackend()
    let isFull = true
    const full = { ...backend.metadata }
    full.commit = (...args) =>
      isFull ? Promise.reject(new QuotaExceededError('full')) : backend.metadata.commit(...args)
    const host = new VirtualHost()
    const { remote, hive, errors } = setUpCache({ host }, { ...backend, metadata: full })
    const bytes = randomBytes(20_000, 1)
    await putEntry(remote, 'x', bytes)
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(errors).toMatchObject([{ name: 'QuotaExceededError' }])
    isFull = false
    host.advance(20_000)
    await readEntry(hive, 'x')
    expect((await hive.cached('x'))?.bytes).toBe(20_000)
  })

  it.each([1_000_000, 3_000_000_000])(
    'evicts something if the engine is full before the budget of %i bytes is used up',
    async (bytes) => {
      const backend = memoryBackend()
      let isFull = false
      const metadata = { ...backend.metadata }
      metadata.commit = (...args) => {
        if (!isFull) return backend.metadata.commit(...args)
        isFull = false
        return Promise.reject(new QuotaExceededError('full'))
      }
      const cache = setUpCache({ bytes }, { ...backend, metadata })
      const { remote, hive, errors } = cache
      await putEntry(remote, 'x', randomBytes(100_000, 1))
      await putEntry(remote, 'y', randomBytes(1_000, 2))
      await readEntry(hive, 'x')
      isFull = true
      await readEntry(hive, 'y')
      await hive.flush()
      expect(errors).toMatchObject([{ name: 'QuotaExceededError' }])
      expect(await bytesOf(cache, 'x')).toBeLessThan(100_000)
    },
  )

  it('does not keep bytes that the network has changed', async () => {
    const { remote, hive, errors } = setUpCache()
    const bytes = randomBytes(3_000, 1)
    await putEntry(remote, 'x', bytes)
    let chunks = 0
    remote.change = (chunk) => (chunks++ === 1 ? chunk.map((byte) => byte ^ 1) : chunk)
    await readEntry(hive, 'x')
    expect(errors).toMatchObject([{ name: 'IntegrityError' }])
    expect((await hive.cached('x'))?.ranges).toEqual([
      { start: 0, end: 1_000 },
      { start: 2_000, end: 3_000 },
    ])
    expect(await readEntry(hive, 'x')).toEqual(bytes)
  })
})

describe('a cached hive never mixes versions', () => {
  it('and a reader fails with a conflict where the network or another tab tells of an update', async () => {
    const { remote, hive, another } = setUpCache()
    const [first, second] = [randomBytes(20_000, 1), randomBytes(20_000, 2)]
    await putEntry(remote, 'x', first)
    await readEntry(hive, 'x', { end: 10_000 })
    const entry = await hive.open('x', { bufferSize: 1024 })
    const snapshot = await hive.open('x', { consistency: 'snapshot' })
    const late = entry.stream().getReader()
    expect((await late.read()).value).toEqual(first.slice(0, 1_000))
    await putEntry(remote, 'x', second)
    // Nobody has told the cache.
    expect(await collect(entry.stream({ end: 10_000 }))).toEqual(first.slice(0, 10_000))
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'ConflictError', alias: 'x' })
    await another().stat('x')
    expect(await rejection(collect(entry.stream({ end: 10_000 })))).toMatchObject({ name: 'ConflictError' })
    expect(await rejection(late.read())).toMatchObject({ name: 'ConflictError', offset: 1_000 })
    expect(await collect(snapshot.stream({ end: 10_000 }))).toEqual(first.slice(0, 10_000))
    expect(await readEntry(hive, 'x')).toEqual(second)
  })
})

it('a cached hive gives exact bytes or an error of the package, holds its budget, and leaves nothing', async () => {
  for (const seed of seeds(5)) expect((await runCache(seed)).problems, `seed ${seed}`).toEqual([])
})
