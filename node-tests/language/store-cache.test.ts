import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore, type StreamStoreOptions } from '../../src/store.ts'
import { createDigest, digestOf } from '../../src/store/checksums.ts'
import { StreamCache } from '../../src/store/reading/stream-cache.ts'
import { formatStream, parseStream } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { pattern, put, text, watched } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const BYTES = pattern(11)
const keys = new RowKeys('')

/** Makes a store that keeps 40 bytes in memory, and counts the blocks that it fetches. */
function makeStore(options: StreamStoreOptions = {}): {
  readonly memory: Backend
  readonly store: StreamStore
  fetched(): number
} {
  let fetched = 0
  const memory = memoryBackend()
  const store = new StreamStore(watched(memory, { read: () => fetched++ }), {
    blockSize: 4,
    cacheBytes: 40,
    host: new VirtualHost(),
    ...options,
  })
  return { memory, store, fetched: () => fetched }
}

/** Deletes all objects of a backend. */
async function loseObjects({ blocks }: Backend): Promise<void> {
  for (const { name } of await blocks.list({ prefix: '', limit: 100 })) await blocks.delete(name)
}

describe('a store that keeps streams in memory', () => {
  it('serves every range from memory, in chunks that belong to the reader', async () => {
    const { store, fetched } = makeStore()
    const stored = await put(store, BYTES, { reference: text('r') })
    await collect(stored.stream())
    expect(fetched()).toBe(3)
    for (let start = 0; start <= BYTES.byteLength; start++) {
      for (let end = start; end <= BYTES.byteLength; end++) {
        const stream = stored.slice(start, end).stream()
        const reader = stream.getReader()
        const chunks: number[] = []
        for (let read = await reader.read(); !read.done; read = await reader.read()) {
          chunks.push(...read.value)
          read.value.fill(0)
        }
        expect(chunks).toEqual([...BYTES.subarray(start, end)])
      }
    }
    const opened = await store.transaction((tx) => tx.open(stored.id))
    expect(await collect(opened.stream())).toEqual(BYTES)
    expect(fetched()).toBe(3)
  })

  it('keeps nothing by default', async () => {
    const { store, fetched } = makeStore({ cacheBytes: undefined })
    const stored = await put(store, BYTES)
    for (const count of [3, 6]) {
      await collect(stored.stream())
      expect(fetched()).toBe(count)
    }
  })

  it('does not keep a stream that was not read from its first byte to its last', async () => {
    const { store, fetched } = makeStore()
    const stored = await put(store, BYTES)
    await collect(stored.slice(1).stream())
    await collect(stored.slice(0, 10).stream())
    const reader = stored.stream().getReader()
    await reader.read()
    await reader.cancel()
    const before = fetched()
    for (let i = 0; i < 2; i++) await collect(stored.stream())
    expect(fetched()).toBe(before + 3)
  })

  it('goes on from the blocks if the stream is dropped while it is read', async () => {
    const { store, fetched } = makeStore({ cacheBytes: 12 })
    const [stored, other] = [await put(store, BYTES), await put(store, pattern(9))]
    await collect(stored.stream())
    const reader = stored.stream().getReader()
    const first = (await reader.read()).value!
    await collect(other.stream())
    expect(fetched()).toBe(6)
    const rest = [(await reader.read()).value!, (await reader.read()).value!]
    expect([first, ...rest].flatMap((chunk) => [...chunk])).toEqual([...BYTES])
    expect((await reader.read()).done).toBe(true)
    expect(fetched()).toBe(8)
  })

  it('finds no stream that was collected, and hides no damage from a scrub, nor from a writer', async () => {
    const { memory, store } = makeStore({ leaseMs: 0 })
    const [gone, kept] = [await put(store, pattern(9)), await put(store, BYTES, { reference: text('r') })]
    for (const stored of [gone, kept]) await collect(stored.stream())
    await store.collectGarbage({ graceMs: 0 })
    await expect(store.open(gone.id)).rejects.toMatchObject({ name: 'NotFoundError' })
    expect(await store.lookup([gone.digest])).toEqual([undefined])

    await loseObjects(memory)
    expect(await collect((await store.open(kept.id)).stream())).toEqual(BYTES)
    const { damaged } = await store.scrub()
    expect(damaged.list.map(({ id }) => id)).toEqual([kept.id])
    await put(store, BYTES, { reference: text('again') })
    expect((await store.scrub()).damaged.streams).toBe(0)
  })

  it('does not keep bytes that do not have the digest of the stream', async () => {
    const { memory, store } = makeStore()
    const { id } = await put(store, BYTES)
    const other = BYTES.toReversed()
    const digest = await digestOf(memory, other)
    const key = keys.stream(fromHex(id)!)
    const record = parseStream((await memory.metadata.get(key))!.value)
    await memory.metadata.commit([], [{ key, value: formatStream({ ...record, digest }) }])
    const wrong = await store.open(id)
    expect(await collect(wrong.stream())).toEqual(BYTES)
    const stored = await put(store, other)
    expect(stored.id).not.toBe(id)
    expect(await collect(stored.stream())).toEqual(other)
  })

  it('has no more than its budget, whatever stalls, and gives it back', async () => {
    const cache = new StreamCache({ limit: 10, largest: 6, createHash: () => createDigest(memoryBackend()) })
    const contents = [pattern(6), pattern(4), pattern(5)]
    const [six, four, five] = await Promise.all(contents.map((bytes) => digestOf(memoryBackend(), bytes)))
    expect(cache.fill(six!, 7)).toBeUndefined()
    const [first, second] = [await cache.fill(six!, 6), await cache.fill(four!, 4)]
    expect(await cache.fill(six!, 6)).toBeUndefined()
    expect(await cache.fill(five!, 5)).toBeUndefined()
    expect(cache.held).toBe(10)
    first!.add(contents[0]!)
    second!.close()
    second!.add(contents[1]!)
    expect(cache.held).toBe(6)
    expect(cache.get(six!)).toEqual(contents[0])
    expect(cache.get(four!)).toBeUndefined()
    const third = await cache.fill(five!, 5)
    expect(cache.held).toBe(5)
    third!.add(contents[2]!.subarray(0, 2))
    third!.add(contents[2]!.subarray(2))
    third!.close()
    expect([cache.get(six!), cache.get(five!)]).toEqual([undefined, contents[2]])
    cache.clear()
    expect(cache.held).toBe(0)
  })
})
