import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import { createHiveHandler } from '../../src/http/server/handler.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { openUrl } from '../../src/http/client/open-url.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { COST, putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

describe('a cached hive keeps what was read', () => {
  it('and reads it again without the network, in any range', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(10_500, 1)
    await putEntry(remote, 'x', bytes)
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(remote.sentBytes).toBe(10_500)
    for (const [start, end] of [
      [0, 10_500],
      [999, 1_001],
      [10_000, 10_500],
      [4_321, 8_765],
    ] as const) {
      expect(await readEntry(hive, 'x', { start, end })).toEqual(bytes.slice(start, end))
    }
    const reader = (await hive.open('x')).reader({ bufferSize: 1024 })
    for (let i = 0; i < 20; i++) {
      const offset = (i * 3_331) % 9_000
      reader.seek(offset)
      expect(await reader.read()).toEqual(bytes.slice(offset, offset + 1024))
    }
    expect(remote.sentBytes).toBe(10_500)
    expect(hive.statistics.networkBytes).toBe(10_500)
    expect(await hive.cached('x')).toMatchObject({ size: 10_500, bytes: 10_500, ranges: [{ start: 0, end: 10_500 }] })
  })

  it('in parts: only what is missing comes from the network', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(20_000, 1)
    await putEntry(remote, 'x', bytes)
    await readEntry(hive, 'x', { start: 3_500, end: 6_500 })
    await readEntry(hive, 'x', { start: 12_000, end: 13_000 })
    expect((await hive.cached('x'))?.ranges).toEqual([
      { start: 3_000, end: 7_000 },
      { start: 12_000, end: 13_000 },
    ])
    expect(remote.sentBytes).toBe(5_000)
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(remote.sentBytes).toBe(20_000)
  })

  it('of two versions, and of two entries, once', async () => {
    const { remote, hive } = setUpCache()
    const first = randomBytes(100_000, 1)
    const second = first.slice()
    second.set(randomBytes(500, 2), 42_100)
    await putEntry(remote, 'x', first)
    await readEntry(hive, 'x')
    await putEntry(remote, 'x', second)
    remote.sentBytes = 0
    expect(await readEntry(hive, 'x')).toEqual(second)
    // One block in a hundred.
    expect(remote.sentBytes).toBe(1_000)
    await putEntry(remote, 'copy', second)
    expect(await readEntry(hive, 'copy')).toEqual(second)
    expect(remote.sentBytes).toBe(1_000)
    expect((await hive.usage()).bytes).toBe(101 * COST)
  })

  it('once for readers who read at the same time', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(30_000, 1)
    await putEntry(remote, 'x', bytes)
    const entry = await hive.open('x')
    const all = await Promise.all(
      [0, 0, 10, 900, 0].map(async (start) => [start, await collect(entry.stream({ start }))] as const),
    )
    for (const [start, got] of all) expect(got).toEqual(bytes.slice(start))
    expect(remote.sentBytes).toBe(30_000)
  })

  it('whatever readers are cancelled, at any moment', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(12_500, 1)
    await putEntry(remote, 'x', bytes)
    const entry = await hive.open('x')
    for (let turns = 0; turns < 60; turns += 4) {
      const controller = new AbortController()
      const cancelled = collect(entry.stream({ start: (turns * 97) % 9_000, signal: controller.signal }))
      const other = collect(entry.stream({ start: (turns * 131) % 9_000 }))
      for (let i = 0; i < turns; i++) await Promise.resolve()
      controller.abort('seek')
      await cancelled.catch((error: unknown) => expect(error).toBe('seek'))
      expect(await soon(other, 'the other reader')).toEqual(bytes.slice((turns * 131) % 9_000))
    }
    await hive.flush()
    expect(await hive.cached('x')).toMatchObject({ bytes: 12_500 })
  })

  it('also in front of an HttpHive', async () => {
    const remote = new LocalHive(new StreamStore(memoryBackend()))
    const bytes = randomBytes(2_300_000, 1)
    await putEntry(remote, 'x', bytes)
    const handler = createHiveHandler(remote)
    let requests = 0
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      if (init.method === 'GET') requests++
      return handler(new Request(url, init))
    }
    const hive = cachedHive(new HttpHive('http://hive/', { fetch }), new StreamStore(memoryBackend()), {
      bytes: 10_000_000,
    })
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    requests = 0
    expect(await readEntry(hive, 'x', { start: 1_500_000 })).toEqual(bytes.slice(1_500_000))
    expect(requests).toBe(0)
  })

  it('of a URL, by its etag', async () => {
    const server = new SmallBlocksHive()
    const bytes = randomBytes(2_300_000, 1)
    await putEntry(server, 'x', bytes)
    const handler = createHiveHandler(server)
    let cacheControl = 'max-age=60'
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      const response = await handler(new Request(url, init))
      const changed = new Response(response.body, response)
      changed.headers.set('Cache-Control', cacheControl)
      return changed
    }
    const store = new StreamStore(memoryBackend())
    const hive = cachedHive((url, options) => openUrl(url, { ...options, fetch }), store, { bytes: 10_000_000 })
    const alias = 'https://host/x'
    expect(await readEntry(hive, alias)).toEqual(bytes)
    const sent = server.sentBytes
    expect(await readEntry(hive, alias, { start: 5 })).toEqual(bytes.slice(5))
    // Opening asks for the first byte.
    expect(server.sentBytes - sent).toBeLessThan(1_001)
    expect(server.manifests).toBe(0)

    cacheControl = 'private, No-Store'
    await putEntry(server, 'y', bytes)
    await readEntry(hive, 'https://host/y')
    expect(await hive.cached('https://host/y')).toBeUndefined()
    expect(() => hive.sink(alias)).toThrow(TypeError)
    expect(await rejection(hive.pin('https://host/y'))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })
})

describe('a cached hive keeps apart', () => {
  it('what principals and hives have, although the store has it once', async () => {
    const { remote, hive, another, store } = setUpCache()
    const bytes = randomBytes(5_000, 1)
    await putEntry(remote, 'x', bytes)
    await readEntry(hive, 'x')
    for (const options of [{ principal: 'eve' }, { hive: 'another' }]) {
      const other = another(options)
      expect(await other.cached('x')).toBeUndefined()
      remote.isOffline = true
      expect(await rejection(other.open('x'))).toMatchObject({ name: 'BackendError' })
      expect((await other.list()).entries).toEqual([])
      remote.isOffline = false
      remote.sentBytes = 0
      expect(await readEntry(other, 'x')).toEqual(bytes)
      expect(remote.sentBytes).toBe(5_000)
    }
    expect((await hive.usage()).bytes).toBe(15 * COST)
    await another({ principal: 'eve' }).clear()
    expect((await hive.usage()).bytes).toBe(10 * COST)
    remote.isOffline = true
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    await hive.clear({ everyone: true })
    expect((await hive.usage()).bytes).toBe(0)
    expect((await store.scrub()).damaged.list).toEqual([])
  })

  it('what a server forbids to keep', async () => {
    const { remote, hive } = setUpCache()
    remote.noStore = true
    await putEntry(remote, 'x', randomBytes(5_000, 1))
    for (let i = 1; i <= 2; i++) {
      await readEntry(hive, 'x')
      expect(remote.sentBytes).toBe(i * 5_000)
    }
    expect(await hive.usage()).toMatchObject({ bytes: 0 })
    expect(await rejection(hive.pin('x'))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })
})

describe('without a network, a cached hive', () => {
  it('opens, lists and reads what it has, and says that it is stale', async () => {
    const { remote, hive } = setUpCache()
    const bytes = randomBytes(5_000, 1)
    const other = randomBytes(5_000, 2)
    await putEntry(remote, 'a', other)
    for (const alias of ['b/1', 'b/2', 'b/3']) await putEntry(remote, alias, bytes)
    for (const alias of ['a', 'b/3', 'b/1']) await readEntry(hive, alias, alias === 'a' ? { end: 2_000 } : {})
    expect((await hive.open('a')).stale).toBeUndefined()
    remote.isOffline = true
    const entry = await hive.open('b/1')
    expect(entry).toMatchObject({ stale: true, size: 5_000, type: 'application/octet-stream' })
    expect(await hive.stat('b/1')).toMatchObject({ stale: true, etag: entry.etag })
    expect(await collect(entry.stream())).toEqual(bytes)
    expect((await collect(entry.signature())).byteLength).toBeGreaterThan(12)
    expect((await entry.manifest()).etag).toBe(entry.etag)
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['a', 'b/1', 'b/3'])
    expect(await hive.list({ prefix: 'b/', limit: 1 })).toMatchObject({ entries: [{ alias: 'b/1' }], next: 'b/1' })
    expect((await hive.list({ after: 'b/1' })).entries).toMatchObject([{ alias: 'b/3' }])
    expect(await rejection(hive.open('b/2'))).toMatchObject({ name: 'BackendError', retryable: true })

    const half = await hive.open('a')
    expect(await collect(half.stream({ end: 2_000 }))).toEqual(other.slice(0, 2_000))
    expect(await rejection(collect(half.stream()))).toMatchObject({ name: 'BackendError', retryable: true })
    remote.isOffline = false
    expect(await collect(half.stream())).toEqual(other)
  })

  it('opens a version that is not current any more, and never completes it from another', async () => {
    const { remote, hive } = setUpCache()
    await putEntry(remote, 'x', randomBytes(5_000, 1))
    await readEntry(hive, 'x', { end: 2_000 })
    await putEntry(remote, 'x', randomBytes(5_000, 2))
    // The cache learns of the update, but has nothing of the new version.
    await hive.stat('x')
    remote.isOffline = true
    const entry = await hive.open('x')
    expect(await collect(entry.stream({ end: 2_000 }))).toEqual(randomBytes(5_000, 1).slice(0, 2_000))
    remote.isOffline = false
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'ConflictError', alias: 'x' })
  })

  it('does not wait for it longer than it is told', async () => {
    const host = new VirtualHost()
    const { remote, hive } = setUpCache({ host, staleAfterMs: 500 })
    await putEntry(remote, 'x', randomBytes(100))
    await readEntry(hive, 'x')
    remote.open = () => new Promise(() => undefined)
    const before = host.now()
    expect((await hive.open('x')).stale).toBe(true)
    expect(host.now() - before).toBe(500)
    // It is not waited for again and again.
    expect((await hive.open('x')).stale).toBe(true)
    expect(host.now() - before).toBe(500)
  })
})
