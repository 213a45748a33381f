import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { tiered } from '../../src/backends/tiered.ts'
import type { HiveChange } from '../../src/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { type Backend, type Notices, StreamStore } from '../../src/store.ts'
import { pending, rejection, soon } from '../support/streams.ts'

const hiveOn = (backend: Backend, name = ''): LocalHive => new LocalHive(new StreamStore(backend, { name }))

async function put(hive: LocalHive, alias: string, content: string): Promise<string> {
  const sink = hive.sink(alias)
  await new Blob([content]).stream().pipeTo(sink)
  return (await sink.entry).etag
}

async function next(reader: ReadableStreamDefaultReader<HiveChange>): Promise<HiveChange | undefined> {
  return (await soon(reader.read(), 'a change')).value
}

describe('watch', () => {
  it('streams what is stored, updated, patched and removed, on every hive of the backend', async () => {
    const backend = memoryBackend()
    const hive = hiveOn(backend)
    const readers = [hive, hiveOn(backend)].map((each) => each.watch().getReader())
    const first = await put(hive, 'a', 'one')
    for (const reader of readers) expect(await next(reader)).toEqual({ alias: 'a', etag: first })
    const second = await put(hive, 'a', 'two')
    for (const reader of readers) expect(await next(reader)).toEqual({ alias: 'a', etag: second })
    const signature = await loadSignature((await hive.open('a')).signature())
    const sink = hive.patchSink('a')
    await new Blob(['three']).stream().pipeThrough(new DeltaStream(signature)).pipeTo(sink)
    for (const reader of readers) expect(await next(reader)).toEqual({ alias: 'a', etag: (await sink.entry).etag })
    await hive.remove('a')
    for (const reader of readers) expect(await next(reader)).toEqual({ alias: 'a', etag: undefined })
  })

  it('streams only aliases with the prefix, and nothing of other stores or of what failed', async () => {
    const backend = memoryBackend()
    const hive = hiveOn(backend)
    await put(hive, 'kept/a', 'one')
    const reader = hive.watch({ prefix: 'kept/' }).getReader()
    await put(hiveOn(backend, 'other'), 'kept/b', 'one')
    await put(hive, 'elsewhere', 'one')
    expect(await rejection(hive.remove('kept/c'))).toMatchObject({ name: 'NotFoundError' })
    const refused = new Blob(['x']).stream().pipeTo(hive.sink('kept/a', { ifNoneMatch: '*' }))
    expect(await rejection(refused)).toMatchObject({ name: 'AlreadyExistsError' })
    await put(hive, 'kept/d', 'one')
    expect(await next(reader)).toMatchObject({ alias: 'kept/d' })
  })

  it('keeps the last change of each entry while nobody reads, in the order of the last changes', async () => {
    const hive = hiveOn(memoryBackend())
    const reader = hive.watch().getReader()
    await put(hive, 'a', 'one')
    await put(hive, 'b', 'one')
    const etag = await put(hive, 'a', 'two')
    expect(await next(reader)).toMatchObject({ alias: 'b' })
    expect(await next(reader)).toEqual({ alias: 'a', etag })
    expect(await pending(reader.read())).toBe(true)
  })

  it('fails when too many changes wait to be read, so that memory stays bounded', async () => {
    const { notices, publish } = recorded()
    const hive = hiveOn({ ...memoryBackend(), notices })
    const reader = hive.watch().getReader()
    for (let i = 0; i <= 10_000; i++) publish(`/{"alias":"${i}"}`)
    expect(await rejection(reader.read())).toMatchObject({ name: 'BackendError', retryable: true })
    expect(notices.listeners.size).toBe(0)
  })

  it('ignores notices that it does not understand', async () => {
    const { notices, publish } = recorded()
    const reader = hiveOn({ ...memoryBackend(), notices })
      .watch()
      .getReader()
    for (const notice of [
      '',
      '/',
      '/{',
      '/null',
      '/{}',
      '/{"alias":1}',
      '/{"alias":"a","etag":1}',
      'x/{"alias":"a"}',
    ]) {
      publish(notice)
    }
    publish('/{"alias":"b","more":1}')
    expect(await next(reader)).toEqual({ alias: 'b', etag: undefined })
  })

  it('says that changes may have been missed, in place of those that wait and before those that follow', async () => {
    const { notices, publish, miss } = recorded()
    const hive = hiveOn({ ...memoryBackend(), notices })
    const missed = { alias: undefined, etag: undefined }
    const readers = [hive.watch(), hive.watch({ prefix: 'a' })].map((changes) => changes.getReader())
    publish('/{"alias":"a1"}')
    miss()
    publish('/{"alias":"a2"}')
    for (const reader of readers) {
      expect(await next(reader)).toEqual(missed)
      expect(await next(reader)).toMatchObject({ alias: 'a2' })
    }
    // Also to those who wait.
    const waiting = readers.map(next)
    await pending(waiting[0]!)
    miss()
    expect(await Promise.all(waiting)).toEqual([missed, missed])
    for (const reader of readers) await reader.cancel()
    expect(notices.listeners.size).toBe(0)
  })

  it('ends with the reason of its signal, and with a TypeError when the store is closed, before or after', async () => {
    const { notices } = recorded()
    const store = new StreamStore({ ...memoryBackend(), notices })
    const hive = new LocalHive(store)
    const aborting = new AbortController()
    const aborted = hive.watch({ signal: aborting.signal }).getReader()
    aborting.abort('enough')
    expect(await rejection(aborted.read())).toBe('enough')
    expect(await rejection(hive.watch({ signal: aborting.signal }).getReader().read())).toBe('enough')

    await hive.watch().cancel()
    const open = hive.watch().getReader()
    expect(notices.listeners.size).toBe(1)
    await store.close()
    expect(await rejection(open.read())).toMatchObject({ name: 'TypeError' })
    expect(await rejection(hive.watch().getReader().read())).toMatchObject({ name: 'TypeError' })
    expect(notices.listeners.size).toBe(0)
  })

  it('refuses a prefix that is not a string', () => {
    expect(() => hiveOn(memoryBackend()).watch({ prefix: 1 as unknown as string })).toThrow(TypeError)
  })

  it('goes by the notices of the hot backend of two', async () => {
    const { notices, publish } = recorded()
    const hot = { ...memoryBackend(), notices }
    const reader = hiveOn(tiered(hot, memoryBackend())).watch().getReader()
    publish('/{"alias":"a"}')
    expect(await next(reader)).toMatchObject({ alias: 'a' })
  })
})

interface Listener {
  readonly onNotice: (notice: string) => void
  readonly onMissed: (() => void) | undefined
}

/** Notices whose listeners can be counted. */
function recorded(): {
  notices: Notices & { listeners: Set<Listener> }
  publish(notice: string): void
  miss(): void
} {
  const listeners = new Set<Listener>()
  const publish = (notice: string): void => {
    for (const { onNotice } of listeners) onNotice(notice)
  }
  const miss = (): void => {
    for (const { onMissed } of listeners) onMissed?.()
  }
  const subscribe: Notices['subscribe'] = (onNotice, onMissed) => {
    const listener = { onNotice, onMissed }
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return { notices: { listeners, publish, subscribe }, publish, miss }
}
