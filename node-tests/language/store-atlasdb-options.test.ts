// The options of AtlasDB's stream store, under AtlasDB's names: what each means here, or why it means nothing.
import { unzlibSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { tiered } from '../../src/backends/tiered.ts'
import { collect } from '../../src/bytes/collect.ts'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import {
  type Backend,
  type BlockHints,
  type StoredStream,
  StreamStore,
  type StreamStoreOptions,
} from '../../src/store.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { modelBlock } from '../support/lz4-model.ts'
import { pattern, put, text, watched } from '../support/store-tools.ts'
import { randomBytes } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const BLOCK = 1000
/** Four blocks, of which the third does not become shorter. */
const MIXED = concatBytes(new Uint8Array(2 * BLOCK).fill(7), randomBytes(BLOCK), new Uint8Array(BLOCK / 2).fill(9))

/** All objects of a backend, the longest first. */
async function objectsOf({ blocks }: Backend): Promise<Uint8Array<ArrayBuffer>[]> {
  const listed = await blocks.list({ prefix: '', limit: 1000 })
  const all = await Promise.all(listed.map(({ name }) => blocks.get(name)))
  return all.map((bytes) => bytes!).toSorted((a, b) => b.byteLength - a.byteLength)
}

/** Stores {@linkcode MIXED} with a codec, and tells what the objects are and how many are read for a range. */
async function storeMixed(codec: StreamStoreOptions['codec']): Promise<{ objects: Uint8Array[]; read: number }> {
  const memory = memoryBackend()
  let read = 0
  const store = new StreamStore(watched(memory, { read: () => read++ }), { codec, blockSize: BLOCK })
  const stored = await put(store, MIXED)
  const plain = await put(new StreamStore(memoryBackend(), { blockSize: BLOCK }), MIXED)
  expect(stored).toMatchObject({ size: MIXED.byteLength, digest: plain.digest })
  const [start, end] = [2 * BLOCK - 10, 2 * BLOCK]
  expect(await collect(stored.slice(start, end).stream())).toEqual(MIXED.slice(start, end))
  const result = { objects: await objectsOf(memory), read }
  // The codec of a store says only how it writes.
  const later = await new StreamStore(memory).open(stored.id)
  expect(await collect(later.stream())).toEqual(MIXED)
  return result
}

/** Decompresses a frame of one block, as the format of LZ4 frames says. */
function unframe(frame: Uint8Array): Uint8Array | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset)
  expect(view.getUint32(0, true)).toBe(0x184d2204)
  const sizeBytes = view.getUint8(4) & 8
  const byteLength = view.getUint32(7 + sizeBytes, true)
  const start = 11 + sizeBytes
  return modelBlock(frame.subarray(start, start + byteLength), BLOCK)
}

describe('options of AtlasDB’s stream store', () => {
  it('shortName and longName are one name, with which all rows and objects of a store begin', async () => {
    const memory = memoryBackend()
    const host = new VirtualHost()
    const bytes = pattern(40)
    const open = (name: string): StreamStore => new StreamStore(memory, { name, blockSize: 8, host })
    const [one, two] = [open('one'), open('one-2')]
    const stored = await put(one, bytes, { reference: text('r') })
    expect(await two.lookup([stored.digest])).toEqual([undefined])
    await expect(two.open(stored.id)).rejects.toMatchObject({ name: 'NotFoundError' })
    const other = await put(two, bytes)
    expect(other.id).not.toBe(stored.id)
    expect((await two.scrub()).orphans.count).toBe(0)
    host.advance(10 ** 8)
    expect((await two.collectGarbage({ graceMs: 0 })).freed).toMatchObject({ streams: 1, objects: 5 })
    expect(await collect((await one.open(stored.id)).stream())).toEqual(bytes)
    const rows = await memory.metadata.list({ prefix: new Uint8Array(0), limit: 100 })
    const kinds = rows.map(({ key }) => new TextDecoder('latin1').decode(key).split('/', 2).join('/'))
    expect(kinds.toSorted()).toEqual(['one-2/v', 'one/h', 'one/m', 'one/r', 'one/s', 'one/v'])
    const names = (await memory.blocks.list({ prefix: '', limit: 10 })).map(({ name }) => name.split('.')[0])
    expect(names).toEqual(Array.from({ length: 5 }, () => 'oone'))
  })

  it('valueType of the id: ids are opaque strings, and one that was never given out does not exist', async () => {
    const store = new StreamStore(memoryBackend(), { host: new VirtualHost() })
    const { id } = await put(store, pattern(9))
    for (const other of ['', '1', id.toUpperCase(), `${id}00`, id.slice(2), 'é'.repeat(32)]) {
      await expect(store.open(other), other).rejects.toMatchObject({ name: 'NotFoundError', streamId: other })
    }
    expect((await store.open(id)).id).toBe(id)
  })

  it('hashFirstRowComponent means nothing: ids are random, so rows and objects spread by themselves', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory, { blockSize: 8, host: new VirtualHost() })
    const ids: string[] = []
    for (let i = 0; i < 64; i++) ids.push((await put(store, pattern(9 + i))).id)
    expect(ids).not.toEqual(ids.toSorted())
    const objects = (await memory.blocks.list({ prefix: '', limit: 1000 })).map(({ name }) => name.slice(2))
    for (const names of [ids, objects]) {
      // Of 256; streams that come one after the other are far apart.
      expect(new Set(names.map((name) => name.slice(0, 2))).size).toBeGreaterThan(40)
    }
  })

  it('only for a backend that prefers neighbours do ids begin alike, 32 at a time', async () => {
    const backend = tiered({ ...memoryBackend(), prefersNeighbours: true }, memoryBackend())
    const store = new StreamStore(backend, { host: new VirtualHost() })
    const starts: string[] = []
    for (let i = 0; i < 65; i++) starts.push((await put(store, pattern(9 + i))).id.slice(0, 8))
    expect(new Set(starts).size).toBe(3)
    expect(new Set(starts.slice(0, 32)).size).toBe(1)
    expect(new Set(starts.slice(32, 64)).size).toBe(1)
  })

  it('inMemoryThreshold is the largest stream that is kept whole in a memory cache with a budget of bytes', async () => {
    let fetched = 0
    const store = new StreamStore(watched(memoryBackend(), { read: () => fetched++ }), {
      blockSize: 4,
      inMemoryThreshold: 12,
      cacheBytes: 24,
      host: new VirtualHost(),
    })
    const fetchedFor = async (stored: StoredStream): Promise<number> => {
      const before = fetched
      expect(await collect(stored.stream())).toEqual(pattern(stored.size))
      return fetched - before
    }
    const [short, other, third, long] = await Promise.all([12, 11, 10, 13].map((size) => put(store, pattern(size))))
    expect(await fetchedFor(short!)).toBe(3)
    expect(await fetchedFor(short!)).toBe(0)
    for (let i = 0; i < 2; i++) expect(await fetchedFor(long!)).toBe(4)
    expect(await fetchedFor(other!)).toBe(3)
    expect(await fetchedFor(short!)).toBe(0)
    // Takes the place of the one that was read least recently.
    expect(await fetchedFor(third!)).toBe(3)
    expect(await fetchedFor(third!)).toBe(0)
    expect(await fetchedFor(short!)).toBe(0)
    expect(await fetchedFor(other!)).toBe(3)
  })

  it.each([
    ['a store', { temperature: 'cold' }, {}, 'cold'],
    ['a sink', {}, { temperature: 'cold' }, 'cold'],
    ['a sink of a cold store', { temperature: 'cold' }, { temperature: 'hot' }, 'hot'],
    ['no hint', {}, {}, undefined],
  ] as const)(
    'isAppendHeavyAndReadLight and cachePriority(COLD) are a hint with each block: %s',
    async (_, ofStore, ofSink, expected) => {
      const memory = memoryBackend()
      const hints: (BlockHints['temperature'] | undefined)[] = []
      const blocks: Backend['blocks'] = {
        ...memory.blocks,
        put(name, bytes, options) {
          hints.push(options?.hints?.temperature)
          return memory.blocks.put(name, bytes, options)
        },
      }
      await put(new StreamStore({ ...memory, blocks }, { ...ofStore, blockSize: 8 }), pattern(20), ofSink)
      expect(hints).toEqual([expected, expected, expected])
    },
  )

  it('A value table that is hinted COLD can be delegated to another key-value service', async () => {
    const [hot, cold] = [memoryBackend(), memoryBackend()]
    const store = new StreamStore(tiered(hot, cold), { blockSize: 8 })
    const rare = await put(store, pattern(20), { temperature: 'cold' })
    await put(store, pattern(33))
    const sizes = async (backend: Backend): Promise<number> => (await objectsOf(backend)).length
    expect(await Promise.all([sizes(hot), sizes(cold)])).toEqual([5, 3])
    expect((await inspectStore(cold)).counts).toEqual({})
    expect(await collect(rare.stream())).toEqual(pattern(20))
  })

  it('compressBlocksInDb is the codec deflate: each block is a zlib stream, if that is shorter', async () => {
    const { objects, read } = await storeMixed('deflate')
    expect(objects.map(({ byteLength }) => byteLength < 100)).toEqual([false, true, true, true])
    expect(objects[0]).toEqual(MIXED.slice(2 * BLOCK, 3 * BLOCK))
    const got = objects.slice(1).map((object) => unzlibSync(object))
    expect(got.map(({ byteLength }) => byteLength).toSorted((a, b) => b - a)).toEqual([BLOCK, BLOCK, BLOCK / 2])
    for (const bytes of got) expect([7, 9]).toContain(bytes.at(-1))
    expect(read).toBe(1)
  })

  it('compressStreamInClient is the codec lz4, of each block by itself: a range reads only its own', async () => {
    const { objects, read } = await storeMixed('lz4')
    expect(objects.map(({ byteLength }) => byteLength < 100)).toEqual([false, true, true, true])
    expect(objects[0]).toEqual(MIXED.slice(2 * BLOCK, 3 * BLOCK))
    const got = objects.slice(1).map(unframe)
    expect(got.map((bytes) => bytes?.byteLength ?? 0).toSorted((a, b) => b - a)).toEqual([BLOCK, BLOCK, BLOCK / 2])
    for (const bytes of got) expect([7, 9]).toContain(bytes?.at(-1))
    expect(read).toBe(1)
  })

  it('Write back-off: a pause after every n blocks, which can be changed while a stream is stored', async () => {
    const host = new VirtualHost()
    const store = new StreamStore(memoryBackend(), { blockSize: 4, host, writeBackoff: { blocks: 3, pauseMs: 100 } })
    const sink = store.sink()
    const writer = sink.getWriter()
    await writer.write(pattern(40))
    // After the third, sixth and ninth of ten blocks.
    expect(host.slept).toEqual({ count: 3, totalMs: 300 })
    store.writeBackoff = { blocks: 1, pauseMs: 7 }
    await writer.write(pattern(8))
    expect(host.slept).toEqual({ count: 5, totalMs: 314 })
    store.writeBackoff = undefined
    await writer.write(pattern(40))
    await writer.close()
    expect(host.slept).toEqual({ count: 5, totalMs: 314 })
    expect(await collect((await sink.stored).stream())).toEqual(concatBytes(pattern(40), pattern(8), pattern(40)))
    expect(host.now()).toBe(1_700_000_000_314)
  })
})
