import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { toBase64Url } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { COST, putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

interface File {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly etag: string
  readonly modified?: Date
}

/** A cached hive in front of servers that answer with whatever `files` has at the time. */
function cacheOf(files: Map<string, File>): ReturnType<typeof cachedHive> {
  const open = (alias: string): Promise<Entry> => {
    const { bytes, etag, modified = new Date(0) } = files.get(alias)!
    const info = { alias, etag, size: bytes.byteLength, type: 'text/plain', modified }
    const stream = ({ start = 0, end = info.size } = {}): ReadableStream =>
      bytesSource(bytes.slice(start, end)).stream()
    return Promise.resolve({ ...info, stream } as unknown as Entry)
  }
  return cachedHive(open, new StreamStore(memoryBackend()), { bytes: 10_000_000 })
}

describe('a cached hive does not believe', () => {
  it('that bytes are those of another server because that claims the same etag, nor that an etag was changed', async () => {
    const good = randomBytes(2_000, 1)
    const etag = `"${toBase64Url(await sha256(good))}"`
    const files = new Map<string, File>([['https://evil/x', { bytes: randomBytes(2_000, 2), etag }]])
    const hive = cacheOf(files)
    await readEntry(hive, 'https://evil/x')
    files.set('https://good/x', { bytes: good, etag })
    expect(await readEntry(hive, 'https://good/x')).toEqual(good)
    for (const size of [2_001, 1_999, 3_000_000, 1_000_001]) {
      const bytes = randomBytes(size, size)
      files.set('https://good/x', { bytes, etag })
      expect(await readEntry(hive, 'https://good/x')).toEqual(bytes)
      expect(await hive.cached('https://good/x')).toMatchObject({ size, bytes: size })
    }
  })

  it('that every time is after 1970', async () => {
    const bytes = randomBytes(2_000, 1)
    for (const modified of [new Date(-1), new Date(Number.NaN)]) {
      const hive = cacheOf(new Map([['x', { bytes, etag: '"1"', modified }]]))
      await readEntry(hive, 'x')
      expect(await hive.cached('x')).toMatchObject({ bytes: 2_000 })
    }
  })

  it('that a block has the length that its digest in a manifest says', async () => {
    const { remote, hive } = setUpCache()
    const short = randomBytes(500, 2)
    const bytes = randomBytes(3_000, 1)
    await putEntry(remote, 'short', short)
    await readEntry(hive, 'short')
    await putEntry(remote, 'x', bytes)
    const open = remote.open.bind(remote)
    const digest = toBase64Url(await sha256(short))
    remote.open = async (alias, options) => {
      const entry = await open(alias, options)
      const manifest = entry.manifest.bind(entry)
      return Object.assign(entry, {
        manifest: async (range = {}) => {
          const answer = await manifest(range)
          return { ...answer, digests: answer.digests.map(() => digest) }
        },
      })
    }
    expect(await readEntry(hive, 'x')).toEqual(bytes)
    expect(await readEntry(hive, 'x', { start: 1_500 })).toEqual(bytes.slice(1_500))
  })

  it('that the clock only goes forward', async () => {
    const host = new VirtualHost()
    const { remote, hive, errors } = setUpCache({ host, bytes: 3 * COST })
    for (const alias of ['a', 'b', 'c', 'd']) {
      await putEntry(remote, alias, randomBytes(3_000, alias.codePointAt(0)))
      await readEntry(hive, alias)
      expect(await hive.cached(alias)).toMatchObject({ bytes: 3_000 })
      host.advance(-1_000_000_000)
    }
    expect(errors).toEqual([])
  })
})

it('the rows of entries of which nothing is left are not kept for ever, nor listed', async () => {
  const { remote, hive, store } = setUpCache({ bytes: 4 * COST })
  for (let i = 0; i < 30; i++) {
    await putEntry(remote, `x${i}`, randomBytes(1_500, i + 1))
    await readEntry(hive, `x${i}`)
    if (i === 3) await hive.pin('x3')
  }
  remote.isOffline = true
  const here = (await hive.list()).entries.map(({ alias }) => alias)
  expect(here).toEqual(expect.arrayContaining(['x3', 'x29']))
  // Eviction looks at two rows for each block that it removes.
  expect(here.length).toBeLessThan(8)
  const rows = await store.transaction((tx) => tx.list({ prefix: new TextEncoder().encode('cache/'), limit: 1000 }))
  expect(rows.length).toBeLessThan(30)
  expect(await collect((await hive.open('x3')).stream())).toEqual(randomBytes(1_500, 4))
})

describe('clear', () => {
  it('also gives up what was read and is not stored yet', async () => {
    const { remote, hive, store } = setUpCache()
    await putEntry(remote, 'x', randomBytes(30_000, 1))
    await collect((await hive.open('x')).stream())
    await hive.clear()
    await hive.flush()
    expect(await hive.cached('x')).toBeUndefined()
    expect(await hive.usage()).toMatchObject({ bytes: 0 })
    expect((await store.scrub()).checked.streams).toBe(0)
  })
})

describe('an entry that is pinned twice at the same time, or unpinned meanwhile,', () => {
  const setUp = async (): Promise<ReturnType<typeof setUpCache> & { go(): void }> => {
    const all = setUpCache()
    let go = (): void => undefined
    const open = new Promise<void>((resolve) => {
      go = resolve
    })
    await putEntry(all.remote, 'x', randomBytes(10_000, 1))
    all.remote.onChunk = (offset) => (offset >= 5_000 ? open : undefined)
    return { ...all, go: () => go() }
  }
  const isSet = (hive: ReturnType<typeof cachedHive>): Promise<unknown> =>
    vi.waitUntil(async () => (await hive.cached('x'))?.bytes === 5_000, { timeout: 30_000, interval: 5 })

  it('stays pinned if one of the two is aborted', async () => {
    const { hive, go } = await setUp()
    const one = new AbortController()
    const first = rejection(hive.pin('x', { signal: one.signal }))
    await isSet(hive)
    let second = Promise.resolve<unknown>(undefined)
    // It has what the first one has fetched.
    await new Promise((resolve) => {
      second = hive.pin('x', { onProgress: resolve })
    })
    one.abort()
    expect(await first).toMatchObject({ name: 'AbortError' })
    go()
    await second
    expect(await hive.cached('x')).toMatchObject({ pinned: true, bytes: 10_000 })
  })

  it('is not pinned after unpin, whether the pin goes on or is aborted', async () => {
    for (const isAborted of [true, false]) {
      const { hive, remote, go } = await setUp()
      const { onChunk } = remote
      remote.onChunk = () => undefined
      await hive.pin('x')
      await putEntry(remote, 'x', randomBytes(10_000, 2))
      remote.onChunk = onChunk
      const one = new AbortController()
      const pinning = rejection(hive.pin('x', { signal: one.signal }))
      await isSet(hive)
      await hive.unpin('x')
      if (isAborted) one.abort()
      go()
      expect(await pinning).toMatchObject({ name: 'AbortError' })
      expect(await hive.usage()).toMatchObject({ pinnedBytes: 0 })
    }
  })
})
