import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Backend, BackendError, type GarbageReport, StreamStore } from '../../src/store.ts'
import { formatCandidate, formatStream, formatStreamId, parseStream } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { dump } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { movePages, pattern, put, settle, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const HOUR = 3_600_000
const keys = new RowKeys('')
const REF = { reference: text('r') }

function start(blockSize = 4) {
  const backend = memoryBackend()
  const host = new VirtualHost()
  const store = new StreamStore(backend, { blockSize, inMemoryThreshold: 8, host })
  const unmark = (id: string, reference = 'r') => store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
  return { backend, host, store, unmark }
}

async function expectEmpty(backend: Backend): Promise<void> {
  expect(await inspectStore(backend)).toMatchObject({ counts: { v: 1 }, objects: 0, problems: [] })
}

/** Returns the report of a dry run, after checking that the run changed nothing. */
async function preview(backend: Backend, store: StreamStore, graceMs?: number): Promise<GarbageReport> {
  const before = await dump(backend)
  const report = await store.collectGarbage({ dryRun: true, graceMs })
  expect(await dump(backend)).toEqual(before)
  return report
}

const NOTHING = { streams: 0, objects: 0, bytes: 0 }
const NONE_WAIT = { objects: 0, bytes: 0, until: undefined }

describe('collectGarbage', () => {
  it('frees the rows of a stream without references at once, and its objects after the grace period', async () => {
    const { backend, host, store, unmark } = start()
    const kept = await put(store, pattern(9), REF)
    const { id } = await put(store, pattern(30), REF)
    expect(await store.collectGarbage()).toEqual({ freed: NOTHING, waiting: NONE_WAIT, problems: [] })
    await unmark(id)
    const first = {
      freed: { ...NOTHING, streams: 1 },
      waiting: { objects: 8, bytes: 30, until: new Date(host.now() + HOUR) },
      problems: [],
    }
    expect(await preview(backend, store)).toEqual(first)
    expect(await store.collectGarbage()).toEqual(first)
    await expect(store.open(id)).rejects.toMatchObject({ name: 'NotFoundError' })
    host.advance(HOUR - 1)
    expect(await store.collectGarbage()).toMatchObject({ freed: NOTHING, waiting: { objects: 8, bytes: 30 } })
    host.advance(1)
    const second = { freed: { streams: 0, objects: 8, bytes: 30 }, waiting: NONE_WAIT, problems: [] }
    expect(await preview(backend, store)).toEqual(second)
    expect(await store.collectGarbage()).toEqual(second)
    expect(await collect((await store.open(kept.id)).stream())).toEqual(pattern(9))
    await unmark(kept.id)
    expect(await preview(backend, store, 0)).toEqual(await store.collectGarbage({ graceMs: 0 }))
    await expectEmpty(backend)
  })

  it('moves each page of a large stream to the trash, from which readers read it', async () => {
    const { backend, store, unmark } = start(1)
    const stored = await put(store, pattern(1300), REF)
    await unmark(stored.id)
    await store.collectGarbage()
    expect((await inspectStore(backend)).counts).toEqual({ v: 1, t: 3 })
    expect(await collect(stored.stream())).toEqual(pattern(1300))
    expect((await store.collectGarbage({ graceMs: 0 })).freed).toEqual({ streams: 0, objects: 1300, bytes: 1300 })
    await expectEmpty(backend)
    await expect(collect(stored.slice(700).stream())).rejects.toMatchObject({
      name: 'NotFoundError',
      streamId: stored.id,
      blockIndex: 700,
    })
  })

  it('leaves streams without references and uploads alone until their leases end', async () => {
    const { backend, host, store } = start()
    await put(store, pattern(10))
    const sink = store.sink(REF)
    const writer = sink.getWriter()
    // Two groups of blocks. Only the first is in a page.
    await writer.write(pattern(28))
    await settle()
    host.advance(HOUR - 1)
    expect(await store.collectGarbage({ graceMs: 0 })).toMatchObject({ freed: NOTHING, waiting: NONE_WAIT })
    host.advance(1)
    const expected = await preview(backend, store, 0)
    expect(expected.freed).toMatchObject({ streams: 2 })
    expect(await store.collectGarbage({ graceMs: 0 })).toEqual(expected)
    await expectEmpty(backend)
    await expect(writer.close()).rejects.toMatchObject({ name: 'BackendError', retryable: true })
    await expectEmpty(backend)
  })

  it('ignores an expired reference, unless it was renewed', async () => {
    const { backend, host, store } = start()
    const mark = (id: string, reference: string, inMs: number) =>
      store.transaction((tx) => tx.markAsUsed(id, text(reference), { expires: new Date(host.now() + inMs) }))
    const { id } = await put(store, pattern(10), { ...REF, expires: new Date(host.now() + 2 * HOUR) })
    for (let i = 0; i < 25; i++) await mark(id, `pin ${i}`, HOUR + i)
    host.advance(HOUR + 20)
    await store.collectGarbage({ graceMs: 0 })
    expect((await inspectStore(backend)).counts).toMatchObject({ r: 5, c: 1, s: 1 })
    await mark(id, 'r', 3 * HOUR)
    host.advance(2 * HOUR)
    await store.collectGarbage({ graceMs: 0 })
    expect((await inspectStore(backend)).counts).toMatchObject({ r: 1, c: 1, s: 1 })
    host.advance(HOUR)
    expect((await preview(backend, store, 0)).freed).toEqual({ streams: 1, objects: 3, bytes: 10 })
    expect((await store.collectGarbage({ graceMs: 0 })).freed).toEqual({ streams: 1, objects: 3, bytes: 10 })
    await expectEmpty(backend)
  })

  it('keeps a stream as a candidate only while it has a reference that expires', async () => {
    const { backend, host, store, unmark } = start()
    const { id } = await put(store, pattern(10), REF)
    await store.transaction((tx) => tx.markAsUsed(id, text('pin'), { expires: new Date(host.now() + HOUR) }))
    await store.collectGarbage()
    expect((await inspectStore(backend)).counts).toMatchObject({ r: 2, c: 1 })
    host.advance(HOUR)
    await store.collectGarbage()
    expect((await inspectStore(backend)).counts).toEqual({ v: 1, s: 1, m: 1, h: 1, r: 1 })
    await unmark(id)
    await store.collectGarbage({ graceMs: 0 })
    await expectEmpty(backend)
  })

  it('collects the pages that the stream’s row names, not those of its id', async () => {
    const { backend, store, unmark } = start()
    const [dead, alive] = [await put(store, pattern(10), REF), await put(store, pattern(22), REF)]
    // Like after a heal, the pages under the dead stream's id belong to the live stream.
    const former = new Uint8Array(16).fill(7)
    await movePages(backend, dead.id, former)
    await movePages(backend, alive.id, fromHex(dead.id)!)
    await unmark(dead.id)
    expect(await preview(backend, store, 0)).toEqual(await store.collectGarbage({ graceMs: 0 }))
    expect(await collect((await store.open(alive.id)).stream())).toEqual(pattern(22))
    expect((await inspectStore(backend)).problems).toEqual([])
    await unmark(alive.id)
    await store.collectGarbage({ graceMs: 0 })
    await expectEmpty(backend)
  })

  it('leaves rows that it cannot read unchanged, reports them, and collects the rest', async () => {
    const { backend, store, unmark } = start()
    const [bad, good] = [await put(store, pattern(10), REF), await put(store, pattern(30), REF)]
    await unmark(bad.id)
    await unmark(good.id)
    const key = keys.stream(fromHex(bad.id)!)
    const row = (await backend.metadata.get(key))!.value
    for (const value of [row.slice(0, 20), Uint8Array.of(9, ...row.slice(1))]) {
      await backend.metadata.commit([], [{ key, value }])
      const { problems } = await store.collectGarbage({ graceMs: 0 })
      expect(problems).toHaveLength(1)
      expect((await backend.metadata.get(key))!.value).toEqual(value)
    }
    const object = new Uint8Array(16).fill(1)
    const broken = [
      { key: keys.trash(object, 0), value: Uint8Array.of(1) },
      { key: keys.intent(object), value: Uint8Array.of(2) },
    ]
    await backend.metadata.commit([], [{ key, value: row }, ...broken])
    const { freed, problems } = await store.collectGarbage({ graceMs: 0 })
    expect(freed).toEqual({ streams: 1, objects: 3, bytes: 10 })
    expect(problems.map(({ name }) => name).toSorted()).toEqual(['FormatError', 'IntegrityError'])
    await backend.metadata.commit(
      [],
      broken.map((each) => ({ ...each, value: undefined })),
    )
    await expectEmpty(backend)
  })

  it('reports an object that the engine refuses to delete, frees all others, and retries next time', async () => {
    const { backend, store, unmark } = start()
    for (const length of [10, 30]) await unmark((await put(store, pattern(length), REF)).id)
    const [refused] = await backend.blocks.list({ prefix: '', limit: 1 })
    const { blocks } = backend
    const guarded: Backend = {
      ...backend,
      blocks: {
        ...blocks,
        list: (options) => blocks.list(options),
        async delete(name, options) {
          if (name === refused!.name) throw new BackendError('permission denied', { retryable: false })
          return blocks.delete(name, options)
        },
      },
    }
    const careful = new StreamStore(guarded, { host: new VirtualHost() })
    for (let i = 0; i < 2; i++) {
      const { problems } = await careful.collectGarbage({ graceMs: 0 })
      expect(problems.map(({ message }) => message)).toEqual(['permission denied'])
      expect((await blocks.list({ prefix: '', limit: 100 })).map(({ name }) => name)).toEqual([refused!.name])
    }
    await store.collectGarbage({ graceMs: 0 })
    await expectEmpty(backend)
  })

  it('treats a reference that it cannot read as live', async () => {
    const { backend, store, unmark } = start()
    const { id } = await put(store, pattern(10), REF)
    const key = keys.reference(fromHex(id)!, 'user', 'inline', text('later'))
    await backend.metadata.commit([], [{ key, value: Uint8Array.of(9) }])
    await unmark(id)
    expect((await store.collectGarbage({ graceMs: 0 })).freed).toEqual(NOTHING)
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(10))
  })

  it('continues where another collection stopped, at any step', async () => {
    for (const status of [
      { kind: 'condemned', former: 'stored' },
      { kind: 'deleting', reason: 'collected' },
      { kind: 'deleting', reason: 'aborted' },
    ] as const) {
      const { backend, store, unmark } = start()
      const { id } = await put(store, pattern(10), REF)
      await unmark(id)
      const key = keys.stream(fromHex(id)!)
      const record = parseStream((await backend.metadata.get(key))!.value)
      await backend.metadata.commit(
        [],
        [
          { key, value: formatStream({ ...record, status }) },
          ...(status.kind === 'deleting' ? [{ key: keys.digest(record.digest!), value: undefined }] : []),
        ],
      )
      expect(await preview(backend, store, 0)).toEqual(await store.collectGarbage({ graceMs: 0 }))
      await expectEmpty(backend)
    }
    const { backend, store } = start()
    const { id } = await put(store, pattern(10), REF)
    const key = keys.stream(fromHex(id)!)
    const record = parseStream((await backend.metadata.get(key))!.value)
    const condemned = formatStream({ ...record, status: { kind: 'condemned', former: 'stored' } })
    await backend.metadata.commit(
      [],
      [
        { key, value: condemned },
        { key: keys.candidate(fromHex(id)!), value: formatCandidate(0) },
      ],
    )
    await store.collectGarbage({ graceMs: 0 })
    expect(parseStream((await backend.metadata.get(key))!.value).status).toEqual({ kind: 'stored' })
    expect((await inspectStore(backend)).counts).toEqual({ v: 1, s: 1, m: 1, h: 1, r: 1 })
  })

  it('reaps intents of stored and removed streams, and no others', async () => {
    const { backend, store } = start()
    const { id } = await put(store, pattern(10), REF)
    const sink = store.sink(REF)
    const writer = sink.getWriter()
    await writer.write(pattern(28))
    await settle()
    const live = (await inspectStore(backend)).counts['i']!
    const [ofStored, ofGone] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
    await backend.metadata.commit(
      [],
      [
        { key: keys.intent(ofStored), value: formatStreamId(fromHex(id)!) },
        { key: keys.intent(ofGone), value: formatStreamId(ofGone) },
      ],
    )
    await backend.blocks.put(keys.object(ofStored), pattern(5))
    expect((await preview(backend, store)).freed).toEqual({ streams: 0, objects: 1, bytes: 5 })
    expect((await store.collectGarbage()).freed).toEqual({ streams: 0, objects: 1, bytes: 5 })
    expect((await inspectStore(backend)).counts['i']).toBe(live)
    await writer.close()
    expect(await collect((await sink.stored).stream())).toEqual(pattern(28))
    expect((await inspectStore(backend)).problems).toEqual([])
  })

  it('leaves a digest row that names another stream', async () => {
    const { backend, store, unmark } = start()
    const old = await put(store, pattern(10), REF)
    await backend.metadata.commit([], [{ key: keys.digest(old.digest), value: undefined }])
    const { id } = await put(store, pattern(10), REF)
    expect(id).not.toBe(old.id)
    await unmark(old.id)
    expect((await store.collectGarbage({ graceMs: 0 })).freed).toEqual({ streams: 1, objects: 3, bytes: 10 })
    expect(await store.lookup([old.digest])).toEqual([id])
    expect((await inspectStore(backend)).problems).toEqual([])
  })

  it('loses to changes between its read and its commit, and never passes through a state that a crash would make permanent', async () => {
    /** Collects, calls `act` before one of the commits, and checks the state after each commit. */
    const interrupt = async (backend: Backend, host: VirtualHost, at: number, act: () => Promise<unknown>) => {
      let commits = 0
      const memory: Backend = {
        ...backend,
        metadata: {
          ...backend.metadata,
          async commit(...args) {
            if (++commits === at) await act()
            const version = await backend.metadata.commit(...args)
            expect((await inspectStore(backend)).problems).toEqual([])
            return version
          },
        },
      }
      await new StreamStore(memory, { host }).collectGarbage({ graceMs: 0 })
      expect(commits).toBeGreaterThanOrEqual(at)
    }

    // The collector is about to restore a condemned stream when its last reference is removed.
    {
      const { backend, host, store, unmark } = start()
      const { id } = await put(store, pattern(10), REF)
      const key = keys.stream(fromHex(id)!)
      const record = parseStream((await backend.metadata.get(key))!.value)
      const condemned = formatStream({ ...record, status: { kind: 'condemned', former: 'stored' } })
      await backend.metadata.commit(
        [],
        [
          { key, value: condemned },
          { key: keys.candidate(fromHex(id)!), value: formatCandidate(1) },
        ],
      )
      await interrupt(backend, host, 1, async () => {
        await unmark(id)
        await store.collectGarbage({ graceMs: 0 })
      })
      await expectEmpty(backend)
    }
    // It is about to condemn a stream, which is then marked. Another collector removes the candidate row.
    {
      const { backend, host, store, unmark } = start()
      const { id } = await put(store, pattern(10), REF)
      await unmark(id)
      await interrupt(backend, host, 1, async () => {
        await store.transaction((tx) => tx.markAsUsed(id, text('late')))
        await store.collectGarbage({ graceMs: 0 })
        expect((await inspectStore(backend)).counts['c']).toBeUndefined()
      })
      expect(await collect((await store.open(id)).stream())).toEqual(pattern(10))
    }
  })

  it('does not touch other stores in the same backend', async () => {
    const backend = memoryBackend()
    const host = new VirtualHost()
    const stores = ['', 'a', 'c', 't'].map((name) => new StreamStore(backend, { name, blockSize: 4, leaseMs: 0, host }))
    for (const store of stores) await put(store, pattern(10))
    const before = await dump(backend)
    expect((await stores[1]!.collectGarbage({ graceMs: 0 })).freed).toEqual({ streams: 1, objects: 3, bytes: 10 })
    const after = await dump(backend)
    const own = new RowKeys('a')
    const isOwn = (line: string): boolean =>
      line.startsWith(own.all('c').slice(0, 2).join()) || line.startsWith(own.objectPrefix)
    expect(after.filter((line) => !isOwn(line))).toEqual(before.filter((line) => !isOwn(line)))
  })

  it('rejects between two steps with the reason of its signal, and the next collection continues', async () => {
    for (let at = 1; ; at++) {
      const { backend, host, store, unmark } = start(1)
      const { id } = await put(store, pattern(600), REF)
      await unmark(id)
      const controller = new AbortController()
      const reason = new Error('enough')
      let calls = 0
      const counting: Backend = {
        ...backend,
        metadata: {
          ...backend.metadata,
          commit(...args) {
            if (++calls === at) controller.abort(reason)
            return backend.metadata.commit(...args)
          },
        },
      }
      const run = new StreamStore(counting, { host }).collectGarbage({ graceMs: 0, signal: controller.signal })
      const [ended] = await Promise.allSettled([run])
      if (ended.status === 'rejected') expect(ended.reason).toBe(reason)
      else expect(at).toBeGreaterThan(6)
      if (!controller.signal.aborted) break
      await store.collectGarbage({ graceMs: 0 })
      await expectEmpty(backend)
    }
    const { store } = start()
    const reason = new Error('before')
    await expect(store.collectGarbage({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('reports its progress', async () => {
    const { store, unmark } = start()
    for (let i = 1; i <= 3; i++) await unmark((await put(store, pattern(i * 10), REF)).id)
    const told: GarbageReport[] = []
    const report = await store.collectGarbage({ graceMs: 0, onProgress: (each) => told.push(each) })
    expect(told.at(-1)).toEqual(report)
    expect(told.map(({ freed }) => freed.streams)).toEqual([1, 2, 3, 3, 3, 3])
  })

  it('refuses invalid options', async () => {
    const { store } = start()
    for (const graceMs of [-1, 2 ** 53]) {
      await expect(store.collectGarbage({ graceMs })).rejects.toThrow(RangeError)
    }
    await expect(store.collectGarbage({ graceMs: 1.5 })).rejects.toThrow(TypeError)
    await expect(store.collectGarbage({ onProgress: 7 as never })).rejects.toThrow(TypeError)
  })

  it('reads only candidates, however many live streams there are', async () => {
    const calls = async (living: number): Promise<number> => {
      const { backend, host, store, unmark } = start()
      for (let i = 0; i < living; i++) await put(store, text(`alive ${i}`), REF)
      await unmark((await put(store, pattern(30), REF)).id)
      let count = 0
      const counting: Backend = {
        ...backend,
        metadata: {
          get: (...args) => (count++, backend.metadata.get(...args)),
          list: (...args) => (count++, backend.metadata.list(...args)),
          commit: (...args) => (count++, backend.metadata.commit(...args)),
        },
      }
      await new StreamStore(counting, { host }).collectGarbage({ graceMs: 0 })
      return count
    }
    expect(await calls(300)).toBe(await calls(1))
  })
})

describe('a hive whose garbage is collected', () => {
  it('loses only what was removed or replaced, including signatures', async () => {
    const { backend, host, store } = start(1000)
    const hive = new LocalHive(store)
    const write = (alias: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> =>
      bytesSource(bytes).stream().pipeTo(hive.sink(alias))
    for (const [alias, length] of Object.entries({ one: 9_000, two: 5_000, three: 7_000 })) {
      await write(alias, pattern(length))
      await collect((await hive.open(alias)).signature())
    }
    const clean = async (): Promise<void> => {
      host.advance(2 * HOUR)
      await store.collectGarbage({ graceMs: 0 })
      await store.collectGarbage({ graceMs: 0 })
    }
    await clean()
    expect((await inspectStore(backend)).stored.size).toBe(6)
    await write('one', pattern(3_000))
    await hive.remove('two')
    await clean()
    const contents = await inspectStore(backend)
    expect(contents).toMatchObject({ problems: [], unfinished: [] })
    expect(contents.stored.size).toBe(3)
    expect(contents.counts).toEqual({ v: 1, a: 2, s: 3, m: 3, h: 3, r: 3 })
    expect(await collect((await hive.open('one')).stream())).toEqual(pattern(3_000))
    expect(await collect((await hive.open('three')).stream())).toEqual(pattern(7_000))
    for (const alias of ['one', 'three']) await hive.remove(alias)
    await clean()
    await expectEmpty(backend)
  })
})

describe('startCollector', () => {
  it('collects now and at an interval, until its signal aborts', async () => {
    const { backend, host, store, unmark } = start()
    const end = new AbortController()
    const reports: GarbageReport[] = []
    const { id } = await put(store, pattern(10), REF)
    await unmark(id)
    const twice = new Promise<void>((resolve) => {
      store.startCollector({
        signal: end.signal,
        intervalMs: HOUR,
        onCollected(report) {
          if (reports.push(report) === 2) resolve()
        },
      })
    })
    await twice
    expect(reports.map(({ freed }) => freed)).toEqual([
      { streams: 1, objects: 0, bytes: 0 },
      { streams: 0, objects: 3, bytes: 10 },
    ])
    end.abort()
    await settle()
    const { count } = host.slept
    await settle()
    expect(host.slept.count).toBe(count)
    await expectEmpty(backend)
    await store.close()
  })

  it('ends when the store is closed, even in the middle of a collection', async () => {
    const { backend, host, store, unmark } = start()
    await unmark((await put(store, pattern(10), REF)).id)
    let calls = 0
    let closed: Promise<void> | undefined
    let late = 0
    const closing: Backend = {
      ...backend,
      metadata: {
        ...backend.metadata,
        commit(...args) {
          if (++calls === 2) closed = other.close()
          if (calls > 2) late++
          return backend.metadata.commit(...args)
        },
      },
      close: () => Promise.resolve(),
    }
    const other = new StreamStore(closing, { host })
    const errors: unknown[] = []
    other.startCollector({ signal: new AbortController().signal, onError: (error) => errors.push(error) })
    await settle()
    await settle()
    await closed
    expect({ calls, late, errors }).toEqual({ calls: 2, late: 0, errors: [] })
    await store.collectGarbage({ graceMs: 0 })
    await expectEmpty(backend)
    expect(() => other.startCollector({ signal: new AbortController().signal })).toThrow(TypeError)
  })

  it('reports failures and problems, and continues', async () => {
    const { backend, host, store, unmark } = start()
    await unmark((await put(store, pattern(10), REF)).id)
    let failing = true
    const flaky: Backend = {
      ...backend,
      metadata: {
        ...backend.metadata,
        list(options) {
          return failing
            ? Promise.reject(new BackendError('down', { retryable: false }))
            : backend.metadata.list(options)
        },
      },
    }
    await backend.metadata.commit([], [{ key: keys.intent(new Uint8Array(16)), value: Uint8Array.of(2) }])
    const end = new AbortController()
    const errors: string[] = []
    await new Promise<void>((resolve) => {
      new StreamStore(flaky, { host }).startCollector({
        signal: end.signal,
        graceMs: 0,
        onError(error) {
          failing = false
          errors.push((error as Error).name)
        },
        onCollected: () => resolve(),
      })
    })
    end.abort()
    expect(errors).toEqual(['BackendError', 'FormatError'])
    const streams = await backend.metadata.list({ prefix: text('/s/'), limit: 1 })
    expect(streams).toEqual([])
  })

  it('refuses invalid options', () => {
    const { store } = start()
    const { signal } = new AbortController()
    expect(() => store.startCollector({} as never)).toThrow(TypeError)
    expect(() => store.startCollector({ signal, onError: 7 as never })).toThrow(TypeError)
    for (const options of [{ intervalMs: 0 }, { intervalMs: 2 ** 31 }, { graceMs: -1 }]) {
      expect(() => store.startCollector({ signal, ...options })).toThrow(RangeError)
    }
  })
})
