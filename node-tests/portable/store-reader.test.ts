import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, type StoredStream, StreamStore } from '../../src/store.ts'
import { formatPage, type PageRecord, parsePage } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { Gate, movePages, pattern, put, settle, type Spy, watched } from '../support/store-tools.ts'
import { aliasRowsOf } from '../../src/store/transactions/alias-rows.ts'

const keys = new RowKeys('')

/** Stores a stream of `length` bytes in blocks of 4, and opens it through a spy with a window of 3 blocks. */
async function makeStream(
  length: number,
  spy: Spy = {},
  inMemoryThreshold = 14,
): Promise<{ memory: Backend; stored: StoredStream }> {
  const memory = memoryBackend()
  const { id } = await put(new StreamStore(memory, { blockSize: 4 }), pattern(length))
  const store = new StreamStore(watched(memory, spy), { inMemoryThreshold })
  return { memory, stored: await store.open(id) }
}

/** Changes the first page of a stored stream. */
async function editPage(memory: Backend, id: string, edit: (page: PageRecord) => PageRecord): Promise<void> {
  const key = keys.page(fromHex(id)!, 0)
  const page = parsePage((await memory.metadata.get(key))!.value)
  await memory.metadata.commit([], [{ key, value: formatPage(edit(page)) }])
}

/** The same backend, which reads blocks into the memory that it is given, as a directory does. */
function readingInto({ blocks, ...backend }: Backend): Backend {
  const get: typeof blocks.get = async (name, options) => {
    const bytes = await blocks.get(name, options)
    const into = options?.into
    if (!bytes || into?.byteLength !== bytes.byteLength) return bytes
    into.set(bytes)
    return into
  }
  return { ...backend, blocks: Object.assign(Object.create(blocks) as typeof blocks, { get }) }
}

describe('StoredStream', () => {
  it('delivers chunks that no other reader overwrites, also while all of them share the room of one block', async () => {
    // Blocks that are as small as the pieces that a reader gets when there is no room.
    const blockSize = 1_000
    const store = new StreamStore(readingInto(memoryBackend()), { blockSize, readAheadBytes: 0 })
    const bytes = pattern(6 * blockSize)
    const stored = await store.open((await put(store, bytes)).id)
    const chunksOf = async (): Promise<Uint8Array[]> => {
      const chunks: Uint8Array[] = []
      const reader = stored.stream().getReader()
      for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
      return chunks
    }
    const all = await Promise.all(Array.from({ length: 8 }, chunksOf))
    for (const chunks of all) expect(concatBytes(...chunks)).toEqual(bytes)
  })

  it('is sliced like a Blob, and so are its slices', async () => {
    const blob = new Blob([pattern(23)])
    const { stored } = await makeStream(23)
    for (const range of [[], [-5], [2, -3], [5, 2], [-100, 100], [23], [3, 1e9]] as const) {
      const expected = new Uint8Array(await blob.slice(...range).arrayBuffer())
      const slice = stored.slice(...range)
      expect(slice.size).toBe(expected.byteLength)
      expect(await collect(slice.stream())).toEqual(expected)
      const within = new Uint8Array(
        await blob
          .slice(...range)
          .slice(1, -1)
          .arrayBuffer(),
      )
      expect(await collect(slice.slice(1, -1).stream())).toEqual(within)
    }
    expect(() => stored.slice(0.5)).toThrow(TypeError)
  })

  it('returns blocks as whole ArrayBuffers that belong to the reader', async () => {
    const { stored } = await makeStream(10)
    for (let round = 0; round < 2; round++) {
      const lengths: number[] = []
      const reader = stored.slice(2, 10).stream().getReader()
      for (let result = await reader.read(); !result.done; result = await reader.read()) {
        expect(result.value.buffer.byteLength).toBe(result.value.byteLength)
        lengths.push(result.value.byteLength)
        result.value.fill(0)
      }
      expect(lengths).toEqual([2, 4, 2])
    }
  })

  it('fetches nothing before it is read, then a window that starts at one block and grows while the reader continues', async () => {
    let fetched = 0
    const { stored } = await makeStream(48, { read: () => fetched++ })
    for (let round = 0; round < 2; round++) {
      fetched = 0
      const reader = stored.stream().getReader()
      await settle()
      expect(fetched).toBe(0)
      for (const expected of [1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12]) {
        await reader.read()
        await settle()
        expect(fetched).toBe(expected)
      }
      expect((await reader.read()).done).toBe(true)
    }
  })

  it('fetches at most 16 blocks at a time, however large the window is, but still fills it', async () => {
    const gate = new Gate()
    let fetched = 0
    const { stored } = await makeStream(400, { read: () => ++fetched > 16 && gate.pass() }, 200)
    const reader = stored.stream().getReader()
    for (let i = 0; i < 6; i++) await reader.read()
    await expect.poll(() => fetched).toBe(16 + 16)
    await settle()
    expect(fetched).toBe(16 + 16)
    gate.open()
    await expect.poll(() => fetched).toBe(5 + 32)
    await settle()
    expect(fetched).toBe(5 + 32)
    await reader.read()
    await expect.poll(() => fetched).toBe(6 + 50)
    await settle()
    expect(fetched).toBe(6 + 50)
    await reader.cancel()
    expect(await collect(stored.stream())).toEqual(pattern(400))
  })

  it('fetches only the blocks of its range', async () => {
    const fetched: string[] = []
    const { stored } = await makeStream(40, { read: (name) => fetched.push(name) })
    await collect(stored.slice(9, 11).stream())
    expect(fetched).toHaveLength(1)
    await collect(stored.slice(11, 13).stream())
    expect(fetched).toHaveLength(3)
    await collect(stored.slice(13, 13).stream())
    expect(fetched).toHaveLength(3)
  })

  it('reads a page of entries once for many consecutive ranges', async () => {
    let gets = 0
    const { stored } = await makeStream(400, { get: () => gets++ })
    const before = gets
    for (let i = 0; i < 50; i++) await collect(stored.slice(8 * i, 8 * i + 8).stream())
    expect(gets - before).toBe(1)
  })

  it('is read from the page set that its row names now, whatever was read earlier', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory, { blockSize: 1 })
    const bytes = pattern(1300)
    const { id } = await put(store, bytes)
    const first = await store.open(id)
    expect(await collect(first.slice(600, 610).stream())).toEqual(bytes.slice(600, 610))
    await movePages(memory, id, pattern(16))
    const second = await store.open(id)
    expect(await collect(second.stream())).toEqual(bytes)
    expect(await collect(second.slice(600, 610).stream())).toEqual(bytes.slice(600, 610))
    // By now, the pages under its own id belong to another stream.
    const { id: other } = await put(store, bytes.toReversed())
    await movePages(memory, other, fromHex(id)!)
    const third = await store.open(id)
    expect(await collect(third.slice(600, 610).stream())).toEqual(bytes.slice(600, 610))
    expect(await collect(third.stream())).toEqual(bytes)
    expect(await collect((await store.open(other)).stream())).toEqual(bytes.toReversed())
    expect((await inspectStore(memory)).problems).toEqual([])
  })

  it('finds a damaged block', async () => {
    const { memory, stored } = await makeStream(40)
    const names = (await memory.blocks.list({ prefix: '', limit: 100 })).map(({ name }) => name)
    for (const damage of ['flip', 'short', 'long', 'empty']) {
      const name = names.pop()!
      const object = (await memory.blocks.get(name))!
      await memory.blocks.delete(name)
      const other = { short: object.subarray(1), long: new Uint8Array([...object, 0]), empty: new Uint8Array(0) }[
        damage
      ]
      object[2]! ^= 1
      await memory.blocks.put(name, other ?? object)
      await expect(collect(stored.stream())).rejects.toMatchObject({
        name: 'IntegrityError',
        expected: expect.stringMatching(/^[0-9a-f]{16}$/),
        actual: expect.stringMatching(/^[0-9a-f]{16}$/),
      })
    }
  })

  it('fails instead of ending at a block that is gone', async () => {
    const { memory, stored } = await makeStream(40)
    const page = parsePage((await memory.metadata.get(keys.page(fromHex(stored.id)!, 0)))!.value)
    await memory.blocks.delete(keys.object(page.entries[7]!.object))
    expect(await collect(stored.slice(0, 28).stream())).toEqual(pattern(28))
    const missing = { name: 'IntegrityError', streamId: stored.id, blockIndex: 7 }
    await expect(collect(stored.stream())).rejects.toMatchObject(missing)
    await expect(collect(stored.slice(30, 31).stream())).rejects.toMatchObject(missing)
  })

  it('fails instead of ending at a page that is gone or does not fit', async () => {
    const { memory, stored } = await makeStream(40)
    const edits: ((page: PageRecord) => PageRecord)[] = [
      (page) => ({ ...page, byteOffset: 4 }),
      (page) => ({ ...page, entries: page.entries.slice(0, -1) }),
      (page) => ({ ...page, entries: page.entries.map((entry) => ({ ...entry, rawLength: 5 })) }),
    ]
    for (const edit of edits) {
      const { memory: other, stored: edited } = await makeStream(40)
      await editPage(other, edited.id, edit)
      await expect(collect(edited.stream())).rejects.toMatchObject({ name: 'IntegrityError', streamId: edited.id })
    }
    const key = keys.page(fromHex(stored.id)!, 0)
    const { value } = (await memory.metadata.get(key))!
    for (const other of [value.slice(0, 100), new Uint8Array(0), undefined]) {
      await memory.metadata.commit([], [{ key, value: other }])
      const damage = { name: 'IntegrityError', streamId: stored.id, blockIndex: 2 }
      await expect(collect(stored.slice(9).stream())).rejects.toMatchObject(damage)
    }
  })

  it('is not found, rather than damaged, once it has been collected', async () => {
    const { memory, stored } = await makeStream(40)
    const id = fromHex(stored.id)!
    const page = parsePage((await memory.metadata.get(keys.page(id, 0)))!.value)
    await memory.metadata.commit([], [{ key: keys.stream(id), value: undefined }])
    await memory.blocks.delete(keys.object(page.entries[7]!.object))
    const gone = { name: 'NotFoundError', streamId: stored.id, blockIndex: 7 }
    await expect(collect(stored.stream())).rejects.toMatchObject(gone)
  })

  it('refuses a block with an unknown codec', async () => {
    const { memory, stored } = await makeStream(40)
    await editPage(memory, stored.id, (page) => ({
      ...page,
      entries: page.entries.map((entry, index) => ({ ...entry, codec: index === 5 ? 9 : 0 })),
    }))
    expect(await collect(stored.slice(0, 20).stream())).toEqual(pattern(20))
    await expect(collect(stored.stream())).rejects.toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })

  it('frees everything at once when it is cancelled, even while it waits', async () => {
    const gate = new Gate()
    const signals: AbortSignal[] = []
    const { stored } = await makeStream(40, {
      read: (_, signal) => signals.push(signal!) > 1 && gate.pass(),
    })
    const reader = stored.stream().getReader()
    await reader.read()
    const reading = reader.read()
    await settle()
    await reader.cancel(new Error('enough'))
    expect((await reading).done).toBe(true)
    expect(signals).toHaveLength(3)
    expect(signals.every((signal) => signal.aborted)).toBe(true)
    gate.open()
    await settle()
    expect(signals).toHaveLength(3)
  })

  it('ends with the reason of its signal, before, while and after it waits', async () => {
    const reason = new Error('enough')
    for (const when of ['before', 'while', 'after']) {
      const gate = new Gate()
      if (when === 'after') gate.open()
      const signals: AbortSignal[] = []
      const { stored } = await makeStream(40, { read: (_, signal) => (signals.push(signal!), gate.pass()) })
      const controller = new AbortController()
      if (when === 'before') controller.abort(reason)
      const reader = stored.stream({ signal: controller.signal }).getReader()
      const reading = reader.read()
      const outcome = Promise.allSettled([reading])
      await settle()
      controller.abort(reason)
      if (when !== 'after') expect(await outcome).toEqual([{ status: 'rejected', reason }])
      await expect(reader.read()).rejects.toBe(reason)
      expect(signals.every((signal) => signal.aborted)).toBe(true)
      gate.open()
    }
  })

  it('fails with an error of the backend', async () => {
    const failure = new Error('broken')
    let reads = 0
    const { stored } = await makeStream(40, {
      read() {
        if (++reads === 6) throw failure
      },
    })
    await expect(collect(stored.stream())).rejects.toBe(failure)
    expect(await collect(stored.stream())).toEqual(pattern(40))
  })
})

describe('StreamStore', () => {
  it('opens only stored streams', async () => {
    const store = new StreamStore(memoryBackend())
    for (const id of ['00'.repeat(16), '', 'x', '0'.repeat(31), 'AB'.repeat(16)]) {
      await expect(store.open(id)).rejects.toMatchObject({ name: 'NotFoundError', streamId: id })
    }
    await expect(store.open(7 as unknown as string)).rejects.toThrow(TypeError)
  })

  it('looks up digests even if the row of one is damaged, and repairs that row by storing', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend)
    const [first, second] = [await put(store, pattern(1)), await put(store, pattern(2))]
    const key = new RowKeys('').digest(first.digest)
    await backend.metadata.commit([], [{ key, value: Uint8Array.of(1, 2, 3) }])
    const lookup = (): Promise<(string | undefined)[]> => store.lookup([first.digest, second.digest])
    expect(await lookup()).toEqual([undefined, second.id])
    const { id } = await put(store, pattern(1))
    expect(await lookup()).toEqual([id, second.id])
  })

  it('keeps stores with other names in the same backend apart', async () => {
    const memory = memoryBackend()
    const stores = ['', 'a', 'o', 's', 'a-b'].map((name) => new StreamStore(memory, { name, blockSize: 4 }))
    const ids = await Promise.all(
      stores.map(async (store, i) => (await put(store, pattern(20), { reference: new Uint8Array([i]) })).id),
    )
    expect(new Set(ids).size).toBe(5)
    for (const [i, store] of stores.entries()) {
      for (const [j, id] of ids.entries()) {
        if (i === j) expect((await store.open(id)).size).toBe(20)
        else await expect(store.open(id)).rejects.toMatchObject({ name: 'NotFoundError' })
      }
    }
    expect(() => new StreamStore(memory, { name: 'a/b' })).toThrow(TypeError)
    expect(() => new StreamStore(memory, { name: 'a.b' })).toThrow(TypeError)
  })

  it('refuses invalid options', () => {
    const memory = memoryBackend()
    for (const options of [{ blockSize: 0 }, { blockSize: 2 ** 26 + 1 }, { inMemoryThreshold: -1 }, { leaseMs: -1 }]) {
      expect(() => new StreamStore(memory, options)).toThrow(RangeError)
    }
    expect(() => new StreamStore(memory, { blockSize: 1.5 })).toThrow(TypeError)
    for (const limits of [{ blockBytes: 10 }, { keyBytes: 1000 }, { valueBytes: 30_000 }]) {
      expect(() => new StreamStore({ ...memory, limits }, { blockSize: 11 })).toThrow(RangeError)
    }
  })

  it('refuses a store of a later version, and writes nothing to it', async () => {
    const memory = memoryBackend()
    for (const value of [
      [2, 0, 0, 0, 0],
      [1, 0, 0, 0, 2],
    ]) {
      await memory.metadata.commit([], [{ key: keys.version(), value: new Uint8Array(value) }])
      const store = new StreamStore(memory)
      const failure = { name: 'FormatError', reason: 'unsupported' }
      await expect(store.open('00'.repeat(16))).rejects.toMatchObject(failure)
      await expect(put(store, pattern(5))).rejects.toMatchObject(failure)
      await expect(store.transaction(async (tx) => tx.set(pattern(1), pattern(1)))).rejects.toMatchObject(failure)
      expect(await memory.metadata.list({ prefix: new Uint8Array(0), limit: 10 })).toHaveLength(1)
    }
  })

  it('refuses every call once it is closed, except closing again', async () => {
    const store = new StreamStore(memoryBackend())
    const { id } = await put(store, pattern(5))
    await store.close()
    await store.close()
    await expect(store.open(id)).rejects.toThrow(TypeError)
    await expect(put(store, pattern(5))).rejects.toThrow(TypeError)
    await expect(aliasRowsOf(store).get(pattern(1))).rejects.toThrow(TypeError)
  })
})
