import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { type CachedHive, cachedHive } from '../../src/cache.ts'
import type { CachedEntry } from '../../src/cache/cached-hive-types.ts'
import { openConfirmed } from '../../src/cache/open-confirmed.ts'
import { AccessError, BackendError } from '../../src/errors.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { putEntry, readEntry } from '../support/cached-setup.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** A host whose clock only the test sets: nothing is late, and short sleeps end at once. */
class StillHost extends VirtualHost {
  override sleep(delayMs: number): Promise<void> {
    return delayMs < 1_000 ? Promise.resolve() : new Promise(() => undefined)
  }
}

const [FIRST, SECOND] = [randomBytes(6_000, 1), randomBytes(6_000, 2)]
const OPENING = { bufferSize: 1_048_576, consistency: 'conflict' } as const

interface Confirmed {
  readonly hive: CachedHive
  readonly remote: SmallBlocksHive
  /** How often the remote hive was asked for an entry or its description. */
  asked(): number
  /** Lets time pass. */
  wait(ms: number): void
  /** Opens the version of `FIRST` as a request does that names it. */
  openFirst(opening?: Parameters<typeof openConfirmed>[3]): CachedEntry | undefined
  another(): CachedHive
}

/** A cached hive that has read an entry, whose bytes are `FIRST`. */
async function setUp(): Promise<Confirmed> {
  const remote = new SmallBlocksHive()
  const host = new StillHost()
  let asked = 0
  const [open, stat] = [remote.open.bind(remote), remote.stat.bind(remote)]
  remote.open = (...args) => (asked++, open(...args))
  remote.stat = (...args) => (asked++, stat(...args))
  const store = new StreamStore(memoryBackend())
  const another = (): CachedHive => cachedHive(remote, store, { bytes: 1_000_000, host })
  const hive = another()
  await putEntry(remote, 'x', FIRST)
  await readEntry(hive, 'x')
  const { etag } = await remote.stat('x')
  return {
    hive,
    remote,
    asked: () => asked,
    wait: (ms) => host.advance(ms),
    openFirst: (opening = OPENING) => openConfirmed(hive, 'x', etag, opening),
    another,
  }
}

/** Until what was begun in the background is done. */
async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await nextTask()
}

describe('a version that the hive has named as the current one', () => {
  it('is opened without asking for a second, and then while the hive is asked', async () => {
    const { asked, wait, openFirst } = await setUp()
    const before = asked()
    expect(await collect(openFirst()!.stream())).toEqual(FIRST)
    await settle()
    expect(asked()).toBe(before)
    wait(1_000)
    expect(await collect(openFirst()!.stream())).toEqual(FIRST)
    await settle()
    expect(asked()).toBe(before + 1)
    openFirst()
    expect(asked()).toBe(before + 1)
  })

  it('is read from the cache alone, long after it was opened', async () => {
    const { remote, wait, openFirst } = await setUp()
    const { sentBytes, manifests } = remote
    remote.isOffline = true
    wait(100_000)
    expect(await collect(openFirst()!.stream())).toEqual(FIRST)
    expect(remote).toMatchObject({ sentBytes, manifests })
  })

  it('is kept by a reader that begins after the cache was cleared, in whatever tab, or while it was', async () => {
    const { another, hive, openFirst } = await setUp()
    const kept = async (): Promise<number | undefined> => {
      await collect(openFirst()!.stream())
      await hive.flush()
      return (await hive.cached('x'))?.bytes
    }
    await another().clear()
    expect(await kept()).toBe(FIRST.byteLength)
    const clearing = hive.clear()
    const opened = await hive.open('x')
    await clearing
    await collect(opened.stream())
    await hive.open('x')
    expect(await kept()).toBe(FIRST.byteLength)
  })

  it('is opened before the hive has answered, which is asked once at a time', async () => {
    const { remote, asked, wait, openFirst } = await setUp()
    const open = remote.open.bind(remote)
    let answer!: () => void
    const answered = new Promise<void>((resolve) => (answer = resolve))
    remote.open = async (...args) => {
      await answered
      return open(...args)
    }
    wait(10_000)
    const before = asked()
    for (let i = 0; i < 3; i++) expect(await collect(openFirst()!.stream())).toEqual(FIRST)
    answer()
    await settle()
    expect(asked()).toBe(before + 1)
  })

  it('is not opened like this any more once the hive has another, and its readers fail', async () => {
    const { hive, remote, wait, openFirst } = await setUp()
    await putEntry(remote, 'x', SECOND)
    wait(5_000)
    const entry = openFirst()!
    const reader = entry.reader({ bufferSize: 1_024 })
    await settle()
    expect(await rejection(reader.read())).toMatchObject({ name: 'ConflictError' })
    expect(openFirst()).toBe(undefined)
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
    expect(openFirst()).toBe(undefined)
  })

  it('never delivers bytes of another version, though nothing but the network has them', async () => {
    const { hive, remote, wait, openFirst } = await setUp()
    await hive.clear()
    await readEntry(hive, 'x', { end: 1_000 })
    await putEntry(remote, 'x', SECOND)
    wait(5_000)
    const reader = openFirst()!.stream().getReader()
    const received: number[] = []
    const error = await rejection(
      (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) received.push(...next.value)
      })(),
    )
    expect(error).toMatchObject({ name: 'ConflictError' })
    expect(received).toEqual([...FIRST.subarray(0, received.length)])
  })

  it('still has its readers ask the hive, where the cache keeps nothing, unless a request has named it', async () => {
    const backend = memoryBackend()
    backend.metadata.commit = () => Promise.reject(new BackendError('full', { retryable: false }))
    const remote = new LocalHive(new StreamStore(memoryBackend()))
    const hive = cachedHive(remote, new StreamStore(backend), { bytes: 1_000_000, host: new StillHost() })
    await putEntry(remote, 'x', FIRST)
    const { etag } = await remote.stat('x')
    const usual = (await hive.open('x')).reader({ bufferSize: 1_024 })
    const named = openConfirmed(hive, 'x', etag, OPENING)!.reader({ bufferSize: 1_024 })
    for (const reader of [usual, named]) await reader.read()
    await putEntry(remote, 'x', SECOND)
    expect(await named.read()).toEqual(FIRST.slice(1_024, 2_048))
    expect(await rejection(usual.read())).toMatchObject({ name: 'ConflictError', offset: 1_024 })
  })

  it('is forgotten when the entry is removed, or access to it is refused', async () => {
    const { remote, wait, openFirst, hive } = await setUp()
    const open = remote.open.bind(remote)
    remote.open = () => Promise.reject(new AccessError('not allowed', { status: 403 }))
    wait(2_000)
    expect(openFirst()).not.toBeUndefined()
    await settle()
    expect(openFirst()).toBe(undefined)
    remote.open = open
    await hive.open('x')
    expect(openFirst()).not.toBeUndefined()
    await remote.remove('x')
    wait(2_000)
    expect(openFirst()).not.toBeUndefined()
    await settle()
    expect(openFirst()).toBe(undefined)
  })

  it('is kept while the hive does not answer', async () => {
    const { remote, wait, openFirst } = await setUp()
    remote.isOffline = true
    for (let i = 0; i < 3; i++) {
      wait(20_000)
      expect(await collect(openFirst()!.stream())).toEqual(FIRST)
      await settle()
    }
  })

  it('is only one that this hive has asked for, with the same options', async () => {
    const { another, remote, openFirst, hive } = await setUp()
    const { etag } = await remote.stat('x')
    expect(openConfirmed(another(), 'x', etag, OPENING)).toBe(undefined)
    expect(openConfirmed(remote, 'x', etag, OPENING)).toBe(undefined)
    expect(openConfirmed(hive, 'y', etag, OPENING)).toBe(undefined)
    expect(openConfirmed(hive, 'x', '"other"', OPENING)).toBe(undefined)
    expect(openFirst({ ...OPENING, bufferSize: 1_024 })).toBe(undefined)
    expect(openFirst({ ...OPENING, consistency: 'snapshot' })).toBe(undefined)
    await hive.clear()
    expect(openFirst()).toBe(undefined)
  })

  it.each(['remove', 'replace', 'rename'] as const)(
    'is forgotten by a change that is made here: %s',
    async (change) => {
      const { hive, openFirst } = await setUp()
      if (change === 'remove') await hive.remove('x')
      if (change === 'rename') await hive.rename('x', 'y')
      if (change === 'replace') await bytesSource(SECOND).stream().pipeTo(hive.sink('x'))
      expect(openFirst()).toBe(undefined)
    },
  )

  it('is forgotten when a change is told; and when another tab has learnt of one, its readers fail', async () => {
    const { another, hive, remote, wait, openFirst } = await setUp()
    const changes = hive.watch().getReader()
    const told = changes.read()
    await putEntry(remote, 'x', SECOND)
    expect((await told).value).toMatchObject({ alias: 'x' })
    expect(openFirst()).toBe(undefined)
    await changes.cancel()

    await putEntry(remote, 'x', FIRST)
    await hive.open('x')
    expect(openFirst()).not.toBeUndefined()
    await putEntry(remote, 'x', SECOND)
    await another().stat('x')
    wait(1_000)
    const entry = openFirst()!
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'ConflictError' })
    await settle()
    expect(openFirst()).toBe(undefined)
  })

  it('is not one that must not be kept, nor what an opening found that began before a change', async () => {
    const { hive, remote, openFirst } = await setUp()
    const open = remote.open.bind(remote)
    let answer!: () => void
    const answered = new Promise<void>((resolve) => (answer = resolve))
    remote.open = async (...args) => {
      const entry = await open(...args)
      await answered
      return entry
    }
    const opening = hive.open('x')
    await settle()
    await hive.remove('x')
    answer()
    await opening
    expect(openFirst()).toBe(undefined)

    remote.open = open
    remote.noStore = true
    await putEntry(remote, 'x', FIRST)
    await hive.open('x')
    expect(openFirst()).toBe(undefined)
  })

  it.each([
    ['another version', SECOND],
    ['this one', FIRST],
  ])('is forgotten when the hive has %s, which must not be kept', async (_, bytes) => {
    const { remote, wait, openFirst } = await setUp()
    remote.noStore = true
    await putEntry(remote, 'x', bytes)
    wait(2_000)
    expect(openFirst()).not.toBeUndefined()
    await settle()
    expect(openFirst()).toBe(undefined)
  })

  it('fails with what the network fails with, where it has no bytes', async () => {
    const { hive, remote, openFirst } = await setUp()
    await hive.clear()
    await readEntry(hive, 'x', { end: 1_000 })
    remote.isOffline = true
    const entry = openFirst()!
    expect(await rejection(collect(entry.stream()))).toBeInstanceOf(BackendError)
  })
})
