import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError } from '../../src/errors.ts'
import { type Backend, type StoredStream, StreamStore, type Transaction } from '../../src/store.ts'
import { formatStream, parseReference, parseStream, type StreamStatus } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { faulty } from '../support/faulty-backend.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, put, text } from '../support/store-tools.ts'
import { aliasRowsIn, aliasRowsOf } from '../../src/store/transactions/alias-rows.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
/** One host for all stores, so that their names do not collide. */
const host = new VirtualHost()

function makeStore(backend: Backend = memoryBackend()): { store: StreamStore; backend: Backend } {
  return { backend, store: new StreamStore(backend, { blockSize: 4, host }) }
}

async function setStatus(backend: Backend, id: string, status: StreamStatus): Promise<void> {
  const key = keys.stream(fromHex(id)!)
  const record = parseStream((await backend.metadata.get(key))!.value)
  await backend.metadata.commit([], [{ key, value: formatStream({ ...record, status }) }])
}

describe('StreamStore.transaction', () => {
  it('commits everything that it wrote, and resolves with the result of the function', async () => {
    const { store } = makeStore()
    const result = await store.transaction(async (tx) => {
      tx.set(text('a'), text('1'))
      tx.set(text('b'), text('2'))
      return 7
    })
    expect(result).toBe(7)
    expect(await store.transaction(async (tx) => [await tx.get(text('a')), await tx.get(text('b'))])).toEqual([
      text('1'),
      text('2'),
    ])
  })

  it('commits nothing when the function fails', async () => {
    const { store } = makeStore()
    const failure = new Error('no')
    const run = store.transaction(async (tx) => {
      tx.set(text('a'), text('1'))
      throw failure
    })
    await expect(run).rejects.toBe(failure)
    expect(await store.transaction((tx) => tx.get(text('a')))).toBeUndefined()
  })

  it('sees its own writes, in get and in list', async () => {
    const { store } = makeStore()
    await store.transaction(async (tx) => {
      for (const key of ['a', 'b', 'c', 'd']) tx.set(text(key), text('old'))
    })
    await store.transaction(async (tx) => {
      tx.set(text('b'), text('new'))
      tx.delete(text('c'))
      tx.set(text('cc'), text('new'))
      tx.set(text('z'), text('new'))
      const value = text('mine')
      tx.set(text('0'), value)
      value.fill(0)
      expect(await tx.get(text('0'))).toEqual(text('mine'))
      expect(await tx.get(text('c'))).toBeUndefined()
      const list = async (options: { prefix?: Uint8Array; after?: Uint8Array; limit: number }): Promise<string> =>
        (await tx.list(options))
          .map(({ key, value: each }) => new TextDecoder().decode(key) + each.byteLength)
          .join(' ')
      expect(await list({ limit: 100 })).toBe('04 a3 b3 cc3 d3 z3')
      expect(await list({ limit: 3 })).toBe('04 a3 b3')
      expect(await list({ limit: 1, after: text('b') })).toBe('cc3')
      expect(await list({ limit: 10, prefix: text('c') })).toBe('cc3')
      expect(await list({ limit: 10, prefix: text('c'), after: text('cc') })).toBe('')
      expect(await list({ limit: 10, after: text('d') })).toBe('z3')
    })
  })

  it('keeps the user’s rows, the hive’s and its own apart', async () => {
    const { store, backend } = makeStore()
    const { id } = await put(store, pattern(10))
    await store.transaction(async (tx) => {
      tx.set(text('s/'), text('mine'))
      aliasRowsIn(tx).set(text('s/'), text('hive'))
      expect(await tx.list({ limit: 100 })).toHaveLength(1)
      expect(await aliasRowsIn(tx).list({ limit: 100 })).toHaveLength(1)
      expect(await aliasRowsIn(tx).get(text('s/'))).toEqual(text('hive'))
    })
    expect((await store.open(id)).size).toBe(10)
    expect(await aliasRowsOf(store).get(text('s/'))).toEqual(text('hive'))
    expect(await aliasRowsOf(store).list({ limit: 10 })).toEqual([{ key: text('s/'), value: text('hive') }])
    expect((await inspectStore(backend)).problems).toEqual([])
  })

  it('runs again on the new rows when what it read has changed', async () => {
    const { store } = makeStore()
    const increment = (): Promise<void> =>
      store.transaction(async (tx) => {
        const count = (await tx.get(text('n')))?.[0] ?? 0
        await Promise.resolve()
        tx.set(text('n'), new Uint8Array([count + 1]))
      })
    await Promise.all(Array.from({ length: 20 }, increment))
    expect(await store.transaction((tx) => tx.get(text('n')))).toEqual(new Uint8Array([20]))
  })

  it('runs again when a row that was absent has appeared', async () => {
    const { store } = makeStore()
    let runs = 0
    const found = await store.transaction(async (tx) => {
      runs++
      const value = await tx.get(text('a'))
      tx.set(text('b'), text('x'))
      if (runs === 1) await store.transaction(async (other) => other.set(text('a'), text('come')))
      return value
    })
    expect(runs).toBe(2)
    expect(found).toEqual(text('come'))
  })

  it('does not report an error that a mixture of old and new rows caused', async () => {
    const { store } = makeStore()
    let runs = 0
    const sum = await store.transaction(async (tx) => {
      const a = (await tx.get(text('a')))?.[0] ?? 0
      if (runs++ === 0) {
        await store.transaction(async (other) => {
          other.set(text('a'), new Uint8Array([1]))
          other.set(text('b'), new Uint8Array([1]))
        })
      }
      const b = (await tx.get(text('b')))?.[0] ?? 0
      if (a !== b) throw new Error('never seen')
      return a + b
    })
    expect(sum).toBe(2)
    expect(runs).toBe(2)
  })

  it('reads one consistent state, even if it writes nothing', async () => {
    const { store } = makeStore()
    let runs = 0
    const seen = await store.transaction(async (tx) => {
      const a = await tx.get(text('a'))
      if (runs++ === 0) {
        await store.transaction(async (other) => {
          other.set(text('a'), text('1'))
          other.set(text('b'), text('1'))
        })
      }
      return [a, await tx.get(text('b'))]
    })
    expect(seen).toEqual([text('1'), text('1')])
  })

  it('refuses more than 10 conditions or 100 changes, and keys and values out of bounds', async () => {
    const { store, backend } = makeStore()
    const reading = store.transaction(async (tx) => {
      for (let i = 0; i < 11; i++) await tx.get(new Uint8Array([i]))
      tx.set(text('a'), text('x'))
    })
    await expect(reading).rejects.toThrow(RangeError)
    const writing = store.transaction(async (tx) => {
      for (let i = 0; i < 101; i++) tx.set(new Uint8Array([i]), text('x'))
    })
    await expect(writing).rejects.toThrow(RangeError)
    await store.transaction(async (tx) => {
      expect(() => tx.set(new Uint8Array(0), text('x'))).toThrow(RangeError)
      expect(() => tx.set(new Uint8Array(1025), text('x'))).toThrow(RangeError)
      expect(() => tx.set(text('a'), new Uint8Array(61_441))).toThrow(RangeError)
      expect(() => tx.set('a' as unknown as Uint8Array, text('x'))).toThrow(TypeError)
      await expect(tx.list({ limit: 0 })).rejects.toThrow(RangeError)
      tx.set(new Uint8Array(1024), new Uint8Array(61_440))
    })
    expect((await inspectStore(backend)).counts).toEqual({ v: 1, u: 1 })
  })

  it('cannot be used once it has ended', async () => {
    const { store } = makeStore()
    let kept: Transaction | undefined
    await store.transaction(async (tx) => {
      kept = tx
      tx.set(text('a'), text('x'))
    })
    expect(() => kept!.set(text('a'), text('y'))).toThrow(TypeError)
    await expect(kept!.get(text('a'))).rejects.toThrow(TypeError)
    await expect(kept!.list({ limit: 1 })).rejects.toThrow(TypeError)
  })

  it('ends with the reason of its signal, and changes nothing', async () => {
    const { store } = makeStore()
    const reason = new Error('enough')
    const controller = new AbortController()
    const run = store.transaction(
      async (tx) => {
        tx.set(text('a'), text('x'))
        controller.abort(reason)
      },
      { signal: controller.signal },
    )
    await expect(run).rejects.toBe(reason)
    await expect(store.transaction((tx) => tx.get(text('a')), { signal: controller.signal })).rejects.toBe(reason)
    expect(await aliasRowsOf(store).list({ limit: 1 })).toEqual([])
  })
})

describe('Transaction.markAsUsed and unmarkAsUsed', () => {
  it('never conflict when they mark one popular stream', async () => {
    const { store, backend } = makeStore()
    const { id } = await put(store, pattern(10))
    let runs = 0
    const mark = (i: number): Promise<void> =>
      store.transaction(async (tx) => {
        runs++
        await tx.markAsUsed(id, new Uint8Array([i]))
      })
    await Promise.all(Array.from({ length: 50 }, (_, i) => mark(i)))
    expect(runs).toBe(50)
    expect((await inspectStore(backend)).references).toHaveLength(50)
  })

  it('restores only a stream that was condemned after it was stored', async () => {
    const { store, backend } = makeStore()
    const { id } = await put(store, pattern(10))
    const mark = (): Promise<void> => store.transaction((tx) => tx.markAsUsed(id, text('r')))
    await setStatus(backend, id, { kind: 'condemned', former: 'stored' })
    await mark()
    expect(parseStream((await backend.metadata.get(keys.stream(fromHex(id)!)))!.value).status.kind).toBe('stored')
    await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
    for (const status of [
      { kind: 'storing' },
      { kind: 'condemned', former: 'storing' },
      { kind: 'deleting', reason: 'collected' },
    ] as const) {
      await setStatus(backend, id, status)
      await expect(mark()).rejects.toMatchObject({ name: 'NotFoundError', streamId: id })
      await expect(store.open(id)).rejects.toMatchObject({ name: 'NotFoundError', streamId: id })
    }
    await expect(store.transaction((tx) => tx.markAsUsed('00'.repeat(16), text('r')))).rejects.toMatchObject({
      name: 'NotFoundError',
    })
  })

  it('never overwrite a row of a later version, and neither does storing', async () => {
    const { store, backend } = makeStore()
    const { id } = await put(store, pattern(10), { reference: text('r') })
    const stream = fromHex(id)!
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', pattern(10)))
    const { metadata } = backend
    const rows = {
      stream: keys.stream(stream),
      reference: keys.reference(stream, 'user', 'inline', text('r')),
      digest: keys.digest(digest),
    }
    const mark = (): Promise<void> => store.transaction((tx) => tx.markAsUsed(id, text('r')))
    const unmark = (): Promise<void> => store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
    const storeAgain = (): Promise<unknown> => put(store, pattern(10), { reference: text('r') })
    const attempts = { stream: [mark, storeAgain], reference: [mark, unmark, storeAgain], digest: [storeAgain] }
    for (const kind of ['stream', 'reference', 'digest'] as const) {
      const key = rows[kind]
      const known = (await metadata.get(key))!.value
      const later = known.with(0, 2)
      await metadata.commit([], [{ key, value: later }])
      for (const attempt of attempts[kind]) {
        await expect(attempt(), kind).rejects.toMatchObject({ name: 'FormatError', reason: 'unsupported' })
        expect((await metadata.get(key))!.value).toEqual(later)
      }
      await metadata.commit([], [{ key, value: known }])
    }
    expect(await inspectStore(backend)).toMatchObject({ problems: [], references: [`${id}/r`] })
    // A damaged reference may be set again.
    await metadata.commit([], [{ key: rows.reference, value: new Uint8Array(1).fill(1) }])
    await mark()
    expect(parseReference((await metadata.get(rows.reference))!.value).by).toBeUndefined()
  })

  it('are never applied after they were reported as failed', async () => {
    for (const late of ['mark', 'unmark']) {
      const memory = memoryBackend()
      const { store: clean } = makeStore(memory)
      const reference = text('r')
      const { id } = await put(clean, pattern(10), late === 'unmark' ? { reference } : {})
      let commits = 0
      const broken = faulty(memory, ({ operation }) => (operation === 'commit' && ++commits === 1 ? 'late' : undefined))
      const { store } = makeStore(broken)
      const first = store.transaction((tx) =>
        late === 'mark' ? tx.markAsUsed(id, reference) : tx.unmarkAsUsed(id, reference),
      )
      await expect(first).rejects.toMatchObject({ name: 'BackendError', outcome: 'unknown' })
      // The caller changes its mind.
      if (late === 'mark') {
        await clean.transaction((tx) => tx.unmarkAsUsed(id, reference))
      } else {
        await clean.transaction((tx) => tx.markAsUsed(id, reference))
      }
      await broken.arrive()
      expect((await inspectStore(memory)).references).toHaveLength(late === 'mark' ? 0 : 1)
    }
  })
})

describe('Transaction.getByDigestOrStore', () => {
  const bytes = pattern(30)
  const digestOf = async (): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

  it('accepts a Blob, a stored stream, and functions that make a source or a stream', async () => {
    const { store } = makeStore()
    const digest = await digestOf()
    const { store: other } = makeStore()
    const stored = await put(other, bytes)
    for (const source of [new Blob([bytes]), stored, () => new Blob([bytes]), () => new Blob([bytes]).stream()]) {
      const got = await store.transaction((tx) => tx.getByDigestOrStore(digest, source, text('r')))
      expect(got.size).toBe(30)
      await store.transaction((tx) => tx.unmarkAsUsed(got.id, text('r')))
    }
  })

  it('stores again a stream that was collected before it could be marked', async () => {
    const memory = memoryBackend()
    const { store } = makeStore(memory)
    const digest = await digestOf()
    let calls = 0
    const stored = await store.transaction((tx) =>
      tx.getByDigestOrStore(
        digest,
        () => {
          calls++
          return new Blob([bytes])
        },
        text('r'),
      ),
    )
    await setStatus(memory, stored.id, { kind: 'deleting', reason: 'collected' })
    await memory.metadata.commit([], [{ key: keys.digest(digest), value: undefined }])
    const again = await store.transaction((tx) =>
      tx.getByDigestOrStore(digest, () => (calls++, new Blob([bytes])), text('r')),
    )
    expect(again.id).not.toBe(stored.id)
    expect(calls).toBe(2)
  })

  it.each([
    ['the row of its digest is damaged', 'digest', Uint8Array.of(1, 2, 3)],
    ['the row of its stream is damaged', 'stream', Uint8Array.of(1, 2, 3)],
    ['the row of its stream is lost', 'stream', undefined],
  ] as const)('stores anew when %s', async (_what, kind, value) => {
    const memory = memoryBackend()
    const { store } = makeStore(memory)
    const digest = await digestOf()
    const get = (reference: string): Promise<StoredStream> =>
      store.transaction((tx) => tx.getByDigestOrStore(digest, new Blob([bytes]), text(reference)))
    const { id } = await get('1')
    await memory.metadata.commit(
      [],
      [{ key: kind === 'digest' ? keys.digest(digest) : keys.stream(fromHex(id)!), value }],
    )
    const again = await get('2')
    expect(again.id).not.toBe(id)
    expect(await collect((await store.open(again.id)).stream())).toEqual(bytes)
    expect((await get('3')).id).toBe(again.id)
  })

  it('fails with an error of the backend', async () => {
    const failure = new BackendError('broken', { retryable: false })
    const memory = memoryBackend()
    const { store } = makeStore({ ...memory, blocks: { ...memory.blocks, put: () => Promise.reject(failure) } })
    const digest = await digestOf()
    const run = store.transaction((tx) => tx.getByDigestOrStore(digest, new Blob([bytes]), text('r')))
    await expect(run).rejects.toBe(failure)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1 })
  })
})
