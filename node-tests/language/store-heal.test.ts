import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, type Mutation, type StoreHost, StreamStore } from '../../src/store.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { collectHastily, hastyHost } from '../support/hasty-collector.ts'
import { harmThrough, objectsOf } from '../support/healing-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { Gate, markAsDamaged, pattern, put, settle, text, watched } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const KEYS = new RowKeys('')

/** Stores a stream with the reference `r`, and loses one of its blocks. */
async function lossy(
  blockCount: number,
  lost = 0,
): Promise<{ memory: Backend; id: string; bytes: Uint8Array<ArrayBuffer> }> {
  const memory = memoryBackend()
  const bytes = pattern(4 * blockCount - 1)
  const { id } = await put(new StreamStore(memory, { blockSize: 4 }), bytes, { reference: text('r') })
  await harmThrough(memory, (await objectsOf(memory, id))[lost]!, () => undefined)
  return { memory, id, bytes }
}

async function rowOf({ metadata }: Backend, id: string): Promise<StreamRecord> {
  return parseStream((await metadata.get(KEYS.stream(fromHex(id)!)))!.value)
}

/** Wraps a backend so that it records the changes of each commit. */
function noting(memory: Backend): { backend: Backend; commits: (readonly Mutation[])[] } {
  const commits: (readonly Mutation[])[] = []
  const backend: Backend = {
    ...memory,
    metadata: {
      ...memory.metadata,
      commit(checks, mutations, options) {
        commits.push(mutations)
        return memory.metadata.commit(checks, mutations, options)
      },
    },
  }
  return { backend, commits }
}

describe('a heal', () => {
  it('swaps the page sets in one commit, which is no larger for a long stream than for a short one', async () => {
    const sizes: number[] = []
    for (const blocks of [5, 1029]) {
      const { memory, id, bytes } = await lossy(blocks, blocks - 1)
      const before = await rowOf(memory, id)
      const { backend, commits } = noting(memory)
      const stored = await put(new StreamStore(backend, { blockSize: 4 }), bytes, { reference: text('new') })
      expect(stored.id).toBe(id)
      sizes.push(commits.at(-1)!.length)
      const healed = await rowOf(memory, id)
      const { unfinished } = await inspectStore(memory)
      expect(unfinished).toHaveLength(1)
      expect(healed).toEqual({ ...before, pageSet: fromHex(unfinished[0]!) })
      expect(await rowOf(memory, unfinished[0]!)).toMatchObject({
        status: { kind: 'deleting', reason: 'duplicate', survivor: fromHex(id) },
        pageSet: fromHex(id),
        blockCount: blocks,
      })
    }
    expect(sizes[1]).toBe(sizes[0])
    expect(sizes[0]).toBeLessThan(30)
  })

  it('takes the block size and codec of its writer, and leaves the former ones with the former pages', async () => {
    const memory = memoryBackend()
    const bytes = new Uint8Array(2_800)
    const { id } = await put(new StreamStore(memory, { blockSize: 400 }), bytes, { reference: text('r') })
    await harmThrough(memory, (await objectsOf(memory, id))[3]!, () => undefined)
    const store = new StreamStore(memory, { blockSize: 900, codec: 'deflate' })
    await put(store, bytes)
    const { unfinished } = await inspectStore(memory)
    const [healed, former] = [await rowOf(memory, id), await rowOf(memory, unfinished[0]!)]
    expect(healed).toMatchObject({ blockSize: 900, blockCount: 4, size: 2_800 })
    expect(former).toMatchObject({ blockSize: 400, blockCount: 7, size: 2_800 })
    expect(healed.codec).not.toBe(former.codec)
    expect(await collect((await store.open(id)).slice(800, 2_000).stream())).toEqual(bytes.slice(800, 2_000))
    // For compressed blocks, the lengths of their objects are checked.
    await harmThrough(memory, (await objectsOf(memory, id))[0]!, (old) => old.slice(1))
    await put(store, bytes)
    expect(await collect((await store.open(id)).stream())).toEqual(bytes)
    for (let i = 0; i < 2; i++) await collectHastily(memory)
    expect(await inspectStore(memory)).toMatchObject({ problems: [], unfinished: [], objects: 4 })
  })

  it('deletes nothing: collection keeps the former blocks until their readers have finished', async () => {
    const memory = memoryBackend()
    const host = new VirtualHost()
    const store = new StreamStore(memory, { blockSize: 4, inMemoryThreshold: 4, host })
    const bytes = pattern(20)
    const { id } = await put(store, bytes, { reference: text('r') })
    const former = await objectsOf(memory, id)
    const reader = (await store.open(id)).stream().getReader()
    const got = [...(await reader.read()).value!]
    await markAsDamaged(memory, id)
    const deleted: string[] = []
    const backend: Backend = {
      ...memory,
      blocks: { ...memory.blocks, delete: async (name) => (deleted.push(name), memory.blocks.delete(name)) },
    }
    await put(new StreamStore(backend, { blockSize: 4, host }), bytes)
    expect(deleted).toEqual([])
    expect(await objectsOf(memory, id)).not.toContain(former[0])
    const hasty = new StreamStore(memory, { host: hastyHost(host) })
    const { freed, waiting } = await hasty.collectGarbage()
    expect({ freed, waiting }).toMatchObject({ freed: { streams: 1, objects: 0 }, waiting: { objects: 5 } })
    // The former blocks are in the trash by now. The reader reads them there.
    const read: string[] = []
    const watching = watched(memory, { read: (name) => read.push(name) })
    const later = await new StreamStore(watching, { host }).open(id)
    for (let next = await reader.read(); !next.done; next = await reader.read()) got.push(...next.value)
    expect(Uint8Array.from(got)).toEqual(bytes)
    await hasty.collectGarbage({ graceMs: 0 })
    expect(await inspectStore(memory)).toMatchObject({ problems: [], unfinished: [], objects: 5 })
    expect(await collect(later.stream())).toEqual(bytes)
    expect(read.filter((name) => former.includes(name))).toEqual([])
  })

  it('is visible to readers that opened the stream earlier, even when nothing is left of the former blocks', async () => {
    for (const [before, after] of [
      [4, 4],
      [4, 3],
      [3, 50],
    ] as const) {
      const memory = memoryBackend()
      const bytes = pattern(41)
      const { id } = await put(new StreamStore(memory, { blockSize: before }), bytes, { reference: text('r') })
      const stored = await new StreamStore(memory, { inMemoryThreshold: 1 }).open(id)
      const reader = stored.slice(5, 40).stream().getReader()
      const got = [...(await reader.read()).value!]
      await harmThrough(memory, (await objectsOf(memory, id))[9]!, () => undefined)
      await put(new StreamStore(memory, { blockSize: after }), bytes)
      await collectHastily(memory)
      for (let next = await reader.read(); !next.done; next = await reader.read()) got.push(...next.value)
      expect(Uint8Array.from(got)).toEqual(bytes.slice(5, 40))
      expect(await collect(stored.stream())).toEqual(bytes)
      expect(await rowOf(memory, id)).not.toHaveProperty('damaged', true)
    }
  })

  it('includes the changes of onCommit, for the stream that has the bytes afterwards', async () => {
    const { memory, id, bytes } = await lossy(3, 1)
    await put(new StreamStore(memory, { blockSize: 4 }), bytes, {
      reference: text('alias'),
      async onCommit(tx, stored) {
        expect(stored).toMatchObject({ id, size: bytes.byteLength })
        expect((await tx.open(stored.id)).size).toBe(bytes.byteLength)
        aliasRowsIn(tx).set(text('x'), text(stored.id))
        await tx.markAsUsed(stored.id, text('too'))
      },
    })
    const { references, rows, problems } = await inspectStore(memory)
    expect(problems).toEqual([])
    expect(rows).toEqual(new Map([['a/x', id]]))
    expect(references).toEqual([`${id}/alias`, `${id}/r`, `${id}/too`])
  })

  it('restores a condemned stream', async () => {
    const { memory, id, bytes } = await lossy(2)
    const store = new StreamStore(memory, { blockSize: 4 })
    await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
    let collected = 0
    // The collector stops after it has condemned the stream.
    const stopping = watched(memory, {
      commit() {
        if (++collected > 1) throw new Error('stopped')
      },
    })
    await expect(collectHastily(stopping)).rejects.toThrow('stopped')
    expect(await rowOf(memory, id)).toMatchObject({ status: { kind: 'condemned' } })
    expect((await put(store, bytes, { reference: text('new') })).id).toBe(id)
    for (let i = 0; i < 2; i++) await collectHastily(memory)
    expect(await inspectStore(memory)).toMatchObject({ problems: [], unfinished: [], references: [`${id}/new`] })
    expect(await collect((await store.open(id)).stream())).toEqual(bytes)
  })

  it('also repairs a page that is lost or damaged, and an empty stream that is marked', async () => {
    for (const harm of [undefined, (value: Uint8Array) => value.slice(0, 50)]) {
      const memory = memoryBackend()
      const store = new StreamStore(memory, { blockSize: 4 })
      const { id } = await put(store, pattern(11), { reference: text('r') })
      const key = KEYS.page(fromHex(id)!, 0)
      const value = harm?.((await memory.metadata.get(key))!.value)
      await memory.metadata.commit([], [{ key, value }])
      expect((await put(store, pattern(11))).id).toBe(id)
      expect(await collect((await store.open(id)).stream())).toEqual(pattern(11))
    }
    const memory = memoryBackend()
    const store = new StreamStore(memory)
    const { id } = await put(store, pattern(0), { reference: text('r') })
    await markAsDamaged(memory, id)
    expect((await put(store, pattern(0))).id).toBe(id)
    expect(await rowOf(memory, id)).not.toHaveProperty('damaged', true)
    await collectHastily(memory)
    expect(await inspectStore(memory)).toMatchObject({ problems: [], unfinished: [] })
  })
})

describe('a hit', () => {
  it('asks for the length of every object, at most 16 at a time, and reads none', async () => {
    const memory = memoryBackend()
    await put(new StreamStore(memory, { blockSize: 1 }), pattern(600), { reference: text('r') })
    const gate = new Gate()
    let [asked, most, now, read] = [0, 0, 0, 0]
    const backend: Backend = {
      ...memory,
      blocks: {
        ...memory.blocks,
        get: async (...args) => (read++, memory.blocks.get(...args)),
        async size(...args) {
          asked++
          most = Math.max(most, ++now)
          await gate.pass()
          now--
          return memory.blocks.size(...args)
        },
      },
    }
    const storing = put(new StreamStore(backend, { blockSize: 1000 }), pattern(600), { reference: text('new') })
    await settle()
    expect(asked).toBe(16)
    gate.open()
    await storing
    expect({ asked, most, read }).toEqual({ asked: 600, most: 16, read: 0 })
  })

  it('asks after it has read the row: damage that is found in the meantime is healed', async () => {
    const memory = memoryBackend()
    const bytes = pattern(10)
    const { id } = await put(new StreamStore(memory, { blockSize: 4 }), bytes, { reference: text('r') })
    for (const when of ['before', 'after'] as const) {
      let found = false
      const backend: Backend = {
        ...memory,
        blocks: {
          ...memory.blocks,
          async size(name, options) {
            const size = when === 'after' ? await memory.blocks.size(name, options) : undefined
            if (!found) {
              found = true
              const [object] = await objectsOf(memory, id)
              await harmThrough(memory, object!, (old) => old.fill(7))
              const reading = collect((await new StreamStore(memory).open(id)).stream())
              await expect(reading).rejects.toMatchObject({ name: 'IntegrityError' })
            }
            return size ?? memory.blocks.size(name, options)
          },
        },
      }
      await put(new StreamStore(backend, { blockSize: 4 }), bytes, { reference: text('new') })
      expect(await collect((await new StreamStore(memory).open(id)).stream())).toEqual(bytes)
    }
  })

  it('asks once, however often its commit conflicts with others', async () => {
    const memory = memoryBackend()
    await put(new StreamStore(memory, { blockSize: 4 }), pattern(10), { reference: text('r') })
    let [asked, tries] = [0, 0]
    const backend: Backend = {
      ...memory,
      blocks: { ...memory.blocks, size: async (...args) => (asked++, memory.blocks.size(...args)) },
    }
    const row = text('popular')
    await put(new StreamStore(backend, { blockSize: 4, host: new VirtualHost() }), pattern(10), {
      async onCommit(tx) {
        await tx.get(row)
        if (++tries < 5) await memory.metadata.commit([], [{ key: KEYS.user(row), value: pattern(tries) }])
      },
    })
    expect({ asked, tries }).toEqual({ asked: 3, tries: 5 })
  })

  it('keeps asking while the engine is busy, and fails if it stays busy', async () => {
    for (const failures of [3, Infinity]) {
      const memory = memoryBackend()
      const { id } = await put(new StreamStore(memory, { blockSize: 4 }), pattern(4), { reference: text('r') })
      let asked = 0
      const busy = Object.assign(new Error('busy'), { name: 'BackendError', retryable: true })
      const backend: Backend = {
        ...memory,
        blocks: {
          ...memory.blocks,
          async size(...args) {
            if (++asked <= failures) throw busy
            return memory.blocks.size(...args)
          },
        },
      }
      const host: StoreHost = new VirtualHost()
      const storing = put(new StreamStore(backend, { blockSize: 4, host }), pattern(4), { reference: text('new') })
      if (failures === 3) expect((await storing).id).toBe(id)
      else await expect(storing).rejects.toBe(busy)
      const { references, problems, objects } = await inspectStore(memory)
      expect({ problems, objects }).toEqual({ problems: [], objects: 1 })
      expect(references.includes(`${id}/new`)).toBe(failures === 3)
    }
  })
})

describe('getByDigestOrStore', () => {
  it('checks the stream before it skips the source: a damaged stream is stored and healed', async () => {
    for (const harm of ['none', 'lost', 'marked', 'lost page'] as const) {
      const { memory, id, bytes } = await lossy(3, 1)
      const store = new StreamStore(memory, { blockSize: 4, host: new VirtualHost() })
      if (harm !== 'lost') await put(store, bytes)
      if (harm === 'marked') await markAsDamaged(memory, id)
      if (harm === 'lost page') {
        const { pageSet } = await rowOf(memory, id)
        await memory.metadata.commit([], [{ key: KEYS.page(pageSet!, 0), value: undefined }])
      }
      let taken = 0
      const digest = await digestOf(memory, bytes)
      const source = (): ReadableStream<Uint8Array> => (taken++, new Blob([bytes]).stream())
      const stored = await store.transaction((tx) => tx.getByDigestOrStore(digest, source, text('new')))
      expect({ harm, taken, id: stored.id }).toEqual({ harm, taken: harm === 'none' ? 0 : 1, id })
      expect(await collect((await store.open(id)).stream())).toEqual(bytes)
      expect((await inspectStore(memory)).references).toEqual([`${id}/new`, `${id}/r`])
    }
  })

  it('heals a stream that the same transaction opened or marked earlier, and runs again with the healed stream', async () => {
    for (const condemned of [false, true]) {
      const { memory, id, bytes } = await lossy(3, 1)
      const store = new StreamStore(memory, { blockSize: 4, host: new VirtualHost() })
      const digest = await digestOf(memory, bytes)
      if (condemned) {
        await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
        let commits = 0
        const stopping = watched(memory, {
          commit() {
            if (++commits > 1) throw new Error('stopped')
          },
        })
        await expect(collectHastily(stopping)).rejects.toThrow('stopped')
      }
      let runs = 0
      await store.transaction(async (tx) => {
        runs++
        await tx.markAsUsed(id, text('first'))
        await tx.getByDigestOrStore(digest, new Blob([bytes]), text('second'))
      })
      expect(runs).toBe(2)
      expect(await collect((await store.open(id)).stream())).toEqual(bytes)
      for (let i = 0; i < 2; i++) await collectHastily(memory)
      const { problems, references, unfinished } = await inspectStore(memory)
      expect({ problems, unfinished }).toEqual({ problems: [], unfinished: [] })
      expect(references).toEqual(expect.arrayContaining([`${id}/first`, `${id}/second`]))
    }
  })

  it('does not mark a stream whose damage was found after it was checked', async () => {
    const memory = memoryBackend()
    const host = new VirtualHost()
    const store = new StreamStore(memory, { blockSize: 4, host })
    const bytes = pattern(10)
    const { id, digest } = await put(store, bytes, { reference: text('r') })
    let runs = 0
    let found = false
    const backend: Backend = {
      ...memory,
      blocks: {
        ...memory.blocks,
        async size(...args) {
          const size = await memory.blocks.size(...args)
          if (!found) {
            found = true
            await harmThrough(memory, (await objectsOf(memory, id))[0]!, (old) => old.fill(7))
            await markAsDamaged(memory, id)
          }
          return size
        },
      },
    }
    await new StreamStore(backend, { blockSize: 4, host }).transaction(async (tx) => {
      runs++
      await tx.getByDigestOrStore(digest, new Blob([bytes]), text('new'))
    })
    expect(runs).toBe(2)
    expect(await collect((await store.open(id)).stream())).toEqual(bytes)
  })
})
