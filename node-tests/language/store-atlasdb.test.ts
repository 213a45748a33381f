// The behaviour of AtlasDB's stream store, and what its users asked for. Each test is named after a sentence in its
// documentation, or after a problem that its users had.
import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore, type StreamStoreOptions, type Transaction } from '../../src/store.ts'
import { parseStream } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, put, settle, type Spy, text, watched } from '../support/store-tools.ts'
import { chunked, randomBytes } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')

interface Made {
  readonly memory: Backend
  readonly host: VirtualHost
  readonly store: StreamStore
}

/** A store with blocks of 4 bytes. */
function makeStore(options: StreamStoreOptions = {}, spy: Spy = {}): Made {
  const memory = memoryBackend()
  const host = new VirtualHost()
  return { memory, host, store: new StreamStore(watched(memory, spy), { blockSize: 4, host, ...options }) }
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** Marks a stream as used. */
function mark(store: StreamStore, id: string, reference = 'r'): Promise<void> {
  return store.transaction((tx) => tx.markAsUsed(id, text(reference)))
}

/** Removes a reference. */
function unmark(store: StreamStore, id: string, reference = 'r'): Promise<void> {
  return store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
}

describe('metadata, values, hash index and reference index', () => {
  it('A value is blocks of 1,000,000 bytes, the last one shorter', async () => {
    const memory = memoryBackend()
    await put(new StreamStore(memory), pattern(2_500_000))
    const sizes = (await memory.blocks.list({ prefix: '', limit: 10 })).map(({ size }) => size)
    expect(sizes.toSorted((a, b) => b - a)).toEqual([1_000_000, 1_000_000, 500_000])
  })

  it('The metadata has status, length and hash', async () => {
    const { memory, store } = makeStore()
    const { id } = await put(store, pattern(10))
    const record = parseStream((await memory.metadata.get(keys.stream(fromHex(id)!)))!.value)
    expect(record).toMatchObject({ status: { kind: 'stored' }, size: 10, digest: await digestOf(pattern(10)) })
  })

  it('The reference index is a set of opaque bytes per stream, not a counter', async () => {
    const { memory, store } = makeStore()
    const { id } = await put(store, pattern(10))
    const [zero, any] = [new Uint8Array(3), Uint8Array.from({ length: 256 }, (_, i) => i)]
    for (const reference of [zero, any, zero, any, zero]) {
      await store.transaction((tx) => tx.markAsUsed(id, reference))
    }
    expect((await inspectStore(memory)).references).toHaveLength(2)
    await store.transaction((tx) => tx.unmarkAsUsed(id, zero))
    expect((await inspectStore(memory)).references).toHaveLength(1)
    await store.transaction((tx) => tx.unmarkAsUsed(id, any))
    expect((await inspectStore(memory)).references).toEqual([])
  })

  it('lookupStreamIdsByHash', async () => {
    const { store } = makeStore()
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => put(store, pattern(i))))
    const digests = all.map((stored) => stored.digest)
    const none = new Uint8Array(32)
    expect(await store.lookup([none, ...digests, none])).toEqual([undefined, ...all.map(({ id }) => id), undefined])
    expect(await store.lookup([])).toEqual([])
    await expect(store.lookup([new Uint8Array(31)])).rejects.toThrow(TypeError)
  })
})

describe('storeStream', () => {
  it('runs outside the caller’s transaction, in small transactions, each with a few blocks', async () => {
    const commits: number[] = []
    const memory = memoryBackend()
    const { metadata } = memory
    const backend: Backend = {
      ...memory,
      metadata: {
        ...metadata,
        commit(checks, mutations, options) {
          commits.push(mutations.filter(({ key }) => key[1] === 'i'.charCodeAt(0)).length)
          return metadata.commit(checks, mutations, options)
        },
      },
    }
    const store = new StreamStore(backend, { blockSize: 4 })
    await store.transaction(async (tx) => {
      tx.set(text('a'), text('1'))
      const { id } = await put(store, pattern(200))
      // It is stored although the transaction has not committed.
      expect((await inspectStore(memory)).counts).toMatchObject({ s: 1 })
      expect((await inspectStore(memory)).rows.size).toBe(0)
      await tx.markAsUsed(id, text('r'))
    })
    expect(commits.length).toBeGreaterThan(7)
    expect(Math.max(...commits)).toBeLessThanOrEqual(16)
  })

  it('Nothing references the result: the caller marks it as used, and retries if it was collected in between', async () => {
    const { memory, store } = makeStore({ leaseMs: 0 })
    const first = await put(store, pattern(10))
    expect((await inspectStore(memory)).references).toEqual([])
    await store.collectGarbage({ graceMs: 0 })
    await expect(mark(store, first.id)).rejects.toMatchObject({ name: 'NotFoundError', streamId: first.id })
    const second = await put(store, pattern(10))
    expect(second.id).not.toBe(first.id)
    await mark(store, second.id)
    await store.collectGarbage({ graceMs: 0 })
    expect(await collect((await store.open(second.id)).stream())).toEqual(pattern(10))
  })
})

describe('getByHashOrStoreStreamAndMarkAsUsed', () => {
  const bytes = pattern(30)

  it('A hit marks the existing stream, and does not touch the source; a miss stores', async () => {
    const { store, memory } = makeStore()
    const digest = await digestOf(bytes)
    const source = vi.fn<() => Blob>(() => new Blob([bytes]))
    const get = (reference: string): Promise<string> =>
      store.transaction(async (tx) => (await tx.getByDigestOrStore(digest, source, text(reference))).id)
    const first = await get('1')
    expect(source).toHaveBeenCalledOnce()
    expect(await get('2')).toBe(first)
    expect(source).toHaveBeenCalledOnce()
    expect((await inspectStore(memory)).references).toEqual([`${first}/1`, `${first}/2`])
    expect(await collect((await store.open(first)).stream())).toEqual(bytes)
  })

  it('A miss verifies that the bytes have that hash; otherwise nothing is stored or referenced', async () => {
    const { store, memory } = makeStore()
    const digest = await digestOf(bytes)
    const get = (source: Parameters<Transaction['getByDigestOrStore']>[1]): Promise<unknown> =>
      store.transaction((tx) => tx.getByDigestOrStore(digest, source, text('r')))
    await expect(get(new Blob([pattern(29)]))).rejects.toMatchObject({ name: 'IntegrityError' })
    const locked = new Blob([bytes]).stream()
    locked.getReader()
    await expect(get(() => locked)).rejects.toThrow(TypeError)
    const failure = new Error('cannot be read')
    await expect(get(() => new ReadableStream({ pull: (each) => each.error(failure) }))).rejects.toBe(failure)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1 })
    await expect(
      store.transaction((tx) => tx.getByDigestOrStore(new Uint8Array(3), new Blob(), text('r'))),
    ).rejects.toThrow(TypeError)
  })

  it('Several streams at once, with the rows of the user, are one transaction', async () => {
    const { store, memory } = makeStore()
    const contents = [pattern(30), pattern(7), randomBytes(20)]
    const digests = await Promise.all(contents.map(digestOf))
    await put(store, contents[1]!)
    const failure = new Error('not yet')
    const run = (fail: boolean): Promise<string[]> =>
      store.transaction(async (tx) => {
        const all = await Promise.all(
          digests.map((digest, i) => tx.getByDigestOrStore(digest, new Blob([contents[i]!]), text('r'))),
        )
        for (const { id } of all) tx.set(fromHex(id)!, text('known'))
        if (fail) throw failure
        return all.map(({ id }) => id)
      })
    await expect(run(true)).rejects.toBe(failure)
    expect(await inspectStore(memory)).toMatchObject({ references: [], rows: new Map() })
    const ids = await run(false)
    const { references, rows, stored } = await inspectStore(memory)
    expect(references).toEqual(ids.map((id) => `${id}/r`).toSorted())
    expect([rows.size, stored.size]).toEqual([3, 3])
    const streams = await store.transaction((tx) => Promise.all(ids.map((id) => tx.open(id))))
    expect(await Promise.all(streams.map((each) => collect(each.stream())))).toEqual(contents)
  })

  it('The whole function runs again on a conflict, and streams that a failed attempt opened are cancelled', async () => {
    const { store } = makeStore({ inMemoryThreshold: 4 })
    const { id } = await put(store, pattern(20))
    let first: ReadableStreamDefaultReader<Uint8Array> | undefined
    const reader = await store.transaction(async (tx) => {
      await tx.get(text('a'))
      const stream = (await tx.open(id)).stream().getReader()
      await stream.read()
      if (!first) {
        first = stream
        await store.transaction(async (other) => other.set(text('a'), text('x')))
      }
      tx.set(text('b'), text('x'))
      return stream
    })
    await expect(first!.read()).rejects.toMatchObject({ name: 'ConflictError' })
    expect((await reader.read()).value).toEqual(pattern(8).slice(4))
  })
})

describe('markStreamAsUsed and unmarkStreamAsUsed', () => {
  it('Both are idempotent per stream and reference, and the last one within a transaction counts', async () => {
    const { store, memory } = makeStore()
    const { id } = await put(store, pattern(10))
    const add = (tx: Transaction): Promise<void> => tx.markAsUsed(id, text('r'))
    const remove = (tx: Transaction): Promise<void> => tx.unmarkAsUsed(id, text('r'))
    for (const [steps, expected] of [
      [[add], 1],
      [[add], 1],
      [[remove, add], 1],
      [[add, remove], 0],
      [[remove], 0],
      [[remove, add, remove], 0],
      [[add, remove, add], 1],
      [[remove], 0],
    ] as const) {
      await store.transaction(async (tx) => {
        for (const step of steps) await step(tx)
      })
      expect((await inspectStore(memory)).references).toHaveLength(expected)
    }
  })

  it('The last reference gone, a cleanup task deletes blocks, index and metadata later', async () => {
    const { memory, store, host } = makeStore()
    const { id, digest } = await put(store, pattern(10), { reference: text('1') })
    await mark(store, id, '2')
    for (const reference of ['1', '2']) {
      await store.collectGarbage()
      expect(await store.lookup([digest])).toEqual([id])
      await unmark(store, id, reference)
    }
    expect(await store.lookup([digest])).toEqual([id])
    await store.collectGarbage({ graceMs: 1000 })
    expect(await store.lookup([digest])).toEqual([undefined])
    expect((await inspectStore(memory)).objects).toBe(3)
    host.advance(1000)
    await store.collectGarbage({ graceMs: 1000 })
    expect(await inspectStore(memory)).toMatchObject({ counts: { v: 1 }, objects: 0 })
  })

  it('A reference with an expiry keeps the stream until then, and marking again renews it', async () => {
    const { store, host } = makeStore({ leaseMs: 0 })
    const { id } = await put(store, pattern(10), { reference: text('r') })
    const markUntil = (ms: number): Promise<void> =>
      store.transaction((tx) => tx.markAsUsed(id, text('r'), { expires: new Date(host.now() + ms) }))
    await markUntil(1000)
    host.advance(900)
    await markUntil(1000)
    host.advance(900)
    await store.collectGarbage({ graceMs: 0 })
    expect((await store.open(id)).size).toBe(10)
    host.advance(100)
    await store.collectGarbage({ graceMs: 0 })
    await expect(store.open(id)).rejects.toMatchObject({ name: 'NotFoundError' })
  })
})

describe('loadStream', () => {
  it('Max(1, floor(inMemoryThreshold / blockSize)) blocks are preloaded in the transaction, the rest comes later', async () => {
    let fetched = 0
    const { store } = makeStore({ inMemoryThreshold: 13 }, { read: () => fetched++ })
    const bytes = pattern(20)
    const { id } = await put(store, bytes)
    const stored = await store.transaction(async (tx) => {
      const opened = await tx.open(id)
      expect(fetched).toBe(3)
      return opened
    })
    expect(await collect(stored.slice(0, 12).stream())).toEqual(bytes.slice(0, 12))
    expect(fetched).toBe(3)
    // The preloaded blocks are handed out only once.
    expect(await collect(stored.stream())).toEqual(bytes)
    expect(fetched).toBe(3 + 5)
    const short = await put(store, pattern(8))
    const whole = await store.transaction((tx) => tx.open(short.id))
    expect(fetched).toBe(8 + 2)
    expect(await collect(whole.stream())).toEqual(pattern(8))
    expect(fetched).toBe(8 + 2)
  })

  it('A stream whose key was remapped meanwhile completes with the old bytes; rereading the mapping shows the change', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory, { blockSize: 4, inMemoryThreshold: 8, leaseMs: 0 })
    const [key, reference] = [pattern(3), pattern(5)]
    const [old, next] = [pattern(40), randomBytes(40)]
    const map = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
      const { id } = await put(store, bytes)
      await store.transaction(async (tx) => {
        const former = await tx.get(key)
        if (former) await tx.unmarkAsUsed(toHex(former), reference)
        await tx.markAsUsed(id, reference)
        tx.set(key, fromHex(id)!)
      })
      return id
    }
    const first = await map(old)
    const stored = await store.transaction(async (tx) => tx.open(toHex((await tx.get(key))!)))
    const reader = stored.stream().getReader()
    const chunks = [(await reader.read()).value!]
    const second = await map(next)
    await store.collectGarbage()
    await expect(store.open(first)).rejects.toMatchObject({ name: 'NotFoundError' })
    for (let result = await reader.read(); !result.done; result = await reader.read()) chunks.push(result.value)
    expect(Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))).toEqual(old)
    // Rereading the mapping afterwards shows the change.
    const mapped = await store.transaction((tx) => tx.get(key))
    expect(toHex(mapped!)).toBe(second)
  })

  it('loadStreams: any number of streams, or parts of one, can be read at the same time', async () => {
    const { store } = makeStore()
    const { id } = await put(store, pattern(40))
    const stored = await store.open(id)
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => collect(stored.slice(i, 40 - i).stream())))
    for (const [i, bytes] of all.entries()) expect(bytes).toEqual(pattern(40).slice(i, 40 - i))
  })

  it('A stream can be loaded whole, as a Blob', async () => {
    const { store } = makeStore()
    const { id } = await put(store, pattern(40))
    const stored = await store.open(id)
    const blob = await stored.blob({ type: 'image/png' })
    expect([blob.type, blob.size]).toEqual(['image/png', 40])
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(pattern(40))
    const part = await stored.slice(5, 35).slice(1, -1).blob()
    expect(part.type).toBe('')
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(pattern(40).slice(6, 34))
    await expect(stored.blob({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('problems that users of AtlasDB’s store had', () => {
  it('There are no range reads: here any range fetches only its own blocks', async () => {
    let fetched = 0
    const { store } = makeStore({}, { read: () => fetched++ })
    const bytes = pattern(23)
    const stored = await put(store, bytes)
    for (let start = 0; start <= 23; start++) {
      for (let end = start; end <= 23; end++) {
        fetched = 0
        expect(await collect(stored.slice(start, end).stream())).toEqual(bytes.slice(start, end))
        expect(fetched).toBe(end > start ? Math.ceil(end / 4) - Math.floor(start / 4) : 0)
      }
    }
  })

  it('A source read twice is silently empty: here it is consumed at most once, by whichever attempt', async () => {
    const { store } = makeStore()
    const bytes = pattern(30)
    const digest = await digestOf(bytes)
    const source = vi.fn<() => ReadableStream<Uint8Array>>(() => bytesSource(bytes).stream())
    let runs = 0
    const stored = await store.transaction(async (tx) => {
      await tx.get(text('a'))
      const got = await tx.getByDigestOrStore(digest, source, text('r'))
      if (runs++ < 2) await store.transaction(async (other) => other.set(text('a'), pattern(runs)))
      return got
    })
    expect([runs, source.mock.calls.length]).toEqual([3, 1])
    expect(await collect(stored.stream())).toEqual(bytes)
  })

  it('FAILED is never written: here an upload that fails leaves no row and no object', async () => {
    const { store, memory } = makeStore()
    const failure = new Error('the source failed')
    let pulls = 0
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => (pulls++ < 10 ? controller.enqueue(pattern(10)) : controller.error(failure)),
    })
    const sink = store.sink({ reference: text('r') })
    await expect(source.pipeTo(sink)).rejects.toBe(failure)
    await expect(sink.stored).rejects.toBe(failure)
    expect(await inspectStore(memory)).toMatchObject({ counts: { v: 1 }, objects: 0 })
  })

  it('A live upload longer than the timeout can be collected: here each block renews its lease', async () => {
    const { memory, store, host } = makeStore({ leaseMs: 1000 })
    const sink = store.sink()
    const writer = sink.getWriter()
    for (let i = 0; i < 10; i++) {
      await writer.write(pattern(16))
      await settle()
      host.advance(900)
      await store.collectGarbage({ graceMs: 0 })
      expect((await inspectStore(memory)).counts['i']).toBeLessThanOrEqual(16)
    }
    await writer.close()
    expect((await sink.stored).size).toBe(160)
  })

  it('Reused buffers corrupt data: here a chunk may be overwritten once its write has resolved', async () => {
    const { store } = makeStore()
    const bytes = pattern(1000)
    for (const size of [1, 3, 4, 7, 100]) {
      const sink = store.sink()
      await chunked(bytes, size).pipeTo(sink)
      const stored = await collect((await sink.stored).stream())
      expect(equalBytes(stored, bytes)).toBe(true)
    }
  })

  it('Collecting streams that are stored but not marked loses some: here a mark at any moment wins or is refused', async () => {
    for (let step = 1; ; step++) {
      let steps = 0
      let outcome: Promise<string> | undefined
      let id = ''
      const spy: Spy = {
        async commit() {
          if (++steps === step) {
            const other = new StreamStore(memory)
            outcome = mark(other, id).then(
              () => 'marked',
              (error: Error) => error.name,
            )
            await outcome
          }
        },
      }
      const { memory } = makeStore()
      id = (await put(new StreamStore(memory, { leaseMs: 0, blockSize: 4 }), pattern(10))).id
      const store = new StreamStore(watched(memory, spy))
      await store.collectGarbage({ graceMs: 0 })
      await store.collectGarbage({ graceMs: 0 })
      const { stored, problems, counts } = await inspectStore(memory)
      expect(problems).toEqual([])
      if (!outcome) return expect(step).toBeGreaterThan(3)
      if ((await outcome) === 'marked') expect([...stored.keys()]).toEqual([id])
      else expect([await outcome, counts]).toEqual(['NotFoundError', { v: 1 }])
    }
  })
})
