import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError, type Backend, type CodecName, StreamStore } from '../../src/store.ts'
import { loadChecksum } from '../../src/store/checksums.ts'
import { CODECS } from '../../src/store/codecs/block-codecs.ts'
import { type BlockEntry, FEATURES, formatPage, formatVersion, parsePage } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { assemble } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'
import { pattern, put, text } from '../support/store-tools.ts'
import { randomBytes } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
const NAMES = Object.keys(CODECS) as CodecName[]
const HONEY = text('honey '.repeat(5000))

/** Returns the entries of a stream that has one page. */
async function entriesOf({ metadata }: Backend, id: string): Promise<readonly BlockEntry[]> {
  return parsePage((await metadata.get(keys.page(fromHex(id)!, 0)))!.value).entries
}

/** Changes the entries of a stream that has one page. */
async function rewrite(backend: Backend, id: string, change: (entry: BlockEntry) => BlockEntry): Promise<void> {
  const key = keys.page(fromHex(id)!, 0)
  const entries = (await entriesOf(backend, id)).map(change)
  await backend.metadata.commit([], [{ key, value: formatPage({ byteOffset: 0, entries }) }])
}

async function featuresOf({ metadata }: Backend): Promise<Uint8Array | undefined> {
  return (await metadata.get(keys.version()))?.value
}

describe('the codec of a store', () => {
  it('does not affect content, length, digest, ranges or de-duplication, and neither does the block size', async () => {
    const anyPiece = fc.oneof(
      fc.record({ random: fc.nat(3000), seed: fc.nat(5) }),
      fc.record({ fill: fc.nat(5000), value: fc.nat(255) }),
      fc.record({ text: fc.constantFrom('honey', 'comb '.repeat(300)) }),
    )
    const anyStore = fc.record({ codec: fc.constantFrom(...NAMES), blockSize: fc.constantFrom(64, 1000, 4096) })
    const property = fc.asyncProperty(
      fc.array(anyPiece, { maxLength: 6 }),
      fc.array(anyStore, { minLength: 2, maxLength: 3 }),
      fc.tuple(fc.nat(10_000), fc.nat(10_000)),
      async (pieces, stores, [start, length]) => {
        const content = assemble(pieces)
        const backend = memoryBackend()
        const put1 = await put(new StreamStore(backend, stores[0]), content, { reference: text('a') })
        for (const options of stores) {
          const store = new StreamStore(backend, options)
          const stored = await put(store, content)
          expect([stored.id, stored.size, stored.digest]).toEqual([put1.id, content.byteLength, put1.digest])
          const opened = await store.open(put1.id)
          expect(equalBytes(await collect(opened.stream()), content)).toBe(true)
          const range = await collect(opened.slice(start, start + length).stream())
          expect(equalBytes(range, content.subarray(start, start + length))).toBe(true)
          expect((await store.scrub()).damaged.streams).toBe(0)
        }
        expect((await inspectStore(backend)).problems).toEqual([])
      },
    )
    await fc.assert(property, { numRuns: runs(25) })
  })

  it.each(['lz4', 'deflate'] as const)(
    '%s compresses the blocks that become shorter, and stores the others as they are',
    async (codec) => {
      const backend = memoryBackend()
      const content = assemble([
        { fill: 1000 },
        { random: 1000, seed: 1 },
        { text: 'honey'.repeat(200) },
        { random: 10, seed: 2 },
      ])
      const { id } = await put(new StreamStore(backend, { codec, blockSize: 1000 }), content)
      const entries = await entriesOf(backend, id)
      expect(entries.map((entry) => entry.codec)).toEqual([CODECS[codec], 0, CODECS[codec], 0])
      for (const { object, rawLength, storedLength, codec: own } of entries) {
        expect(await backend.blocks.size(keys.object(object))).toBe(storedLength)
        if (own === 0) expect(storedLength).toBe(rawLength)
        else expect(storedLength).toBeLessThan(100)
      }
    },
  )

  it('deflate compresses samples of a large block first, and the whole block only if a sample becomes shorter', async () => {
    for (const [start, end, expected] of [
      [0, 100_000, 2],
      [200_000, 300_000, 2],
      [270_000, 300_000, 2],
      // The block would become shorter, but no sample shows it.
      [30_000, 90_000, 0],
      [0, 0, 0],
    ] as const) {
      const backend = memoryBackend()
      const content = randomBytes(300_000).fill(0, start, end)
      const { id } = await put(new StreamStore(backend, { codec: 'deflate' }), content)
      expect((await entriesOf(backend, id)).map(({ codec }) => codec)).toEqual([expected])
    }
  })

  it('can change between puts: a heal brings its own codec', async () => {
    const backend = memoryBackend()
    const plain = await put(new StreamStore(backend, { blockSize: 7000 }), HONEY, { reference: text('a') })
    const [first] = await entriesOf(backend, plain.id)
    await backend.blocks.delete(keys.object(first!.object))
    const healed = await put(new StreamStore(backend, { codec: 'lz4', blockSize: 11_000 }), HONEY)
    expect(healed.id).toBe(plain.id)
    const opened = await new StreamStore(backend, { codec: 'deflate' }).open(plain.id)
    expect(await collect(opened.stream())).toEqual(HONEY)
    expect((await new StreamStore(backend).scrub()).damaged.streams).toBe(0)
  })

  it('must be known', () => {
    for (const codec of ['zstd', 'LZ4', '', 'toString', 1, null]) {
      expect(() => new StreamStore(memoryBackend(), { codec: codec as CodecName })).toThrow(TypeError)
    }
  })
})

describe('a compressed block', () => {
  it.each(['lz4', 'deflate'] as const)(
    'in %s that is damaged causes an IntegrityError before it is decompressed',
    async (codec) => {
      const backend = memoryBackend()
      const store = new StreamStore(backend, { codec })
      const { id } = await put(store, HONEY)
      const { object } = (await entriesOf(backend, id))[0]!
      const bytes = (await backend.blocks.get(keys.object(object)))!
      bytes[bytes.byteLength - 6]! ^= 1
      await backend.blocks.delete(keys.object(object))
      await backend.blocks.put(keys.object(object), bytes)
      await expect(collect((await store.open(id)).stream())).rejects.toMatchObject({
        name: 'IntegrityError',
        streamId: id,
        blockIndex: 0,
        expected: expect.any(String),
      })
    },
  )

  it.each(['lz4', 'deflate'] as const)('in %s whose checksum matches is never returned wrong', async (codec) => {
    const checksum = await loadChecksum()
    for (const [what, change] of [
      ['cut', (bytes: Uint8Array) => bytes.slice(0, -9)],
      ['changed', (bytes: Uint8Array) => bytes.map((byte, index) => (index === 9 ? byte ^ 1 : byte))],
      ['empty', () => new Uint8Array(0)],
      ['plain', () => HONEY],
    ] as const) {
      const backend = memoryBackend()
      const store = new StreamStore(backend, { codec })
      const { id } = await put(store, HONEY)
      const { object } = (await entriesOf(backend, id))[0]!
      const bytes = change((await backend.blocks.get(keys.object(object)))!)
      await backend.blocks.delete(keys.object(object))
      await backend.blocks.put(keys.object(object), bytes)
      await rewrite(backend, id, (entry) => ({ ...entry, storedLength: bytes.byteLength, checksum: checksum(bytes) }))
      const reading = collect((await store.open(id)).stream())
      await expect(reading, what).rejects.toMatchObject({ name: 'IntegrityError', streamId: id, blockIndex: 0 })
    }
  })

  it('that does not have the number of bytes in its page is never returned', async () => {
    for (const codec of NAMES) {
      const backend = memoryBackend()
      const store = new StreamStore(backend, { codec, blockSize: 6000 })
      const { id } = await put(store, HONEY.subarray(0, 12_000))
      const { id: longer } = await put(store, HONEY.subarray(0, 12_006))
      expect(longer).not.toBe(id)
      const [first, , last] = await entriesOf(backend, longer)
      expect(last!.rawLength).toBe(6)
      await rewrite(backend, id, (entry) => ({ ...last!, rawLength: entry.rawLength }))
      const reader = (await store.open(id)).stream().getReader()
      await expect(reader.read(), codec).rejects.toMatchObject({ name: 'IntegrityError', blockIndex: 0 })
      expect(first!.rawLength).toBe(6000)
    }
  })

  it('of a later version is refused as unsupported', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend)
    const { id } = await put(store, HONEY)
    await rewrite(backend, id, (entry) => ({ ...entry, codec: 3 }))
    await expect(collect((await store.open(id)).stream())).rejects.toMatchObject({
      name: 'FormatError',
      reason: 'unsupported',
      message: expect.stringContaining(id),
    })
  })
})

describe('the features of a store', () => {
  it('include compression from the first sink with a codec, and not earlier', async () => {
    const backend = memoryBackend()
    await put(new StreamStore(backend), HONEY)
    expect(await featuresOf(backend)).toEqual(formatVersion(0))
    const store = new StreamStore(backend, { codec: 'lz4' })
    expect(await store.lookup([new Uint8Array(32)])).toEqual([undefined])
    await store.collectGarbage()
    expect(await featuresOf(backend)).toEqual(formatVersion(0))
    await put(store, text('x'))
    expect(await featuresOf(backend)).toEqual(formatVersion(FEATURES.compression))
    await put(new StreamStore(backend), text('y'))
    expect(await featuresOf(backend)).toEqual(formatVersion(FEATURES.compression))
  })

  it('are written to a new store before any other row', async () => {
    const backend = memoryBackend()
    let atFirst: Uint8Array | undefined
    const metadata: Backend['metadata'] = {
      ...backend.metadata,
      async commit(checks, mutations, options) {
        const version = await backend.metadata.commit(checks, mutations, options)
        atFirst ??= mutations[0]!.value
        return version
      },
    }
    await put(new StreamStore({ ...backend, metadata }, { codec: 'deflate' }), HONEY)
    expect(atFirst).toEqual(formatVersion(FEATURES.compression))
  })

  it('are kept when several stores set them concurrently, or when another version sets its own', async () => {
    const backend = memoryBackend()
    await Promise.all(NAMES.map((codec) => put(new StreamStore(backend, { codec }), text(codec))))
    expect(await featuresOf(backend)).toEqual(formatVersion(FEATURES.compression))

    const shared = memoryBackend()
    let late = false
    const metadata: Backend['metadata'] = {
      ...shared.metadata,
      async commit(checks, mutations, options) {
        if (!late) {
          late = true
          await shared.metadata.commit([], [{ key: keys.version(), value: formatVersion(1 << 30) }])
        }
        return shared.metadata.commit(checks, mutations, options)
      },
    }
    const putting = put(new StreamStore({ ...shared, metadata }, { codec: 'lz4' }), HONEY)
    await expect(putting).rejects.toMatchObject({ name: 'FormatError', reason: 'unsupported' })
    expect(await featuresOf(shared)).toEqual(formatVersion(1 << 30))
    expect((await inspectStore(shared)).counts).toEqual({ v: 1 })
  })

  it('are set at the next attempt if the answer is lost', async () => {
    const backend = memoryBackend()
    await put(new StreamStore(backend), HONEY)
    let lost = false
    const metadata: Backend['metadata'] = {
      ...backend.metadata,
      async commit(checks, mutations, options) {
        const version = await backend.metadata.commit(checks, mutations, options)
        if (lost) return version
        lost = true
        throw new BackendError('the answer is lost', { retryable: true, outcome: 'unknown' })
      },
    }
    const store = new StreamStore({ ...backend, metadata }, { codec: 'lz4', host: new VirtualHost() })
    const { id } = await put(store, text('honey '.repeat(6000)))
    expect((await entriesOf(backend, id))[0]!.codec).toBe(CODECS.lz4)
    expect(await featuresOf(backend)).toEqual(formatVersion(FEATURES.compression))
  })
})

describe('the write back-off', () => {
  /** A host that records its pauses. */
  class PausedHost extends VirtualHost {
    readonly pauses: number[] = []
    override sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
      this.pauses.push(delayMs)
      return super.sleep(delayMs, signal)
    }
  }

  it('pauses after every n blocks, but not after the last, and can be changed while a sink is open', async () => {
    const host = new PausedHost()
    const store = new StreamStore(memoryBackend(), { blockSize: 10, host, writeBackoff: { blocks: 3, pauseMs: 1234 } })
    const writer = store.sink().getWriter()
    await writer.write(pattern(90))
    expect(host.pauses).toEqual([1234, 1234])
    store.writeBackoff = { blocks: 1, pauseMs: 77 }
    await writer.write(pattern(20))
    expect(host.pauses).toEqual([1234, 1234, 77, 77])
    store.writeBackoff = undefined
    await writer.write(pattern(200))
    await writer.close()
    expect(host.pauses).toEqual([1234, 1234, 77, 77])
    await store.close()
  })

  it('ends at once when the sink is aborted', async () => {
    const host = new PausedHost()
    const backend = memoryBackend()
    const controller = new AbortController()
    const sleep = (_: number, signal?: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        controller.abort(new Error('enough'))
      })
    const store = new StreamStore(backend, {
      blockSize: 10,
      host: { now: () => host.now(), random: (byteLength) => host.random(byteLength), sleep, budget: host.budget },
      writeBackoff: { blocks: 1, pauseMs: 1 },
    })
    const sink = store.sink({ signal: controller.signal })
    await expect(bytesSource(pattern(30)).stream().pipeTo(sink)).rejects.toThrow('enough')
    await Promise.allSettled([sink.stored])
    expect((await inspectStore(backend)).objects).toBe(0)
  })

  it('is checked', () => {
    const store = new StreamStore(memoryBackend())
    for (const [backoff, kind] of [
      [{ blocks: 0, pauseMs: 1 }, RangeError],
      [{ blocks: 1, pauseMs: -1 }, RangeError],
      [{ blocks: 1.5, pauseMs: 1 }, TypeError],
      [{ blocks: 1 }, TypeError],
      ['often', TypeError],
      [null, TypeError],
    ] as const) {
      const given = backoff as { blocks: number; pauseMs: number }
      expect(() => new StreamStore(memoryBackend(), { writeBackoff: given })).toThrow(kind)
      expect(() => (store.writeBackoff = given)).toThrow(kind)
    }
    expect(store.writeBackoff).toBeUndefined()
  })
})
