import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { toBase64Url } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import type { CachedHive } from '../../src/cache/cached-hive-types.ts'
import { BackendError } from '../../src/errors.ts'
import type { Entry } from '../../src/hive/hive.ts'
import type { Backend } from '../../src/store/backend.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { COST, putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

interface Tab {
  readonly store: StreamStore
  readonly hive: CachedHive
}

/** Tabs whose stores fail apart from each other. */
function tabs(backend: Backend, remote: SmallBlocksHive, host: VirtualHost, bytes: number): () => Tab {
  return () => {
    const store = new StreamStore(backend, { host })
    return { store, hive: cachedHive(remote, store, { bytes, host }) }
  }
}

async function streams(backend: Backend): Promise<number> {
  return (await inspectStore(backend)).stored.size
}

/** Overwrites the rows of a cache whose keys contain `part`. */
async function damageRows(store: StreamStore, part: string, most = Infinity): Promise<number> {
  const rows = await store.transaction((tx) => tx.list({ prefix: new TextEncoder().encode(part), limit: 1000 }))
  const some = rows.slice(0, most)
  await store.transaction(async (tx) => {
    for (const { key } of some) tx.set(key, new Uint8Array([1, 2, 3]))
  })
  return some.length
}

describe('the budget of a cache counts', () => {
  it('what one tab has evicted and cannot collect, whatever it fails at, until another one has collected it', async () => {
    for (const isCollected of [false, true]) {
      const backend = memoryBackend()
      const remote = new SmallBlocksHive()
      const host = new VirtualHost()
      const open = tabs(backend, remote, host, 9 * COST)
      const [one, two] = [open(), open()]
      const names = ['a', 'b', 'c', 'd', 'e']
      for (const [i, name] of names.entries()) await putEntry(remote, name, randomBytes(4_000, i))
      await readEntry(one.hive, 'a')
      await readEntry(two.hive, 'b')
      const collecting = vi
        .spyOn(one.store, 'collectGarbage')
        .mockRejectedValue(new BackendError('busy', { retryable: true }))
      if (!isCollected)
        vi.spyOn(two.store, 'collectGarbage').mockRejectedValue(new BackendError('busy', { retryable: true }))
      for (const name of ['c', 'd', 'e']) {
        host.advance(60_000)
        await readEntry(one.hive, name)
        host.advance(60_000)
        await readEntry(two.hive, name)
        expect(await streams(backend)).toBeLessThanOrEqual(9)
      }
      expect(collecting).toHaveBeenCalled()
      expect(await two.hive.cached('e')).toEqual(isCollected ? expect.objectContaining({ bytes: 4_000 }) : undefined)
      await open().hive.clear({ everyone: true })
      expect(await two.hive.usage()).toMatchObject({ bytes: 0 })
      expect(await streams(backend)).toBe(0)
    }
  })

  it('what takes the place of a damaged block, and what that was', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend)
    let bytes = randomBytes(40_000, 1)
    const open = (): Promise<Entry> => {
      const info = { alias: 'x', etag: '"same"', size: bytes.byteLength, type: 'text/plain', modified: new Date(0) }
      const stream = ({ start = 0, end = info.size } = {}): ReadableStream =>
        new Blob([bytes.slice(start, end)]).stream()
      return Promise.resolve({ ...info, stream } as unknown as Entry)
    }
    const hive = cachedHive(open, store, { bytes: 2 * 40_512 + 1_000 })
    await readEntry(hive, 'x')
    expect(await streams(backend)).toBe(1)
    const collecting = vi
      .spyOn(store, 'collectGarbage')
      .mockRejectedValue(new BackendError('busy', { retryable: true }))
    for (const seed of [2, 3]) {
      for (const { name } of await backend.blocks.list({ prefix: '', limit: 10 })) await backend.blocks.delete(name)
      // A server that does not change the etag: the block that is stored again is another one.
      bytes = randomBytes(40_000, seed)
      await readEntry(hive, 'x')
      expect((await hive.usage()).bytes).toBeLessThanOrEqual(2 * 40_512)
    }
    expect((await hive.usage()).bytes).toBe(2 * 40_512)
    collecting.mockRestore()
    await hive.clear({ everyone: true })
    expect(await streams(backend)).toBe(0)
  })

  it('all blocks anew if its row is damaged', async () => {
    const cache = setUpCache({ bytes: 10 * COST })
    const { remote, hive, store, backend, another } = cache
    await putEntry(remote, 'x', randomBytes(8_000, 1))
    await putEntry(remote, 'y', randomBytes(8_000, 2))
    await readEntry(hive, 'x')
    expect(await damageRows(store, 'cache/u')).toBe(1)
    expect(await hive.usage()).toMatchObject({ bytes: 8 * COST })
    await damageRows(store, 'cache/u')
    await readEntry(another({ host: new VirtualHost({ now: Date.now() + 10_000 }) }), 'y')
    expect(await streams(backend)).toBeLessThanOrEqual(10)
    expect((await hive.cached('y'))?.bytes).toBe(8_000)
    await damageRows(store, 'cache/u')
    await hive.clear({ everyone: true })
    expect(await hive.usage()).toMatchObject({ bytes: 0 })
    expect(await streams(backend)).toBe(0)
  })
})

describe('blocks whose rows are damaged', () => {
  it.each(['read again', 'evicted', 'cleared'])('are not lost to the collector when they are %s', async (how) => {
    const cache = setUpCache({ bytes: 10 * COST })
    const { remote, hive, store, backend, another } = cache
    const bytes = randomBytes(8_000, 1)
    await putEntry(remote, 'x', bytes)
    await putEntry(remote, 'y', randomBytes(9_500, 2))
    await readEntry(hive, 'x')
    expect(await damageRows(store, 'cache/b/', 3)).toBe(3)
    expect(await hive.cached('x')).toMatchObject({ bytes: 5_000 })
    if (how === 'read again') {
      expect(await readEntry(hive, 'x')).toEqual(bytes)
      expect(await hive.cached('x')).toMatchObject({ bytes: 8_000 })
      expect((await hive.usage()).bytes).toBeLessThanOrEqual(10 * COST)
      expect(await streams(backend)).toBe(8)
      return
    }
    if (how === 'evicted') {
      await readEntry(another({ host: new VirtualHost({ now: Date.now() + 10_000 }) }), 'y')
      expect(await hive.cached('y')).toMatchObject({ bytes: 9_500 })
      expect(await streams(backend)).toBeLessThanOrEqual(10)
    }
    await hive.clear()
    expect(await streams(backend)).toBe(0)
    expect(await hive.usage()).toMatchObject({ bytes: 0 })
  })
})

it('after clear in one tab, a reader of another tab that was open before keeps nothing, and one that opens later does', async () => {
  for (const everyone of [false, true]) {
    const backend = memoryBackend()
    const remote = new SmallBlocksHive()
    const host = new VirtualHost()
    const open = tabs(backend, remote, host, 100 * COST)
    const [one, two] = [open(), open()]
    const bytes = randomBytes(20_000, 1)
    await putEntry(remote, 'x', bytes)
    const entry = await one.hive.open('x')
    expect(await collect(entry.stream({ end: 5_000 }))).toEqual(bytes.slice(0, 5_000))
    await one.hive.flush()
    expect(await streams(backend)).toBe(5)
    const pinning = rejection(one.hive.pin('x'))
    let clearing: Promise<void> | undefined
    remote.onChunk = () => {
      clearing ??= two.hive.clear({ everyone })
      return clearing
    }
    expect(await pinning).toMatchObject({ name: 'AbortError' })
    expect(await collect(entry.stream())).toEqual(bytes)
    await one.hive.flush()
    expect(await streams(backend)).toBe(0)
    const { rows } = await inspectStore(backend)
    expect([...rows.keys()].filter((key) => !/^u\/cache\/[cgu]/.test(key))).toEqual([])
    expect(await readEntry(one.hive, 'x')).toEqual(bytes)
    expect(await two.hive.cached('x')).toMatchObject({ bytes: 20_000, pinned: false })
  }
})

it('clearing one principal does not stop the readers of another', async () => {
  const { remote, hive, another } = setUpCache()
  await putEntry(remote, 'x', randomBytes(5_000, 1))
  const entry = await hive.open('x')
  await another({ principal: 'somebody else' }).clear()
  await collect(entry.stream())
  await hive.flush()
  expect(await hive.cached('x')).toMatchObject({ bytes: 5_000 })
})

describe('a pin', () => {
  it('that has not been set when the cache is cleared in another tab is not set afterwards, and leaves no rows', async () => {
    const { remote, hive, another, backend } = setUpCache()
    await putEntry(remote, 'x', randomBytes(3_000, 1))
    let clearing: Promise<void> | undefined
    remote.onManifest = () => {
      clearing ??= another().clear({ everyone: true })
      return clearing
    }
    expect(await rejection(hive.pin('x'))).toMatchObject({ name: 'AbortError' })
    const { rows } = await inspectStore(backend)
    expect([...rows.keys()].filter((key) => !/^u\/cache\/[gu]/.test(key))).toEqual([])
  })

  it('during which the network fails says so', async () => {
    const { remote, hive } = setUpCache()
    await putEntry(remote, 'x', randomBytes(3_000, 1))
    remote.onManifest = () => {
      remote.isOffline = true
      remote.assertOnline()
    }
    expect(await rejection(hive.pin('x'))).toMatchObject({ name: 'BackendError' })
  })

  it('of bytes that do not match the digest that the hive tells fails with an IntegrityError', async () => {
    const { remote, hive } = setUpCache()
    await putEntry(remote, 'x', randomBytes(3_000, 1))
    const digest = toBase64Url(await sha256(randomBytes(10, 9)))
    const open = remote.open.bind(remote)
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
    expect(await rejection(hive.pin('x'))).toMatchObject({ name: 'IntegrityError' })
    expect(await hive.usage()).toMatchObject({ pinnedBytes: 0 })
  })

  it('of an entry that is gone has no share of the budget, and has it again if the entry comes back', async () => {
    const host = new VirtualHost()
    const { remote, hive } = setUpCache({ bytes: 10 * COST, host })
    const bytes = randomBytes(8_000, 1)
    await putEntry(remote, 'x', bytes)
    await putEntry(remote, 'y', randomBytes(9_000, 2))
    await hive.pin('x')
    await hive.remove('x')
    expect(await hive.usage()).toMatchObject({ pinnedBytes: 0 })
    await putEntry(remote, 'x', bytes)
    await hive.stat('x')
    expect(await hive.usage()).toMatchObject({ pinnedBytes: 8 * COST })
    expect(await rejection(hive.pin('y'))).toMatchObject({ name: 'QuotaExceededError' })
    await remote.remove('x')
    expect(await rejection(hive.open('x'))).toMatchObject({ name: 'NotFoundError' })
    host.advance(1_000)
    await hive.pin('y')
    expect(await hive.cached('y')).toMatchObject({ bytes: 9_000, pinned: true })
    expect(await hive.usage()).toMatchObject({ pinnedBytes: 9 * COST })
  })
})

it.each([300, 600])('the rows of an entry of %i blocks of which none is left go, too', async (count) => {
  for (const hasManifests of [true, false]) {
    const remote = new SmallBlocksHive(512)
    const host = new VirtualHost()
    const store = new StreamStore(memoryBackend(), { host })
    const blockLength = hasManifests ? 512 : 1_000_000
    const hive = cachedHive(hasManifests ? remote : (alias, options) => remote.open(alias, options), store, {
      bytes: 4 * (blockLength + 512),
      host,
    })
    // Only its first block is read.
    await putEntry(remote, 'long', new Uint8Array(hasManifests ? count * 512 : 3_000))
    const { open } = remote
    if (!hasManifests) {
      remote.open = async (alias, options) => {
        const entry = await open.call(remote, alias, options)
        return alias === 'long' ? Object.assign(Object.create(entry) as Entry, { size: count * blockLength }) : entry
      }
    }
    await readEntry(hive, 'long', { end: 512 }).catch(() => undefined)
    for (let i = 0; i < 8; i++) {
      await putEntry(remote, `x${i}`, randomBytes(1_000, i))
      host.advance(10_000)
      await readEntry(hive, `x${i}`)
    }
    const left = await store.transaction((tx) => tx.list({ prefix: new TextEncoder().encode('cache/e/'), limit: 100 }))
    const text = left.map(({ value }) => new TextDecoder().decode(value))
    expect(text.filter((row) => row.includes('long'))).toEqual([])
  }
})
