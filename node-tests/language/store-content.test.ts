import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, type BlockSinkOptions, StreamStore } from '../../src/store.ts'
import { formatStream, MAX_CONTENT_BYTES, parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { markAsDamaged, pattern, put, text, watched } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
const KEPT: BlockSinkOptions = { reference: text('kept') }

async function recordOf({ metadata }: Backend, id: string): Promise<StreamRecord> {
  return parseStream((await metadata.get(keys.stream(fromHex(id)!)))!.value)
}

/** Changes a byte of the content in a row. */
async function damage(backend: Backend, id: string): Promise<void> {
  const record = await recordOf(backend, id)
  const content = record.content!.map((byte, index) => (index === 3 ? byte ^ 1 : byte))
  await backend.metadata.commit([], [{ key: keys.stream(fromHex(id)!), value: formatStream({ ...record, content }) }])
}

describe('a small content', () => {
  it.each([1, 100, MAX_CONTENT_BYTES])(
    'of %i bytes is kept in the row of its stream, without a block or page',
    async (size) => {
      const memory = memoryBackend()
      const puts: string[] = []
      const store = new StreamStore(watched(memory, { put: (name) => puts.push(name) }))
      const bytes = pattern(size)
      const stored = await put(store, bytes, KEPT)
      expect(puts).toEqual([])
      expect((await inspectStore(memory)).counts).toEqual({ v: 1, s: 1, h: 1, r: 1 })
      const opened = await store.open(stored.id)
      for (const source of [stored, opened]) {
        expect(equalBytes(await collect(source.stream()), bytes)).toBe(true)
        const part = await collect(source.slice(size >> 1, size - 1).stream())
        expect(equalBytes(part, bytes.subarray(size >> 1, size - 1))).toBe(true)
        expect((await source.blob()).size).toBe(size)
      }
      const loaded = await store.transaction(async (tx) => tx.open(stored.id))
      expect(equalBytes(await collect(loaded.stream()), bytes)).toBe(true)
      expect((await put(new StreamStore(memory, { codec: 'lz4' }), bytes)).id).toBe(stored.id)
      expect((await store.scrub()).damaged.streams).toBe(0)
      expect((await inspectStore(memory)).problems).toEqual([])
    },
  )

  it.each([
    ['no bytes', 0, 1_000_000],
    ['more bytes', MAX_CONTENT_BYTES + 1, 1_000_000],
    ['a whole block', 50, 50],
    ['more than a block', 51, 50],
  ])('is not one that has %s', async (_, size, blockSize) => {
    const memory = memoryBackend()
    const { id } = await put(new StreamStore(memory, { blockSize }), pattern(size), KEPT)
    const { content, blockCount } = await recordOf(memory, id)
    expect(content).toBeUndefined()
    expect(blockCount).toBe(Math.ceil(size / blockSize))
  })

  it('is copied for each reader', async () => {
    const store = new StreamStore(memoryBackend())
    const stored = await put(store, pattern(10), KEPT)
    ;(await collect(stored.stream())).fill(0)
    expect(await collect(stored.stream())).toEqual(pattern(10))
  })

  it('is verified by its digest on every read; if it is damaged, the stream is marked, and a check finds it', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory)
    const { id } = await put(store, pattern(10), KEPT)
    await damage(memory, id)
    expect((await store.scrub()).damaged.streams).toBe(1)
    const error = { name: 'IntegrityError', streamId: id, blockIndex: 0, expected: expect.any(String) }
    await expect(collect((await store.open(id)).stream())).rejects.toMatchObject(error)
    await expect.poll(async () => (await recordOf(memory, id)).damaged).toBe(true)
  })

  it('is healed even if it was not read since it was damaged', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory)
    const { id } = await put(store, pattern(10), KEPT)
    await damage(memory, id)
    expect((await put(store, pattern(10))).id).toBe(id)
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(10))
  })

  it.each([
    ['content by content', {}, {}],
    ['content by blocks', {}, { blockSize: 7 }],
    ['blocks by content', { blockSize: 7 }, {}],
  ])('is healed under all its names: %s', async (_, before, after) => {
    const memory = memoryBackend()
    const host = new VirtualHost()
    const { id } = await put(new StreamStore(memory, { ...before, host }), pattern(40), KEPT)
    if ('blockSize' in before) {
      for (const { name } of await memory.blocks.list({ prefix: '', limit: 3 })) await memory.blocks.delete(name)
    } else {
      await damage(memory, id)
    }
    await markAsDamaged(memory, id)
    const store = new StreamStore(memory, { ...after, host })
    const reader = (await store.open(id)).stream()
    expect((await put(store, pattern(40))).id).toBe(id)
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(40))
    // A reader that started earlier continues with the content that is whole now.
    expect(await collect(reader)).toEqual(pattern(40))
    for (let i = 0; i < 3; i++) await store.collectGarbage({ graceMs: 0 })
    const { counts, objects, problems } = await inspectStore(memory)
    expect({ counts, problems }).toEqual({
      counts: { v: 1, s: 1, h: 1, r: 1, ...('blockSize' in after && { m: 1 }) },
      problems: [],
    })
    expect(objects).toBe('blockSize' in after ? 6 : 0)
  })

  it('is collected with its row, while a reader that has it continues', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory, { host: new VirtualHost() })
    const stored = await put(store, pattern(40), KEPT)
    const reader = stored.stream()
    await store.transaction((tx) => tx.unmarkAsUsed(stored.id, text('kept')))
    await store.collectGarbage({ graceMs: 0 })
    expect((await inspectStore(memory)).counts).toEqual({ v: 1 })
    expect(await collect(reader)).toEqual(pattern(40))
  })

  it('is refused in a row that contradicts it', async () => {
    const memory = memoryBackend()
    const { id } = await put(new StreamStore(memory), pattern(10), KEPT)
    const record = await recordOf(memory, id)
    for (const [what, change] of Object.entries({
      'another size': { size: 11 },
      'no content': { content: undefined },
      'an empty content': { content: new Uint8Array(0), size: 0 },
      'too long a content': { content: pattern(MAX_CONTENT_BYTES + 1), size: MAX_CONTENT_BYTES + 1 },
    })) {
      const error = expect.objectContaining({ name: 'FormatError', reason: 'invalid' })
      expect(() => parseStream(formatStream({ ...record, ...change })), what).toThrow(error)
    }
  })

  it('survives every change of its row', async () => {
    const memory = memoryBackend()
    const store = new StreamStore(memory, { leaseMs: 0, host: new VirtualHost() })
    const { id } = await put(store, pattern(40))
    await store.collectGarbage({ dryRun: true })
    await put(store, pattern(40), KEPT)
    await markAsDamaged(memory, id)
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(40))
  })
})
