import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { type CachedHive, cachedHive } from '../../src/cache.ts'
import type { EntryInfo, WatchOptions } from '../../src/hive/hive.ts'
import type { HiveChange } from '../../src/hive/hive-change.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { putEntry, readEntry } from '../support/cached-setup.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const [FIRST, SECOND] = [randomBytes(3_000, 1), randomBytes(3_000, 2)]

interface Followed {
  readonly hive: CachedHive
  readonly store: StreamStore
  readonly remote: SmallBlocksHive
  readonly host: VirtualHost
  /** How often the remote hive was asked for an entry or its description. */
  asked(): number
  /** Watches that were opened. */
  watches(): number
  /** Tells of a change, or that some were missed. */
  tell(change: HiveChange): Promise<void>
  /** Shows that the watch goes on, or has broken off. */
  beat(isAlive: boolean): void
  /** Ends the watch for good. */
  fail(): Promise<void>
}

/** A cached hive that follows another, whose watch the test controls: changes are told only by `tell`. */
async function follow(): Promise<Followed> {
  const remote = new SmallBlocksHive()
  const host = new VirtualHost()
  let asked = 0
  let watches = 0
  const [open, stat] = [remote.open.bind(remote), remote.stat.bind(remote)]
  remote.open = (...args) => (asked++, open(...args))
  remote.stat = (...args) => (asked++, stat(...args))
  let controller: ReadableStreamDefaultController<HiveChange> | undefined
  let beat: ((isAlive: boolean) => void) | undefined
  remote.watch = (options?: WatchOptions) => {
    watches++
    beat = options?.onAlive
    return new ReadableStream({
      start(given) {
        controller = given
      },
    }) as ReturnType<typeof remote.watch>
  }
  const store = new StreamStore(memoryBackend())
  const hive = cachedHive(remote, store, { bytes: 1_000_000, host, follow: true })
  await putEntry(remote, 'x', FIRST)
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await nextTask()
  }
  return {
    hive,
    store,
    remote,
    host,
    asked: () => asked,
    watches: () => watches,
    async tell(change) {
      controller!.enqueue(change)
      await settle()
    },
    beat: (isAlive) => beat!(isAlive),
    async fail() {
      controller!.error(new Error('the hive cannot be watched'))
      await settle()
    },
  }
}

describe('a cached hive that follows its remote hive', () => {
  /** Follows, with an entry that is cached and trusted. */
  async function trusting(): Promise<Followed> {
    const all = await follow()
    await all.hive.stat('x')
    all.beat(true)
    expect(await readEntry(all.hive, 'x')).toEqual(FIRST)
    const asked = all.asked()
    expect(await readEntry(all.hive, 'x')).toEqual(FIRST)
    expect(await all.hive.stat('x')).toMatchObject({ size: 3_000 })
    expect(all.asked()).toBe(asked)
    return all
  }

  it('does not ask again for what the hive has answered while the watch is alive, and nothing else holds longer', async () => {
    const { hive, remote, host, asked, watches, tell, beat, fail } = await trusting()
    // Each of these may hide a change, and each is followed by a question.
    const doubts: (() => unknown)[] = [
      () => tell({ alias: 'x', etag: '"other"' }),
      () => tell({ alias: undefined, etag: undefined }),
      () => beat(false),
      () => (beat(false), beat(true)),
      () => host.advance(10_001),
      () => host.advance(-1),
      fail,
    ]
    for (const [i, doubt] of doubts.entries()) {
      const bytes = i % 2 === 0 ? SECOND : FIRST
      await putEntry(remote, 'x', bytes)
      await doubt()
      const before = asked()
      expect(await readEntry(hive, 'x'), `doubt ${i}`).toEqual(bytes)
      expect(asked(), `doubt ${i}`).toBeGreaterThan(before)
      beat(true)
      await readEntry(hive, 'x')
      const trusted = asked()
      await readEntry(hive, 'x')
      if (doubt !== fail) expect(asked(), `doubt ${i}`).toBe(trusted)
    }
    expect(watches()).toBe(1)
    host.advance(30_001)
    await hive.stat('x')
    expect(watches()).toBe(2)
  })

  it('serves an old version of which no change was told for ten seconds at most, whatever the watch says', async () => {
    const { hive, remote, host, beat } = await trusting()
    await putEntry(remote, 'x', SECOND)
    for (let seconds = 1; seconds < 10; seconds++) {
      host.advance(1_000)
      beat(true)
      expect(await readEntry(hive, 'x')).toEqual(FIRST)
    }
    host.advance(1_001)
    beat(true)
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
  })

  it('does not trust an answer that a change has overtaken', async () => {
    const { hive, remote, asked, tell } = await trusting()
    await tell({ alias: 'x', etag: '"other"' })
    const { late, answer } = await askLate(hive, remote)
    await putEntry(remote, 'x', SECOND)
    await tell({ alias: 'x', etag: '"newest"' })
    answer()
    const { etag } = await late
    const before = asked()
    expect((await hive.stat('x')).etag).not.toBe(etag)
    expect(asked()).toBe(before + 1)
  })

  it('asks again once a reader has found another version, or none, of which no change was told', async () => {
    const { hive, remote } = await trusting()
    await hive.clear()
    await putEntry(remote, 'x', SECOND)
    expect(await rejection(readEntry(hive, 'x'))).toMatchObject({ name: 'ConflictError' })
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
    await hive.clear()
    await remote.remove('x')
    expect(await rejection(readEntry(hive, 'x'))).toMatchObject({ name: 'NotFoundError' })
    expect(await rejection(hive.open('x'))).toMatchObject({ name: 'NotFoundError' })
  })

  it('reopens the current version of an entry that was updated while it was read', async () => {
    const { hive, remote, tell } = await trusting()
    await hive.clear()
    await tell({ alias: 'x', etag: '"other"' })
    const entry = await hive.open('x')
    await putEntry(remote, 'x', SECOND)
    expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError' })
    expect(await (await entry.reopen()).bytes()).toEqual(SECOND)
  })

  it('asks again once another that shares the store has learnt of another version', async () => {
    const { hive, store, remote } = await trusting()
    await putEntry(remote, 'x', SECOND)
    await cachedHive(remote, store, { bytes: 1_000_000 }).stat('x')
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
  })

  it('does not trust an answer that a later one has overtaken', async () => {
    const { hive, remote, tell } = await trusting()
    await hive.clear()
    await tell({ alias: 'x', etag: '"other"' })
    const { late, answer } = await askLate(hive, remote)
    await putEntry(remote, 'x', SECOND)
    const { etag } = await hive.stat('x')
    answer()
    expect((await late).etag).not.toBe(etag)
    expect((await hive.stat('x')).etag).toBe(etag)
  })

  it('reads what it has written, and finds what it has removed to be gone, before it is told', async () => {
    const { hive } = await trusting()
    await new Blob([SECOND]).stream().pipeTo(hive.sink('x'))
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
    expect(await readEntry(hive, 'x')).toEqual(SECOND)
    await hive.rename('x', 'y')
    expect(await rejection(hive.open('x'))).toMatchObject({ name: 'NotFoundError' })
    expect(await readEntry(hive, 'y')).toEqual(SECOND)
    await hive.remove('y')
    expect(await rejection(hive.open('y'))).toMatchObject({ name: 'NotFoundError' })
  })
})

/** Asks for 'x', and has the remote hive look now, but answer only when `answer` is called. */
async function askLate(
  hive: CachedHive,
  remote: SmallBlocksHive,
): Promise<{ late: Promise<EntryInfo>; answer(): void }> {
  const { stat } = remote
  let answer = (): void => undefined
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const looked = new Promise<void>((resolve) => {
    remote.stat = async (...args) => {
      const info = await stat(...args)
      resolve()
      await answered
      return info
    }
  })
  const late = hive.stat('x')
  await looked
  remote.stat = stat
  return { late, answer }
}
