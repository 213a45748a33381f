import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { concatBytes, equalBytes } from '../../src/bytes/byte-order.ts'
import { canMakeByteStreams } from '../../src/bytes/byte-stream.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, BackendError, type StoredStream, StreamStore } from '../../src/store.ts'
import { FREE_BYTES, ReadAheadBudget } from '../../src/store/reading/read-ahead-budget.ts'
import { storedStream } from '../../src/store/reading/stored-stream.ts'
import { formatPage, PAGE_ENTRIES, parsePage } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { readStream, type StoreContext } from '../../src/store/store-context.ts'
import { VersionRow } from '../../src/store/version-row.ts'
import { createDigest } from '../../src/store/checksums.ts'
import { StreamCache } from '../../src/store/reading/stream-cache.ts'
import { StreamIds } from '../../src/store/writing/stream-ids.ts'
import { Gate, movePages, pattern, put, settle, type Spy, watched } from '../support/store-tools.ts'
import { rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** Block size, larger than what a reader may always keep. */
const BLOCK = FREE_BYTES + 10_000

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>

interface Reading {
  readonly memory: Backend
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly budget: ReadAheadBudget
  readonly stored: StoredStream
}

/** Stores a stream of `blockCount` blocks, and opens it with a budget for `room` blocks. */
async function makeReading(blockCount: number, room: number, spy: Spy = {}): Promise<Reading> {
  const memory = memoryBackend()
  const bytes = pattern(blockCount * BLOCK)
  const { id } = await put(new StreamStore(memory, { blockSize: BLOCK }), bytes)
  const budget = new ReadAheadBudget(room * BLOCK)
  const [backend, keys, host] = [watched(memory, spy), new RowKeys(''), new VirtualHost()] as const
  const context: StoreContext = {
    backend,
    keys,
    streamIds: new StreamIds(host, false),
    cache: new StreamCache({ limit: 0, largest: 0, createHash: () => createDigest(backend) }),
    versionRow: new VersionRow({ backend, keys, host }),
    blockSize: BLOCK,
    inMemoryThreshold: 4 * BLOCK,
    readAhead: budget,
    leaseMs: 1000,
    codec: 0,
    temperature: undefined,
    writeBackoff: () => undefined,
    host,
    ready: () => Promise.resolve(),
    readyToWrite: () => Promise.resolve(),
    track: () => undefined,
  }
  const { record } = (await readStream(context, fromHex(id)!))!
  return { memory, bytes, budget, stored: storedStream(context, fromHex(id)!, record) }
}

/** Moves the pages of a stream to another page set, and one block to another object, which only the new page names. */
async function replacePage({ memory, stored }: Reading, blockIndex: number): Promise<void> {
  const keys = new RowKeys('')
  const page = parsePage((await memory.metadata.get(keys.page(fromHex(stored.id)!, 0)))!.value)
  const { object } = page.entries[blockIndex]!
  await memory.blocks.put(keys.object(pattern(16)), (await memory.blocks.get(keys.object(object)))!)
  await memory.blocks.delete(keys.object(object))
  await movePages(memory, stored.id, pattern(16))
  const entries = page.entries.with(blockIndex, { ...page.entries[blockIndex]!, object: pattern(16) })
  await memory.metadata.commit([], [{ key: keys.page(pattern(16), 0), value: formatPage({ ...page, entries }) }])
}

/** Reads one chunk, and returns its length. */
async function lengthOfNext(reader: Reader): Promise<number> {
  return (await reader.read()).value?.byteLength ?? 0
}

describe('the readers of a store', () => {
  it('hold no more than the budget and 64 KiB each, even if 1,000 of them have stalled', async () => {
    const { bytes, budget, stored } = await makeReading(3, 10)
    const readers = Array.from({ length: 1000 }, () => stored.stream().getReader())
    const lengths = await Promise.all(readers.map(lengthOfNext))
    await settle()
    expect(lengths.filter((length) => length === BLOCK)).toHaveLength(10)
    expect(lengths.filter((length) => length === FREE_BYTES)).toHaveLength(990)
    expect(budget.held).toBe(10 * BLOCK)
    for (const [i, reader] of readers.entries()) {
      if (i !== 500) await reader.cancel()
    }
    expect(budget.held).toBe(0)
    // Once there is room, the rest of the block arrives in one chunk.
    expect((await readers[500]!.read()).value).toEqual(bytes.slice(FREE_BYTES, BLOCK))
  })

  it('tell the engine the next two objects of their range and page, but not when they try again', async () => {
    const memory = memoryBackend()
    const { id } = await put(new StreamStore(memory, { blockSize: 20 }), pattern(20 * (PAGE_ENTRIES + 9)))
    const told: (readonly [name: string, next: readonly string[] | undefined])[] = []
    const backend: Backend = {
      ...memory,
      blocks: {
        ...memory.blocks,
        get(name, options) {
          told.push([name, options?.next])
          if (told.length === 1) return Promise.reject(new BackendError('busy', { retryable: true }))
          return memory.blocks.get(name, options)
        },
      },
    }
    const stored = await new StreamStore(backend, { inMemoryThreshold: 60, host: new VirtualHost() }).open(id)
    await collect(stored.slice(0, 20 * PAGE_ENTRIES + 45).stream())
    const [first, again, ...rest] = told
    expect(again).toEqual([first![0], undefined])
    const names = [first!, ...rest].map(([name]) => name)
    expect(names).toHaveLength(PAGE_ENTRIES + 3)
    const [page, last] = [names.slice(0, PAGE_ENTRIES), names.slice(PAGE_ENTRIES)]
    const expected = [page, last].flatMap((of) => of.map((name, i) => [name, of.slice(i + 1, i + 3)]))
    expect([first!, ...rest]).toEqual(expected)
  })

  it('get every byte while there is no room, in chunks of at most 64 KiB, fetching one block at a time and each once', async () => {
    let running = 0
    let most = 0
    let fetched = 0
    const spy: Spy = {
      async read() {
        fetched++
        most = Math.max(most, ++running)
        await settle()
        running--
      },
    }
    const { bytes, budget, stored } = await makeReading(3, 0, spy)
    const source = stored.slice(10, 3 * BLOCK - 10)
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        const lengths: number[] = []
        const got = await collect(
          source.stream().pipeThrough(
            new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
              transform(chunk, controller) {
                lengths.push(chunk.byteLength)
                controller.enqueue(chunk)
              },
            }),
          ),
        )
        expect(got).toEqual(bytes.slice(10, -10))
        expect(lengths).toEqual([FREE_BYTES, 9_990, FREE_BYTES, 10_000, FREE_BYTES, 9_990])
      }),
    )
    expect(most).toBe(1)
    // Each reader goes on at once, so the second chunk comes from the block that was fetched for the first.
    expect(fetched).toBe(3 * 3)
    expect(budget.held).toBe(0)
  })

  it('verify a block again before they return more of it, if another reader has taken its room', async () => {
    const { memory, bytes, stored } = await makeReading(1, 0)
    const reader = stored.stream().getReader()
    const other = stored.stream().getReader()
    expect(await lengthOfNext(reader)).toBe(FREE_BYTES)
    expect(await lengthOfNext(other)).toBe(FREE_BYTES)
    const { name } = (await memory.blocks.list({ prefix: '', limit: 1 }))[0]!
    await memory.blocks.delete(name)
    bytes[BLOCK - 1]! ^= 1
    await memory.blocks.put(name, bytes)
    await expect(reader.read()).rejects.toMatchObject({ name: 'IntegrityError', blockIndex: 0 })
    await other.cancel()
  })

  it('keep a block that is delivered in parts only as long as nobody else needs its room', async () => {
    let fetched = 0
    const { bytes, stored } = await makeReading(2, 0, { read: () => fetched++ })
    const readers = Array.from({ length: 20 }, () => stored.stream().getReader())
    // All stall within their first block: each has taken the room of the one before.
    for (const reader of readers) expect((await reader.read()).value).toEqual(bytes.slice(0, FREE_BYTES))
    expect(fetched).toBe(20)
    for (const reader of readers) expect((await reader.read()).value).toEqual(bytes.slice(FREE_BYTES, BLOCK))
    expect(fetched).toBe(20 + 20)
    for (const reader of readers.slice(1)) await reader.cancel()
    readers[0]!.releaseLock()
  })

  it('wait for the room in turn, and give up their turn when they are cancelled', async () => {
    const budget = new ReadAheadBudget(80)
    const { signal } = new AbortController()
    const first = await budget.pass(10, signal)
    const order: number[] = []
    const abort = new AbortController()
    const waiting = [1, 2, 3].map(async (place) => {
      const room = await budget.pass(10, place === 2 ? abort.signal : signal)
      order.push(place)
      return room
    })
    const reason = new Error('enough')
    abort.abort(reason)
    expect(await rejection(waiting[1]!)).toBe(reason)
    const block = new Uint8Array(10)
    first.keep(block, () => order.push(0))
    const second = await waiting[0]!
    expect(second.spare).toBe(block)
    expect(order).toEqual([0, 1])
    second.release()
    second.release()
    ;(await waiting[2]!).release()
    expect(order).toEqual([0, 1, 3])
  })

  it('drop blocks that they have fetched ahead when another reader needs the room, and fetch them again', async () => {
    let fetched = 0
    const { bytes, budget, stored } = await makeReading(8, 5, { read: () => fetched++ })
    const stalled = stored.stream()
    const reader = stalled.getReader()
    let offset = 0
    for (let i = 0; i < 3; i++) offset += await lengthOfNext(reader)
    await settle()
    expect([budget.held, fetched]).toEqual([4 * BLOCK, 6])
    const others = [1, 2, 3, 4].map(() => stored.stream().getReader())
    for (const other of others) expect(await lengthOfNext(other)).toBe(BLOCK)
    expect([budget.held, fetched]).toEqual([5 * BLOCK, 10])
    for (const other of others) await other.cancel()
    expect(budget.held).toBe(BLOCK)
    reader.releaseLock()
    expect(await collect(stalled)).toEqual(bytes.slice(offset))
    expect([budget.held, fetched]).toEqual([0, 10 + 5])
  })

  it('give up the room of blocks that have not arrived yet', async () => {
    const gate = new Gate()
    const spy: Spy = {}
    const { bytes, budget, stored } = await makeReading(8, 5, spy)
    const stalled = stored.stream()
    const reader = stalled.getReader()
    let offset = await lengthOfNext(reader)
    offset += await lengthOfNext(reader)
    spy.read = () => gate.pass()
    offset += await lengthOfNext(reader)
    const others = [1, 2].map(() => stored.stream().getReader())
    const pending = others.map(lengthOfNext)
    await settle()
    // The first of the others has one block of the budget. The second waits without a share of it.
    expect([budget.held, gate.arrived]).toEqual([5 * BLOCK, 5])
    budget.dropAll()
    gate.open()
    expect(await Promise.all(pending)).toEqual([BLOCK, FREE_BYTES])
    for (const other of others) await other.cancel()
    reader.releaseLock()
    expect(await collect(stalled)).toEqual(bytes.slice(offset))
    expect(budget.held).toBe(0)
  })

  it('are each asked for room at most once at a time', () => {
    const budget = new ReadAheadBudget(10)
    let asked = 0
    const share = budget.share(() => {
      if (++asked > 2) throw new Error('asked again')
      share.setDroppable(true)
    })
    share.take(10)
    share.setDroppable(true)
    expect(budget.share(() => undefined).claim(1)).toBe(false)
    expect(asked).toBe(1)
    budget.dropAll()
    expect(asked).toBe(2)
  })

  it('release what they held, however they end', async () => {
    const reason = new Error('enough')
    const broken = new BackendError('broken', { retryable: false })
    const endings: Record<string, (reading: Reading, reader: Reader, abort: AbortController) => Promise<unknown>> = {
      end: async (_, reader) => {
        while (!(await reader.read()).done);
      },
      cancel: (_, reader) => reader.cancel(reason),
      'cancel while a read waits': async (_, reader) => {
        for (let i = 0; i < 2; i++) await reader.read()
        const reading = reader.read()
        await reader.cancel(reason)
        return reading
      },
      abort: async (_, reader, abort) => {
        abort.abort(reason)
        expect(await rejection(reader.read())).toBe(reason)
      },
      error: async (_, reader) => {
        for (let i = 0; i < 4; i++) await reader.read()
        expect(await rejection(reader.read())).toBe(broken)
      },
      damage: async ({ memory }, reader) => {
        for (const { name } of await memory.blocks.list({ prefix: '', limit: 100 })) await memory.blocks.delete(name)
        expect(await rejection(reader.read().then(() => reader.read()))).toMatchObject({ name: 'IntegrityError' })
      },
      'moved pages': async ({ memory, stored }, reader) => {
        await movePages(memory, stored.id, pattern(16))
        while (!(await reader.read()).done);
      },
    }
    for (const [name, end] of Object.entries(endings)) {
      const held = new Gate()
      let fetched = 0
      const spy: Spy = {
        read() {
          fetched++
          if (name === 'error' && fetched > 5) throw broken
          return name === 'cancel while a read waits' && fetched > 3 && held.pass()
        },
      }
      const reading = await makeReading(8, 8, spy)
      const abort = new AbortController()
      const reader = reading.stored.stream({ signal: abort.signal }).getReader()
      await reader.read()
      await settle()
      expect(reading.budget.held).toBe(BLOCK)
      await end(reading, reader, abort)
      expect([name, reading.budget.held]).toEqual([name, 0])
      held.open()
      await settle()
      expect([name, reading.budget.held]).toEqual([name, 0])
    }
  })

  it('release the blocks of pages that were replaced while they were read', async () => {
    const reading = await makeReading(8, 8)
    const { bytes, budget, stored } = reading
    const reader = stored.stream().getReader()
    for (let i = 0; i < 3; i++) await reader.read()
    await settle()
    // By now, block 7 has been fetched from the old page.
    await replacePage(reading, 6)
    for (let i = 3; i < 6; i++) await reader.read()
    await expect.poll(() => budget.held).toBe(2 * BLOCK)
    await settle()
    expect(budget.held).toBe(2 * BLOCK)
    expect(equalBytes((await reader.read()).value!, bytes.subarray(6 * BLOCK, 7 * BLOCK))).toBe(true)
    await expect.poll(() => budget.held).toBe(BLOCK)
    await settle()
    expect(budget.held).toBe(BLOCK)
  })

  it('also drop blocks of new pages if a fetch from the old pages ends later', async () => {
    const spy: Spy = {}
    const reading = await makeReading(9, 5, spy)
    const { budget, stored } = reading
    const reader = stored.stream().getReader()
    for (let i = 0; i < 3; i++) await reader.read()
    await settle()
    await replacePage(reading, 6)
    await reader.read()
    await settle()
    const gate = new Gate()
    spy.read = () => gate.pass()
    // Block 7 is on its way from the old page.
    await reader.read()
    await expect.poll(() => gate.arrived).toBe(1)
    await settle()
    expect(gate.arrived).toBe(1)
    spy.read = () => undefined
    for (let i = 5; i < 8; i++) await reader.read()
    await settle()
    gate.open()
    await settle()
    expect(budget.held).toBe(2 * BLOCK)
    const others = [1, 2, 3, 4].map(() => stored.stream().getReader())
    for (const other of others) expect(await lengthOfNext(other)).toBe(BLOCK)
  })

  it('return the exact bytes and stay within the budget, whatever they do', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const host = new VirtualHost({ seed })
      const upTo = (limit: number): number => Math.floor(host.fraction() * limit)
      const room = upTo(6)
      const { bytes, budget, stored } = await makeReading(5, room)
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          const [a, b] = [upTo(bytes.byteLength + 1), upTo(bytes.byteLength + 1)]
          const [start, end] = [Math.min(a, b), Math.max(a, b)]
          const reader = stored.slice(start, end).stream().getReader()
          const stopAt = host.fraction() < 0.5 ? end : start + upTo(end - start)
          let offset = start
          for (;;) {
            for (let turns = upTo(3); turns > 0; turns--) await settle()
            const { done, value } = await reader.read()
            expect(budget.held).toBeLessThanOrEqual(room * BLOCK)
            if (done) break
            expect(equalBytes(value, bytes.subarray(offset, offset + value.byteLength))).toBe(true)
            offset += value.byteLength
            if (offset > stopAt) return reader.cancel()
          }
          expect(offset).toBe(end)
        }),
      )
      expect(budget.held).toBe(0)
    }
  })
})

describe('a reader that provides a buffer', () => {
  /** Wraps a backend: it returns blocks in the given memory, and may write to it long after a read has failed. */
  function reusing(memory: Backend, fail: () => boolean): { backend: Backend; reused: () => number } {
    let count = 0
    const backend: Backend = {
      ...memory,
      blocks: {
        ...memory.blocks,
        isImmediate: false,
        async get(name, { into } = {}) {
          const bytes = (await memory.blocks.get(name))!
          if (fail()) {
            void settle().then(() => into?.fill(0xee))
            throw new BackendError('busy', { retryable: true })
          }
          if (into?.byteLength !== bytes.byteLength) return bytes
          count++
          into.set(bytes)
          return into
        },
      },
    }
    return { backend, reused: () => count }
  }

  it('gets every byte, whatever the size of its buffer, and blocks are read into memory that is no longer needed', async () => {
    if (!canMakeByteStreams()) return
    const memory = memoryBackend()
    const bytes = pattern(403)
    const { id } = await put(new StreamStore(memory, { blockSize: 20 }), bytes)
    let calls = 0
    const { backend, reused } = reusing(memory, () => ++calls % 7 === 0)
    for (const readAheadBytes of [0, 50, 1000]) {
      const store = new StreamStore(backend, { inMemoryThreshold: 60, readAheadBytes, host: new VirtualHost() })
      const stored = await store.open(id)
      for (const [start, end] of [
        [0, 403],
        [0, 20],
        [7, 399],
      ] as const) {
        for (const size of [1, 7, 20, 33, 1000]) {
          const stream = stored.slice(start, end).stream()
          const chunks: Uint8Array[] = []
          let reader = stream.getReader({ mode: 'byob' })
          for (;;) {
            const { done, value } = await reader.read(new Uint8Array(size))
            if (done) break
            chunks.push(value)
            // A reader without a buffer gets the rest of the block.
            if (chunks.length % 5 !== 0) continue
            reader.releaseLock()
            const other = stream.getReader()
            const result = await other.read()
            if (!result.done) chunks.push(result.value)
            other.releaseLock()
            reader = stream.getReader({ mode: 'byob' })
          }
          await settle()
          expect(concatBytes(...chunks)).toEqual(bytes.slice(start, end))
        }
      }
    }
    expect(reused()).toBeGreaterThan(50)
  })

  it('gets blocks that the engine has in memory straight into its buffer, checked', async () => {
    if (!canMakeByteStreams()) return
    const memory = memoryBackend()
    const bytes = pattern(203)
    const { id } = await put(new StreamStore(memory, { blockSize: 20 }), bytes)
    const BUFFER_BYTES = 33
    let calls = 0
    let direct = 0
    let isDamaged = false
    const backend: Backend = {
      ...memory,
      blocks: {
        ...memory.blocks,
        async get(name, options) {
          if (++calls % 4 === 0) throw new BackendError('busy', { retryable: true })
          if (options?.into?.buffer.byteLength === BUFFER_BYTES) direct++
          const block = await memory.blocks.get(name, options)
          if (isDamaged) block![3]! ^= 1
          return block
        },
      },
    }
    for (const [start, end, expected] of [
      // The first block, a part of a block and a retry are not read into the buffer itself.
      [0, 203, 7],
      [7, 190, 6],
    ] as const) {
      const store = new StreamStore(backend, { host: new VirtualHost() })
      const stored = (await store.open(id)).slice(start, end)
      calls = direct = 0
      const reader = stored.stream().getReader({ mode: 'byob' })
      const chunks: Uint8Array[] = []
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(BUFFER_BYTES))
        if (done) break
        chunks.push(value)
      }
      expect(concatBytes(...chunks)).toEqual(bytes.slice(start, end))
      expect(direct).toBe(expected)
    }
    const reader = (await new StreamStore(backend, { host: new VirtualHost() }).open(id))
      .stream()
      .getReader({ mode: 'byob' })
    await reader.read(new Uint8Array(BUFFER_BYTES))
    isDamaged = true
    expect(await rejection(reader.read(new Uint8Array(BUFFER_BYTES)))).toMatchObject({
      name: 'IntegrityError',
      blockIndex: 1,
    })
  })
})

describe('a read that fails', () => {
  it('is attempted up to five times if the failure may be temporary', async () => {
    const memory = memoryBackend()
    const bytes = pattern(8)
    const { id } = await put(new StreamStore(memory, { blockSize: 4 }), bytes)
    const cases = [
      { failures: 4, retryable: true, expected: bytes },
      { failures: 5, retryable: true, expected: undefined },
      { failures: 1, retryable: false, expected: undefined },
    ]
    // The first call reads the version of the store. Then follow the row of the stream and its page.
    for (const [call, after] of [
      ['get', 1],
      ['get', 2],
      ['read', 0],
      ['read', 1],
    ] as const) {
      for (const { failures, retryable, expected } of cases) {
        let calls = 0
        const spy = (): void => {
          const past = ++calls - after
          if (past > 0 && past <= failures) throw new BackendError('broken', { retryable })
        }
        const store = new StreamStore(watched(memory, { [call]: spy }), { host: new VirtualHost() })
        const reading = store.open(id).then((stored) => collect(stored.stream()))
        if (expected) expect(await reading).toEqual(expected)
        else await expect(reading).rejects.toMatchObject({ message: 'broken' })
      }
    }
  })
})

describe('a stream that is opened in a transaction', () => {
  async function makeStore(
    blockCount: number,
    spy: Spy = {},
    readAheadBytes = 100,
  ): Promise<{ store: StreamStore; id: string; bytes: Uint8Array<ArrayBuffer> }> {
    const memory = memoryBackend()
    const bytes = pattern(4 * blockCount)
    const { id } = await put(new StreamStore(memory, { blockSize: 4 }), bytes)
    const store = new StreamStore(watched(memory, spy), { blockSize: 4, inMemoryThreshold: 13, readAheadBytes })
    return { store, id, bytes }
  }

  it('preloads as much as the budget has room for, and drops it when readers need the room', async () => {
    let fetched = 0
    const { store, id, bytes } = await makeStore(5, { read: () => fetched++ }, 8)
    const opened = await store.transaction((tx) => tx.open(id))
    expect(fetched).toBe(2)
    const other = await store.open(id)
    expect(await collect(other.slice(0, 4).stream())).toEqual(bytes.slice(0, 4))
    expect(await collect(opened.stream())).toEqual(bytes)
    expect(fetched).toBe(2 + 1 + 5)
  })

  it('leaves nothing in the budget if the attempt or the preloading fails', async () => {
    let fetched = 0
    const failure = new BackendError('broken', { retryable: false })
    const spy: Spy = { read: () => fetched++ }
    const { store, id } = await makeStore(3, spy, 12)
    const failing = store.transaction(async (tx) => {
      await tx.open(id)
      throw failure
    })
    expect(await rejection(failing)).toBe(failure)
    spy.read = () => {
      if (++fetched === 5) throw failure
    }
    expect(await rejection(store.transaction((tx) => tx.open(id)))).toBe(failure)
    await settle()
    fetched = 10
    await store.transaction((tx) => tx.open(id))
    expect(fetched).toBe(13)
  })

  it('stops preloading at once when the transaction is aborted', async () => {
    const reason = new Error('enough')
    const gate = new Gate()
    const signals: AbortSignal[] = []
    const { store, id } = await makeStore(3, { read: (_, signal) => (signals.push(signal!), gate.pass()) })
    const abort = new AbortController()
    const running = store.transaction((tx) => tx.open(id), { signal: abort.signal })
    await settle()
    abort.abort(reason)
    expect(await rejection(running)).toBe(reason)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
    gate.open()
  })
})
