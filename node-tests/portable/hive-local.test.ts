import { describe, expect, it } from 'vitest'
import { concatBytes, equalBytes } from '../../src/bytes/byte-order.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { canMakeByteStreams } from '../../src/bytes/byte-stream.ts'
import { collect } from '../../src/bytes/collect.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { BackendError, QuotaExceededError } from '../../src/errors.ts'
import { type LinkOptions, LocalHive } from '../../src/hive/local-hive.ts'
import { SignatureStream } from '../../src/rsync/signature-stream.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { Gate, put, settle, watched } from '../support/store-tools.ts'
import { pending, randomBytes, rejection, soon } from '../support/streams.ts'

hiveSuite('LocalHive on the memory backend', () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  return Promise.resolve({ hive, other: hive })
})

it('LocalHive limits the size of an entry, whether it is written or patched', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }), { maxEntrySize: 5_000 })
  await bytesSource(randomBytes(5_000)).stream().pipeTo(hive.sink('x'))
  const tooLarge = bytesSource(randomBytes(5_001)).stream().pipeTo(hive.sink('y'))
  expect(await rejection(tooLarge)).toMatchObject({ name: 'QuotaExceededError', limit: 5_000 })

  // Two copies of the whole basis in ten bytes.
  const delta = Uint8Array.of(0x72, 0x73, 0x02, 0x36, 0x46, 0, 0x13, 0x88, 0x46, 0, 0x13, 0x88, 0)
  const bomb = bytesSource(delta).stream().pipeTo(hive.patchSink('x'))
  expect(await rejection(bomb)).toMatchObject({ name: 'FormatError', reason: 'limit' })
  expect((await hive.list()).entries.map(({ alias, size }) => [alias, size])).toEqual([['x', 5_000]])
  expect(await collect((await hive.open('x')).stream())).toEqual(randomBytes(5_000))
  const bounded = (maxEntrySize: number): LocalHive => new LocalHive(new StreamStore(memoryBackend()), { maxEntrySize })
  expect(() => bounded(-1)).toThrow(RangeError)
  for (const size of [0.5, NaN, 2 ** 53]) expect(() => bounded(size)).toThrow(TypeError)
})

describe('LocalHive.link', () => {
  async function storeIn(store: StreamStore, bytes: Uint8Array): Promise<string> {
    const sink = store.sink()
    await bytesSource(bytes).stream().pipeTo(sink)
    return (await sink.stored).id
  }

  it('makes an entry of a stored stream, or the next version of one, and keeps it', async () => {
    const store = new StreamStore(memoryBackend(), { blockSize: 1_000, leaseMs: 0 })
    const hive = new LocalHive(store)
    const [one, two] = [randomBytes(2_500, 1), randomBytes(10, 2)]
    const ids = [await storeIn(store, one), await storeIn(store, two)] as const
    const changes = hive.watch().getReader()
    await hive.link('a', ids[0], { type: 'video/mp4', ifNoneMatch: '*' })
    const first = await hive.open('a')
    expect((await changes.read()).value).toEqual({ alias: 'a', etag: first.etag })
    expect([first.type, first.size]).toEqual(['video/mp4', 2_500])
    expect(await collect(first.stream())).toEqual(one)
    await hive.link('a', ids[1], { ifMatch: first.etag })
    // The same again changes nothing.
    await hive.link('a', ids[1])
    for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
    expect(await collect((await hive.open('a')).stream())).toEqual(two)
    expect(await rejection(store.open(ids[0]))).toMatchObject({ name: 'NotFoundError' })
    await hive.remove('a')
    for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
    expect(await rejection(store.open(ids[1]))).toMatchObject({ name: 'NotFoundError' })
  })

  it('refuses another version, an entry that exists, a stream that does not, one that is too large, and wrong names', async () => {
    const store = new StreamStore(memoryBackend())
    const hive = new LocalHive(store, { maxEntrySize: 10 })
    const [small, large] = [await storeIn(store, randomBytes(10)), await storeIn(store, randomBytes(11))]
    await hive.link('a', small)
    const refused = (alias: string, id: string, options?: LinkOptions): Promise<unknown> =>
      rejection(hive.link(alias, id, options))
    expect(await refused('a', small, { ifMatch: '"another"' })).toMatchObject({ name: 'ConflictError' })
    expect(await refused('a', small, { ifNoneMatch: '*' })).toMatchObject({ name: 'AlreadyExistsError' })
    expect(await refused('b', '00'.repeat(16))).toMatchObject({ name: 'NotFoundError' })
    expect(await refused('b', large)).toMatchObject({ name: 'QuotaExceededError', limit: 10 })
    expect(await refused('', small)).toMatchObject({ name: 'TypeError' })
    expect(await refused('b', small, { join: {} })).toMatchObject({ name: 'TypeError' })
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['a'])
  })
})

it('LocalHive streams all entries of a hive, even if one list cannot hold them', async () => {
  const store = new StreamStore(memoryBackend())
  const hive = new LocalHive(store)
  const { id } = await put(store, new Uint8Array(0))
  const aliases = Array.from({ length: 2_001 }, (_, i) => `entry ${String(i).padStart(4, '0')}`)
  for (const alias of aliases) await hive.link(alias, id)
  const list = await hive.list()
  expect(list.entries).toHaveLength(1_000)
  expect(list.next).toBe(aliases[999])
  const streamed: string[] = []
  const write = ({ alias }: { alias: string }): void => void streamed.push(alias)
  await soon(hive.entries().pipeTo(new WritableStream({ write })), 'the entries')
  expect(streamed).toEqual(aliases)
})

it('LocalHive reports a failure between two writes at once, on both ends of a sink', async () => {
  const backend = memoryBackend()
  const full = new QuotaExceededError('full')
  const blocks = { ...backend.blocks, put: () => Promise.reject(full) }
  const sink = new LocalHive(new StreamStore({ ...backend, blocks }, { blockSize: 10 })).sink('x')
  const writer = sink.getWriter()
  // One group of blocks. It is put while nothing more is written.
  await writer.write(randomBytes(40))
  expect(await rejection(writer.closed)).toBe(full)
  expect(await rejection(sink.entry)).toBe(full)
})

it('LocalHive fills the buffer of a reader that has one, and checks the version every `bufferSize` bytes', async () => {
  if (!canMakeByteStreams()) return
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 2_000 }))
  const bytes = randomBytes(11_000)
  const store = (content: Uint8Array): Promise<void> => bytesSource(content).stream().pipeTo(hive.sink('x'))
  await store(bytes)
  const entry = await hive.open('x', { bufferSize: 1_400 })
  for (const size of [100, 600, 20_000]) {
    const stream = entry.stream({ start: 10, end: 10_990 })
    const chunks: Uint8Array[] = []
    for (let number = 0; ; number++) {
      // Every third chunk goes to a reader without a buffer.
      const bare = number % 3 === 2
      const reader = bare ? stream.getReader() : stream.getReader({ mode: 'byob' })
      const { done, value } = await reader.read(new Uint8Array(size))
      reader.releaseLock()
      if (done) break
      chunks.push(value)
    }
    expect(concatBytes(...chunks)).toEqual(bytes.slice(10, 10_990))
  }
  const reader = entry.stream().getReader({ mode: 'byob' })
  const read = async (): Promise<number> => (await reader.read(new Uint8Array(800))).value!.byteLength
  expect(await read()).toBe(800)
  await store(randomBytes(10))
  // These bytes were current when they were checked.
  expect(await read()).toBe(600)
  expect(await rejection(read())).toMatchObject({ name: 'ConflictError', offset: 1_400 })
})

it('LocalHive never refills memory that it handed out, even if a reader without a buffer follows one with a buffer', async () => {
  if (!canMakeByteStreams()) return
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const bytes = randomBytes(900_000)
  await bytesSource(bytes).stream().pipeTo(hive.sink('x'))
  const stream = (await hive.open('x')).stream()
  const first = stream.getReader({ mode: 'byob' })
  const { value } = await first.read(new Uint8Array(300_000))
  first.releaseLock()
  const whole = concatBytes(value!, await collect(stream))
  expect(equalBytes(whole, bytes)).toBe(true)
})

it('LocalHive.rename keeps the stream and its signature, frees what it replaces, and tells who watches', async () => {
  const backend = memoryBackend()
  const store = new StreamStore(backend, { blockSize: 1_000, leaseMs: 0 })
  const hive = new LocalHive(store)
  const bytes = randomBytes(60_000, 1)
  for (const [alias, content] of [
    ['a', bytes],
    ['b', randomBytes(30_000, 2)],
  ] as const) {
    await bytesSource(content).stream().pipeTo(hive.sink(alias))
  }
  const [signature] = await Promise.all(['a', 'b'].map(async (alias) => collect((await hive.open(alias)).signature())))
  const countBlocks = async (): Promise<number> => {
    for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
    return (await backend.blocks.list({ prefix: '', after: '', limit: 100 })).length
  }
  const kept = 60 + Math.ceil(signature!.byteLength / 1_000)
  expect(await countBlocks()).toBeGreaterThan(kept + 30)

  const changes = hive.watch().getReader()
  const { etag } = await hive.stat('a')
  await hive.rename('a', 'b', { overwrite: true })
  expect(await countBlocks()).toBe(kept)
  expect([(await changes.read()).value, (await changes.read()).value]).toEqual([
    { alias: 'b', etag },
    { alias: 'a', etag: undefined },
  ])
  const entry = await hive.open('b')
  expect(await collect(entry.stream())).toEqual(bytes)
  expect(await collect(entry.signature())).toEqual(signature)
  // Nothing was computed or stored anew.
  expect(await countBlocks()).toBe(kept)
  await hive.remove('b')
  expect(await countBlocks()).toBe(0)
})

describe('LocalHive computes a signature', () => {
  const bytes = randomBytes(50_000)

  async function start(fault?: Error) {
    const gate = new Gate()
    let reads = 0
    const read = async (): Promise<void> => {
      reads++
      await gate.pass()
      if (fault) throw fault
    }
    const backend = watched(memoryBackend(), { read })
    const hive = new LocalHive(new StreamStore(backend, { blockSize: 1_000, inMemoryThreshold: 4_000 }))
    await bytesSource(bytes).stream().pipeTo(hive.sink('x'))
    return { hive, entry: await hive.open('x', { consistency: 'snapshot' }), gate, reads: () => reads }
  }
  const expected = (): Promise<Uint8Array> =>
    collect(
      bytesSource(bytes)
        .stream()
        .pipeThrough(new SignatureStream({ sourceLength: bytes.byteLength })),
    )

  it('once for all readers who ask at the same time', async () => {
    const { entry, gate, reads } = await start()
    const all = Promise.all(Array.from({ length: 8 }, () => collect(entry.signature())))
    gate.open()
    for (const signature of await all) expect(signature).toEqual(await expected())
    expect(reads()).toBe(50)
  })

  it('once even for a version that is gone, and fails all readers with the same error', async () => {
    for (const fault of [undefined, new BackendError('the disk', { retryable: false })]) {
      const { entry, gate, reads, hive } = await start(fault)
      const asked = Array.from({ length: 8 }, () => collect(entry.signature()))
      await settle()
      await hive.remove('x')
      gate.open()
      const results = await Promise.allSettled(asked)
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(fault ? 0 : 8)
      expect(reads()).toBeLessThanOrEqual(fault ? 4 : 50)
    }
  })

  it('again when the first reader cancels', async () => {
    const { entry, gate } = await start()
    const reader = entry.signature().getReader()
    const first = reader.read()
    await settle()
    const second = collect(entry.signature())
    expect(await pending(second)).toBe(true)
    await reader.cancel()
    gate.open()
    expect((await first).done).toBe(true)
    expect(await soon(second, 'the signature')).toEqual(await expected())
  })
})
