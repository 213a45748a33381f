import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { type Backend, BackendError, type BlockSinkOptions, StreamStore } from '../../src/store.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatPage, formatStream, parsePage, parseStream, parseStreamId } from '../../src/store/rows/row-values.ts'
import { collect } from '../../src/bytes/collect.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
const NONE = new Uint8Array(0)
const SOON = { expires: new Date(2_000_000_000_000) }

function start() {
  const backend = memoryBackend()
  return { backend, store: new StreamStore(backend, { blockSize: 1, host: new VirtualHost() }) }
}

async function candidates({ metadata }: Backend): Promise<string[]> {
  const rows = await metadata.list({ prefix: keys.candidate(NONE), limit: 1000 })
  return rows.map(({ key }) => toHex(key.slice(3)))
}

async function leaseOf({ metadata }: Backend, id: string): Promise<number> {
  return parseStream((await metadata.get(keys.stream(fromHex(id)!)))!.value).leaseUntil
}

describe('a stream that is stored', () => {
  const cases: [name: string, options: BlockSinkOptions, isCandidate: boolean][] = [
    ['with a reference', { reference: text('r') }, false],
    ['with a reference of a hive', { reference: text('r'), owner: 'alias' }, false],
    ['with a reference that expires', { reference: text('r'), ...SOON }, true],
    ['without a reference', {}, true],
    ['with a reference that onCommit sets', { onCommit: (tx, { id }) => tx.markAsUsed(id, text('x')) }, false],
    ['with an expiring one from onCommit', { onCommit: (tx, { id }) => tx.markAsUsed(id, text('x'), SOON) }, true],
    [
      'with a reference, and another that expires',
      { reference: text('r'), onCommit: (tx, { id }) => tx.markAsUsed(id, text('x'), SOON) },
      true,
    ],
    [
      'with a reference that onCommit removes again',
      {
        async onCommit(tx, { id }) {
          await tx.markAsUsed(id, text('x'))
          await tx.unmarkAsUsed(id, text('x'))
        },
      },
      true,
    ],
  ]
  it.each(cases)('%s is a candidate with a lease only if it may be dead', async (_, options, isCandidate) => {
    for (const length of [0, 1, 20]) {
      const { backend, store } = start()
      const { id } = await put(store, text('x'.repeat(length)), options)
      expect(await candidates(backend)).toEqual(isCandidate ? [id] : [])
      expect((await leaseOf(backend, id)) > 0).toBe(isCandidate)
      expect((await inspectStore(backend)).problems).toEqual([])
      await store.transaction((tx) => tx.markAsUsed(id, text('once')))
      await store.transaction((tx) => tx.unmarkAsUsed(id, text('once')))
      expect(await candidates(backend)).toEqual([id])
    }
  })

  it('becomes a candidate if it is stored again with a reference that expires, and otherwise does not change', async () => {
    for (const options of [{}, SOON]) {
      for (const first of [{}, { reference: text('1') }, { reference: text('1'), ...SOON }]) {
        const { backend, store } = start()
        const { id } = await put(store, text('honey'), first)
        const before = await candidates(backend)
        expect((await put(store, text('honey'), { reference: text('2'), ...options })).id).toBe(id)
        expect(await candidates(backend)).toEqual('expires' in options ? [id] : before)
        expect((await inspectStore(backend)).problems).toEqual([])
      }
    }
  })

  it('is not a candidate if the answer to its last commit is lost and the commit is repeated', async () => {
    const memory = memoryBackend()
    let lost = 0
    const backend: Backend = {
      ...memory,
      metadata: {
        ...memory.metadata,
        async commit(checks, mutations) {
          const version = await memory.metadata.commit(checks, mutations)
          if (version && mutations.some(({ key }) => key[1] === 0x68) && lost++ === 0) {
            throw new BackendError('the answer is lost', { retryable: true, outcome: 'unknown' })
          }
          return version
        },
      },
    }
    const store = new StreamStore(backend, { blockSize: 1, host: new VirtualHost() })
    const { id } = await put(store, text('honey'), { reference: text('r') })
    expect(lost).toBe(1)
    expect(await candidates(memory)).toEqual([])
    expect(await leaseOf(memory, id)).toBe(0)
  })
})

describe('a writer whose row was removed', () => {
  /** Acts like a heal on an upload of unknown outcome: moves its objects to another stream and removes its row. */
  async function takeObjects({ metadata }: Backend, into: string): Promise<void> {
    const [intent] = await metadata.list({ prefix: keys.intent(NONE), limit: 1 })
    const own = parseStreamId(intent!.value)
    const target = fromHex(into)!
    const targetRow = (await metadata.get(keys.stream(target)))!
    const former = parsePage((await metadata.get(keys.page(target, 0)))!.value)
    const intents = await metadata.list({ prefix: keys.intent(NONE), limit: 100 })
    const objects = intents.map(({ key }) => key.slice(3))
    const entries = former.entries.map((entry, index) => ({ ...entry, object: objects[index] ?? entry.object }))
    await metadata.commit(
      [],
      [
        { key: keys.page(own, 0), value: formatPage({ byteOffset: 0, entries }) },
        { key: keys.stream(target), value: formatStream({ ...parseStream(targetRow.value), pageSet: own }) },
        { key: keys.page(target, 0), value: undefined },
        { key: keys.stream(own), value: undefined },
        { key: keys.candidate(own), value: undefined },
        ...intents.map(({ key }) => ({ key, value: undefined })),
      ],
    )
  }

  it('does not delete objects whose intents were removed, because pages of another stream may name them', async () => {
    const memory = memoryBackend()
    let heal: (() => Promise<void>) | undefined
    const backend: Backend = {
      ...memory,
      metadata: {
        ...memory.metadata,
        async commit(checks, mutations) {
          if (heal && mutations.some(({ key }) => key[1] === 0x68 || key[1] === 0x72)) {
            const run = heal
            heal = undefined
            await run()
            throw new BackendError('the answer is lost', { retryable: true, outcome: 'unknown' })
          }
          return memory.metadata.commit(checks, mutations)
        },
      },
    }
    const store = new StreamStore(backend, { blockSize: 1, host: new VirtualHost() })
    const { id } = await put(store, text('a'), { reference: text('1') })
    heal = () => takeObjects(memory, id)
    // Different content, so that the writer puts its own objects.
    const sink = store.sink({ reference: text('2') })
    await expect(bytesSource(text('aa')).stream().pipeTo(sink)).rejects.toMatchObject({ outcome: 'unknown' })
    await sink.abort(new Error('enough')).catch(() => undefined)
    expect(heal).toBeUndefined()
    expect(new TextDecoder().decode(await collect((await store.open(id)).stream()))).toBe('a')
    await store.transaction((tx) => tx.markAsUsed(id, text('3')))
    await store.close()
  })
})
