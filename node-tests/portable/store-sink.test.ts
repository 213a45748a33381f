import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError } from '../../src/errors.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { formatStream, parseReference, parseStream, type StreamStatus } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { Gate, movePages, pattern, put, settle, text, watched } from '../support/store-tools.ts'
import { rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')

/** Makes a store with small blocks, and its backend. */
function makeStore(blockSize = 4, backend: Backend = memoryBackend()): { store: StreamStore; backend: Backend } {
  const host = new VirtualHost()
  return { backend, store: new StreamStore(backend, { blockSize, inMemoryThreshold: 4 * blockSize, host }) }
}

/** Asserts that nothing was ever stored here. */
async function expectNothing(backend: Backend): Promise<void> {
  const contents = await inspectStore(backend)
  expect(contents.problems).toEqual([])
  expect(contents.counts).toEqual({ v: 1 })
  expect(contents.objects).toBe(0)
}

describe('StreamStore.sink', () => {
  it('refuses wrong options at once, including an empty digest', () => {
    const { store } = makeStore()
    const sink = store.sink.bind(store) as (options: object) => unknown
    for (const value of ['', 0, null, Number.NaN]) {
      expect(() => sink({ digest: value })).toThrow(TypeError)
      expect(() => sink({ reference: value })).toThrow(TypeError)
      expect(() => sink({ onCommit: value })).toThrow(TypeError)
      expect(() => sink({ owner: value })).toThrow(TypeError)
      expect(() => sink({ expires: value })).toThrow(TypeError)
    }
    expect(() => new StreamStore({} as Backend)).toThrow(TypeError)
  })

  it.each([1, 2, 3, 7, 15, 100, 10_000])('cuts chunks of %i bytes into the same blocks', async (chunkSize) => {
    const { store, backend } = makeStore(16)
    const bytes = pattern(1000)
    const sink = store.sink()
    const writer = sink.getWriter()
    const buffer = new Uint8Array(chunkSize + 2)
    for (let offset = 0; offset < bytes.byteLength; offset += chunkSize) {
      const piece = bytes.subarray(offset, offset + chunkSize)
      buffer.set(piece, 1)
      await writer.write(buffer.subarray(1, 1 + piece.byteLength))
      // The caller may reuse the chunk now.
      buffer.fill(255)
    }
    await writer.close()
    expect(await collect((await sink.stored).stream())).toEqual(bytes)
    expect((await inspectStore(backend)).objects).toBe(63)
  })

  it('accepts views of every kind and ArrayBuffers', async () => {
    const { store } = makeStore()
    const sink = store.sink()
    const writer = sink.getWriter()
    const bytes = pattern(12)
    for (const chunk of [
      bytes.buffer.slice(0, 4),
      new DataView(bytes.buffer, 4, 2),
      new Uint16Array(bytes.buffer, 6, 3),
    ]) {
      await writer.write(chunk as unknown as Uint8Array)
    }
    await writer.close()
    expect(await collect((await sink.stored).stream())).toEqual(bytes)
  })

  it('refuses a chunk that is not bytes, and leaves nothing behind', async () => {
    const { store, backend } = makeStore(1)
    const sink = store.sink()
    const writer = sink.getWriter()
    await writer.write(pattern(20))
    await expect(writer.write('text' as unknown as Uint8Array)).rejects.toThrow(TypeError)
    await expect(sink.stored).rejects.toThrow(TypeError)
    await expectNothing(backend)
  })

  it('stores streams in blocks that are larger than its first allocation', async () => {
    const { store } = makeStore(100_000)
    for (const length of [65_535, 65_536, 65_537, 99_999, 100_000, 100_001, 250_000]) {
      const bytes = pattern(length)
      const sink = store.sink()
      const writer = sink.getWriter()
      for (let offset = 0; offset < length; offset += 30_011)
        await writer.write(bytes.subarray(offset, offset + 30_011))
      await writer.close()
      expect(await collect((await sink.stored).stream())).toEqual(bytes)
    }
  })

  it('stores streams with several pages of blocks', async () => {
    const { store } = makeStore(1)
    for (const length of [511, 512, 513, 1300]) {
      const bytes = pattern(length)
      const stored = await put(store, bytes)
      expect(await collect(stored.stream())).toEqual(bytes)
      expect(await collect(stored.slice(505, 520).stream())).toEqual(bytes.slice(505, 520))
    }
  })

  it('holds at most eight blocks, then writes wait until one of them is stored', async () => {
    const gate = new Gate()
    const { store } = makeStore(1, watched(memoryBackend(), { put: () => gate.pass() }))
    const sink = store.sink()
    const writer = sink.getWriter()
    let written = 0
    const writing = (async () => {
      for (const byte of pattern(20)) {
        await writer.write(new Uint8Array([byte]))
        written++
      }
    })()
    await expect.poll(() => gate.arrived).toBe(8)
    await settle()
    expect(written).toBe(8)
    expect(gate.arrived).toBe(8)
    gate.open()
    await writing
    await writer.close()
    expect(await collect((await sink.stored).stream())).toEqual(pattern(20))
    expect(gate.arrived).toBe(20)
  })

  it('fails with a put that fails while a write waits for memory', async () => {
    let puts = 0
    const failure = new BackendError('the disk is gone', { retryable: false })
    const backend = watched(memoryBackend(), {
      put() {
        if (++puts > 4) throw failure
      },
    })
    const { store } = makeStore(1, backend)
    expect(await rejection(put(store, pattern(20)))).toBe(failure)
  })

  it('puts an object only after its intent is committed', async () => {
    const memory = memoryBackend()
    const intended: boolean[] = []
    const { store } = makeStore(
      1,
      watched(memory, {
        async put(name) {
          intended.push((await memory.metadata.get(keys.intent(fromHex(name.slice(2))!))) !== undefined)
        },
      }),
    )
    await put(store, pattern(30))
    expect(intended).toEqual(Array.from({ length: 30 }, () => true))
  })

  it('writes no object for a short stream that the store already has', async () => {
    let puts = 0
    const { store } = makeStore(4, watched(memoryBackend(), { put: () => puts++ }))
    const first = await put(store, pattern(10))
    expect(puts).toBe(3)
    expect((await put(store, pattern(10))).id).toBe(first.id)
    expect(puts).toBe(3)
  })

  it('puts a block again, under another name, when the engine is busy', async () => {
    const names: string[] = []
    const memory = memoryBackend()
    const backend = watched(memory, {
      put(name) {
        names.push(name)
        if (names.length % 3 === 1) throw new BackendError('busy', { retryable: true })
      },
    })
    const { store } = makeStore(1, backend)
    const stored = await put(store, pattern(20), { reference: text('r') })
    expect(await collect(stored.stream())).toEqual(pattern(20))
    expect(new Set(names).size).toBe(names.length)
    const contents = await inspectStore(memory)
    expect(contents.problems).toEqual([])
    expect(contents.counts).toEqual({ v: 1, s: 1, m: 1, h: 1, r: 1 })
    expect(contents.objects).toBe(20)
  })

  it('verifies a given digest', async () => {
    const { store, backend } = makeStore()
    const right = new Uint8Array(await crypto.subtle.digest('SHA-256', pattern(30)))
    const wrong = right.slice()
    wrong[0]! ^= 1
    await expect(put(store, pattern(30), { digest: wrong, reference: text('r') })).rejects.toMatchObject({
      name: 'IntegrityError',
      expected: expect.stringMatching(/^[0-9a-f]{64}$/),
      actual: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    await expectNothing(backend)
    expect((await put(store, pattern(30), { digest: right })).digest).toEqual(right)
  })

  it('leaves nothing behind when its source fails, and passes the error on', async () => {
    const { store, backend } = makeStore(1)
    const failure = new Error('the source fails')
    let pulls = 0
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ < 20) controller.enqueue(new Uint8Array([pulls]))
        else controller.error(failure)
      },
    })
    const sink = store.sink({ reference: text('r') })
    await expect(source.pipeTo(sink)).rejects.toBe(failure)
    await expect(sink.stored).rejects.toBe(failure)
    await expectNothing(backend)
  })

  it('cancels its source when it fails', async () => {
    const failure = new BackendError('broken', { retryable: false })
    const memory = memoryBackend()
    const { store } = makeStore(
      1,
      watched(memory, {
        put() {
          throw failure
        },
      }),
    )
    const cancel = vi.fn<(reason: unknown) => void>()
    const source = new ReadableStream<Uint8Array>({ pull: (each) => each.enqueue(new Uint8Array([1])), cancel })
    const sink = store.sink()
    await expect(source.pipeTo(sink)).rejects.toBe(failure)
    await expect(sink.stored).rejects.toBe(failure)
    expect(cancel).toHaveBeenCalledOnce()
    await expectNothing(memory)
  })

  it('acts on an abort at once, while a write is held', async () => {
    const gate = new Gate()
    const memory = memoryBackend()
    const { store } = makeStore(1, watched(memory, { put: () => gate.pass() }))
    const sink = store.sink({ reference: text('r') })
    const writer = sink.getWriter()
    const held = writer.write(pattern(20))
    const outcome = Promise.allSettled([held])
    await expect.poll(() => gate.arrived).toBe(8)
    await settle()
    expect(gate.arrived).toBe(8)
    const reason = new Error('enough')
    const aborted = writer.abort(reason)
    expect(await outcome).toEqual([{ status: 'rejected', reason }])
    gate.open()
    await aborted
    await expect(sink.stored).rejects.toBe(reason)
    await expectNothing(memory)
  })

  it('acts on its signal at once, before it begins, between writes, and while one is held', async () => {
    for (const when of ['before', 'between', 'held']) {
      const gate = new Gate()
      const memory = memoryBackend()
      const { store } = makeStore(1, watched(memory, { put: () => gate.pass() }))
      const controller = new AbortController()
      const reason = new Error(when)
      if (when === 'before') controller.abort(reason)
      const sink = store.sink({ signal: controller.signal })
      const writer = sink.getWriter()
      const written = writer.write(pattern(when === 'held' ? 20 : 6))
      const outcome = Promise.allSettled([written])
      await settle()
      controller.abort(reason)
      if (when !== 'between') expect((await outcome)[0]).toEqual({ status: 'rejected', reason })
      await expect(writer.closed).rejects.toBe(reason)
      gate.open()
      await expect(sink.stored).rejects.toBe(reason)
      const { counts, objects } = await inspectStore(memory)
      expect(Object.keys(counts).filter((kind) => kind !== 'v')).toEqual([])
      expect(objects).toBe(0)
    }
  })

  it('commits anyway when it is aborted during its commit', async () => {
    const gate = new Gate()
    const memory = memoryBackend()
    let commits = 0
    // The first commit writes the version, the second the stream with its intents. The third is the last.
    const { store } = makeStore(4, watched(memory, { commit: () => (++commits === 3 ? gate.pass() : undefined) }))
    const controller = new AbortController()
    const sink = store.sink({ reference: text('r'), signal: controller.signal })
    const writer = sink.getWriter()
    await writer.write(pattern(10))
    const closed = writer.close()
    await expect.poll(() => gate.arrived).toBe(1)
    await settle()
    expect(gate.arrived).toBe(1)
    controller.abort(new Error('too late'))
    await settle()
    gate.open()
    await closed
    expect((await sink.stored).size).toBe(10)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, s: 1, m: 1, h: 1, r: 1 })
  })

  it('fails with the reason of an abort during a commit that was refused', async () => {
    const gate = new Gate()
    const memory = memoryBackend()
    let commits = 0
    const { store } = makeStore(4, watched(memory, { commit: () => (++commits === 3 ? gate.pass() : undefined) }))
    const controller = new AbortController()
    let prepared = 0
    const sink = store.sink({
      reference: text('r'),
      signal: controller.signal,
      async onCommit(tx) {
        prepared++
        await tx.get(text('count'))
      },
    })
    const writer = sink.getWriter()
    await writer.write(pattern(10))
    const closed = Promise.allSettled([writer.close()])
    await expect.poll(() => gate.arrived).toBe(1)
    await settle()
    expect(gate.arrived).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    // A row that the commit depends on changes, so the commit is refused.
    const key = keys.user(text('count'))
    await memory.metadata.commit([], [{ key, value: text('1') }])
    gate.open()
    expect(await closed).toEqual([{ status: 'rejected', reason }])
    await expect(sink.stored).rejects.toBe(reason)
    expect(prepared).toBe(1)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1 })
  })

  it.each([undefined, text('r')])(
    'does not revive a stream that is deleted while it is about to do so (%s)',
    async (reference) => {
      const memory = memoryBackend()
      const { store } = makeStore(4, memory)
      const bytes = pattern(10)
      const { id, digest } = await put(store, bytes)
      const key = keys.stream(fromHex(id)!)
      const record = parseStream((await memory.metadata.get(key))!.value)
      const set = (status: StreamStatus): Promise<unknown> =>
        memory.metadata.commit([], [{ key, value: formatStream({ ...record, status }) }])
      await set({ kind: 'condemned', former: 'stored' })
      let prepared = 0
      const again = await put(store, bytes, {
        reference,
        async onCommit() {
          if (prepared++ > 0) return
          await set({ kind: 'deleting', reason: 'collected' })
          await memory.metadata.commit([], [{ key: keys.digest(digest), value: undefined }])
        },
      })
      expect(prepared).toBe(2)
      expect(again.id).not.toBe(id)
      expect(await collect(again.stream())).toEqual(bytes)
      expect(parseStream((await memory.metadata.get(key))!.value).status.kind).toBe('deleting')
      expect((await inspectStore(memory)).problems).toEqual([])
    },
  )

  it('fails with what onCommit throws, and leaves nothing behind', async () => {
    const { store, backend } = makeStore(1)
    const failure = new Error('not like this')
    const onCommit = (): never => {
      throw failure
    }
    for (const length of [0, 3, 20]) {
      await expect(put(store, pattern(length), { reference: text('r'), onCommit })).rejects.toBe(failure)
    }
    await expectNothing(backend)
  })

  it('adds the changes of onCommit to its own commit once, however often it retries', async () => {
    const memory = memoryBackend()
    const { store } = makeStore(4, memory)
    let calls = 0
    const stored = await put(store, pattern(10), {
      reference: text('r'),
      async onCommit(tx, { id, size }) {
        const count = (await tx.get(text('count')))?.[0] ?? 0
        // Another transaction changes the row that this depends on, twice.
        if (calls++ < 2)
          await store.transaction(async (other) => other.set(text('count'), new Uint8Array([10 * calls])))
        tx.set(text('count'), new Uint8Array([count + 1]))
        await tx.markAsUsed(id, text('mine'))
        expect((await tx.open(id)).size).toBe(size)
      },
    })
    expect(calls).toBe(3)
    expect((await inspectStore(memory)).references).toEqual([`${stored.id}/mine`, `${stored.id}/r`])
    expect(await store.transaction((tx) => tx.get(text('count')))).toEqual(new Uint8Array([21]))
  })

  it('sets its reference after the changes of onCommit', async () => {
    const { store, backend } = makeStore()
    const first = await put(store, pattern(10), { reference: text('r') })
    await put(store, pattern(10), { reference: text('r'), onCommit: (tx, { id }) => tx.unmarkAsUsed(id, text('r')) })
    expect((await inspectStore(backend)).references).toEqual([`${first.id}/r`])
  })

  it('fails, and can be repeated, when collection has condemned the upload', async () => {
    const memory = memoryBackend()
    const { store } = makeStore(1, memory)
    const sink = store.sink({ reference: text('r') })
    const writer = sink.getWriter()
    await writer.write(pattern(8))
    await settle()
    const [row] = await memory.metadata.list({ prefix: keys.stream(new Uint8Array(0)), limit: 1 })
    const condemned = formatStream({ ...parseStream(row!.value), status: { kind: 'condemned', former: 'storing' } })
    await memory.metadata.commit([], [{ key: row!.key, value: condemned }])
    const failure = { name: 'BackendError', retryable: true }
    await expect(writer.write(pattern(20)).then(() => writer.close())).rejects.toMatchObject(failure)
    await expect(sink.stored).rejects.toMatchObject(failure)
    await expectNothing(memory)
    expect((await put(store, pattern(28), { reference: text('r') })).size).toBe(28)
  })

  it('removes the pages of the page set that its row names when a collection was faster', async () => {
    const memory = memoryBackend()
    const { store } = makeStore(1, memory)
    const writer = store.sink().getWriter()
    await writer.write(pattern(12))
    await settle()
    const [row] = await memory.metadata.list({ prefix: keys.stream(new Uint8Array(0)), limit: 1 })
    const id = toHex(row!.key.slice(3))
    await movePages(memory, id, pattern(16), { status: { kind: 'deleting', reason: 'collected' } })
    await expect(writer.write(pattern(20))).rejects.toMatchObject({ name: 'BackendError', retryable: true })
    await expectNothing(memory)
  })

  it('restores a condemned stream with its digest', async () => {
    const memory = memoryBackend()
    const { store } = makeStore(4, memory)
    const { id } = await put(store, pattern(10))
    const key = keys.stream(fromHex(id)!)
    const record = parseStream((await memory.metadata.get(key))!.value)
    const value = formatStream({ ...record, status: { kind: 'condemned', former: 'stored' } })
    await memory.metadata.commit([], [{ key, value }])
    expect((await put(store, pattern(10))).id).toBe(id)
    expect(parseStream((await memory.metadata.get(key))!.value).status).toEqual({ kind: 'stored' })
  })

  it('separates references of any bytes, up to 32 KiB, by their owner', async () => {
    const { store, backend } = makeStore()
    const long = pattern(32 * 1024)
    const expires = new Date(2_000_000_000_000)
    const { id } = await put(store, pattern(10), { reference: long, owner: 'pin', expires })
    await put(store, pattern(10), { reference: new Uint8Array(0) })
    await put(store, pattern(10), { reference: new Uint8Array(0), owner: 'alias' })
    await put(store, pattern(10), { reference: pattern(1024) })
    const prefix = keys.reference(fromHex(id)!, 'pin', 'hashed', new Uint8Array(0))
    const [row] = await backend.metadata.list({ prefix, limit: 1 })
    expect(parseReference(row!.value)).toMatchObject({ reference: long, expiresAt: 2_000_000_000_000 })
    expect((await inspectStore(backend)).counts['r']).toBe(4)
    expect(() => store.sink({ reference: new Uint8Array(32 * 1024 + 1) })).toThrow(RangeError)
    expect(() => store.sink({ reference: 'r' as unknown as Uint8Array })).toThrow(TypeError)
    expect(() => store.sink({ digest: new Uint8Array(31) })).toThrow(TypeError)
    expect(() => store.sink({ reference: long, expires: new Date(Number.NaN) })).toThrow(RangeError)
  })
})
