import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { inspectStore } from '../support/inspect-store.ts'

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)

async function put(store: StreamStore, bytes: Uint8Array<ArrayBuffer>, options = {}): Promise<string> {
  const sink = store.sink(options)
  await bytesSource(bytes).stream().pipeTo(sink)
  return (await sink.stored).id
}

async function rows(backend: Backend): Promise<string[]> {
  const found = await backend.metadata.list({ prefix: new Uint8Array(0), limit: 1000 })
  return found.map(({ key }) => String.fromCharCode(key[1]!))
}

describe('StreamStore', () => {
  for (const blockSize of [1, 2, 3, 8, 1000]) {
    for (const length of [0, 1, 2, 3, 7, 8, 9, 16, 33, 100]) {
      it(`stores and reads ${length} bytes in blocks of ${blockSize}`, async () => {
        const backend = memoryBackend()
        const store = new StreamStore(backend, { blockSize, inMemoryThreshold: 4 * blockSize })
        const bytes = Uint8Array.from({ length }, (_, i) => i * 7)
        const id = await put(store, bytes, { reference: text('r') })
        const stored = await store.open(id)
        expect(stored.size).toBe(length)
        expect(await collect(stored.stream())).toEqual(bytes)
        expect(stored.digest).toEqual(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
        for (const [a, b] of [
          [0, 0],
          [0, 1],
          [1, 5],
          [3, length],
          [length, length],
        ] as const) {
          expect(await collect(stored.slice(a, b).stream())).toEqual(bytes.slice(a, b))
        }
        // Content that does not fill a block is in the row s.
        const blocks = length < blockSize ? 0 : Math.ceil(length / blockSize)
        expect(await rows(backend)).toEqual(['h', ...(blocks === 0 ? [] : ['m']), 'r', 's', 'v'])
        expect(await backend.blocks.list({ prefix: '', limit: 1000 })).toHaveLength(blocks)
      })
    }
  }

  it('stores the same bytes only once', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend, { blockSize: 2 })
    const bytes = text('0123456789abcdefghijk')
    const first = await put(store, bytes, { reference: text('1') })
    const second = await put(store, bytes, { reference: text('2') })
    expect(second).toBe(first)
    expect(await rows(backend)).toEqual(['h', 'm', 'r', 'r', 's', 'v'])
    expect(await backend.blocks.list({ prefix: '', limit: 1000 })).toHaveLength(11)
  })

  it('stores the same bytes once, however many writers store them concurrently', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend, { blockSize: 2 })
    const bytes = text('0123456789abcdefghijk')
    const ids = await Promise.all(
      Array.from({ length: 10 }, (_, i) => put(store, bytes, { reference: new Uint8Array([i]) })),
    )
    expect(new Set(ids).size).toBe(1)
    const found = await rows(backend)
    expect(found.filter((kind) => kind === 'r')).toHaveLength(10)
    expect(found.filter((kind) => kind !== 'r')).toEqual(['h', 'm', 's', 'v'])
    expect(await backend.blocks.list({ prefix: '', limit: 1000 })).toHaveLength(11)
  })

  it('leaves nothing behind of an upload that is aborted', async () => {
    const backend = memoryBackend()
    const store = new StreamStore(backend, { blockSize: 2 })
    const sink = store.sink({ reference: text('r') })
    const writer = sink.getWriter()
    await writer.write(text('0123456789abcdefghijk'))
    const reason = new Error('enough')
    await writer.abort(reason)
    await expect(sink.stored).rejects.toBe(reason)
    const { counts, objects, problems } = await inspectStore(backend)
    expect({ counts, objects, problems }).toEqual({ counts: { v: 1 }, objects: 0, problems: [] })
  })
})
