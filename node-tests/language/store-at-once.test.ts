import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { LocalHive } from '../../src/hive.ts'
import { type Backend, type BlockSinkOptions, StreamStore, type Transaction } from '../../src/store.ts'
import { type Fault, faulty, type FaultyBackend, type Step } from '../support/faulty-backend.ts'
import { collectHastily, hastyHost } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, put, text, watched } from '../support/store-tools.ts'
import { rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const BYTES = pattern(40)
const KEPT: BlockSinkOptions = { reference: text('kept') }

/** All stores share it, so that their ids differ. */
const host = new VirtualHost()
const makeStore = (backend: Backend): StreamStore => new StreamStore(backend, { host })
const collect = (memory: Backend): Promise<unknown> => collectHastily(memory, host)

/** A backend with the row `v`. */
async function begun(): Promise<Backend> {
  const memory = memoryBackend()
  await makeStore(memory).transaction(async (tx) => tx.set(text('begun'), text('')))
  return memory
}

/** Counts the commits of some work. */
async function commitsOf(memory: Backend, work: (store: StreamStore) => Promise<unknown>): Promise<number> {
  let commits = 0
  await work(makeStore(watched(memory, { commit: () => commits++ })))
  return commits
}

/** A backend in which commits go wrong, by their number from 0. */
function withFault(memory: Backend, faults: Readonly<Record<number, Fault>>): FaultyBackend {
  let commits = 0
  return faulty(memory, ({ operation }: Step) => (operation === 'commit' ? faults[commits++] : undefined))
}

/** Removes the reference of the only stream, and collects it. */
async function unmarkAndCollect(memory: Backend): Promise<void> {
  const [id] = (await inspectStore(memory)).stored.keys()
  await makeStore(memory).transaction((tx) => tx.unmarkAsUsed(id!, text('kept')))
  await collect(memory)
}

describe('a stream without blocks', () => {
  it.each([
    ['a small content with a reference', BYTES, KEPT],
    ['an empty content with a reference', new Uint8Array(0), KEPT],
    ['a small content without a reference', BYTES, {}],
    ['a small content with a reference that expires', BYTES, { ...KEPT, expires: new Date(8e12) }],
  ])('is stored in one commit: %s', async (_, bytes, options) => {
    const memory = await begun()
    expect(await commitsOf(memory, (store) => put(store, bytes, options))).toBe(1)
    const { counts, problems } = await inspectStore(memory)
    const isKept = 'reference' in options && !('expires' in options)
    const expected = { v: 1, u: 1, s: 1, h: 1, ...('reference' in options && { r: 1 }), ...(!isKept && { c: 1 }) }
    expect({ counts, problems }).toEqual({ counts: expected, problems: [] })
  })

  it('is stored as an entry of a hive in one commit, and replaced in one', async () => {
    const memory = await begun()
    const store = async (content: Uint8Array): Promise<number> =>
      commitsOf(memory, (each) => bytesSource(content).stream().pipeTo(new LocalHive(each).sink('x')))
    expect(await store(BYTES)).toBe(1)
    expect(await store(pattern(41))).toBe(1)
    expect((await inspectStore(memory)).counts).toMatchObject({ a: 1, r: 1, c: 1 })
  })

  it('is stored in two commits if onCommit leaves no room for one more condition', async () => {
    const memory = await begun()
    const attempts: Transaction[] = []
    const options: BlockSinkOptions = {
      ...KEPT,
      async onCommit(tx) {
        attempts.push(tx)
        for (let i = 0; i < 8; i++) await tx.get(text(`row ${i}`))
      },
    }
    expect(await commitsOf(memory, (store) => put(store, BYTES, options))).toBe(2)
    expect(attempts).toHaveLength(2)
    for (const tx of attempts) expect(() => tx.set(text('late'), text(''))).toThrow(TypeError)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1, s: 1, h: 1, r: 1 })
  })

  it('becomes one stream if two writers store it at the same time', async () => {
    const memory = await begun()
    const [one, two] = [makeStore(memory), makeStore(memory)]
    const stored = await Promise.all([
      put(one, BYTES, { reference: text('one') }),
      put(two, BYTES, { reference: text('two') }),
    ])
    expect(stored[0].id).toBe(stored[1].id)
    await collect(memory)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1, s: 1, h: 1, r: 2 })
  })
})

describe('after a lost answer, a stream that is stored in one commit', () => {
  it('is acknowledged if it was stored, and the commit is not sent again', async () => {
    const memory = await begun()
    const backend = withFault(memory, { 0: 'lost' })
    const { id } = await put(makeStore(backend), BYTES, KEPT)
    expect(backend.steps.filter(({ operation }) => operation === 'commit')).toHaveLength(1)
    expect([...(await inspectStore(memory)).stored.keys()]).toEqual([id])
  })

  it('is stored by the same commit, sent again, if it was not, and that changes nothing if the first one arrives', async () => {
    const memory = await begun()
    const backend = withFault(memory, { 0: 'late' })
    const { id } = await put(makeStore(backend), BYTES, KEPT)
    await unmarkAndCollect(memory)
    await backend.arrive()
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1 })
  })

  it('is not stored again if others have removed it since', async () => {
    const memory = await begun()
    const plan = withFault(memory, { 0: 'lost' })
    let removed: Promise<void> | undefined
    const { metadata } = plan
    const store = makeStore({
      ...plan,
      metadata: {
        ...metadata,
        async commit(...args) {
          try {
            return await metadata.commit(...args)
          } finally {
            removed ??= unmarkAndCollect(memory)
            await removed
          }
        },
      },
    })
    await expect(put(store, BYTES, KEPT)).rejects.toMatchObject({ name: 'BackendError', outcome: 'unknown' })
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1 })
  })

  it.each([
    ['while a row says that', false],
    ['once a collection has removed that row', true],
  ])('is ruled out if it is given up: %s', async (_, collected) => {
    const memory = await begun()
    // Five tries, and the row that rules them out.
    const backend = withFault(memory, { 0: 'late', 1: 'busy', 2: 'busy', 3: 'busy', 4: 'busy' })
    const error = await rejection(put(makeStore(backend), BYTES, KEPT))
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
    expect((error as { outcome?: string }).outcome).not.toBe('unknown')
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1, s: 1, c: 1 })
    if (collected) await collect(memory)
    await backend.arrive()
    if (!collected) await collect(memory)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1 })
  })

  it('is ruled out before it is tried under another id, because another writer was faster', async () => {
    const memory = await begun()
    const backend = withFault(memory, { 0: 'late' })
    const { metadata } = backend
    let others = 0
    const store = makeStore({
      ...backend,
      metadata: {
        ...metadata,
        async commit(...args) {
          if (others++ === 1) await put(makeStore(memory), BYTES, { reference: text('other') })
          return metadata.commit(...args)
        },
      },
    })
    await put(store, BYTES, KEPT)
    expect((await inspectStore(memory)).references).toHaveLength(2)
    await backend.arrive()
    for (let i = 0; i < 2; i++) await collect(memory)
    expect((await inspectStore(memory)).counts).toEqual({ v: 1, u: 1, s: 1, h: 1, r: 2 })
  })

  it('is found if it is stored while its writer looks', async () => {
    const memory = await begun()
    const backend = withFault(memory, { 0: 'late' })
    const { metadata } = backend
    let looks = 0
    let isSent = false
    const store = makeStore({
      ...backend,
      metadata: {
        ...metadata,
        async commit(...args) {
          isSent = true
          return metadata.commit(...args)
        },
        async get(key, options) {
          // After the first of the two rows that show what happened was read, the commit arrives, and then a collection
          // removes another stream.
          const row = await metadata.get(key, options)
          if (isSent && looks++ === 0) {
            await backend.arrive()
            const other = await put(makeStore(memory), text('other'), KEPT)
            await makeStore(memory).transaction((tx) => tx.unmarkAsUsed(other.id, text('kept')))
            await makeStore(memory).collectGarbage({ graceMs: 0 })
          }
          return row
        },
      },
    })
    await expect(put(store, BYTES)).resolves.toMatchObject({ size: BYTES.byteLength })
    expect((await inspectStore(memory)).stored.size).toBe(1)
  })
})

describe('a collection', () => {
  it('rewrites v once, between listing the candidates and removing the first of them', async () => {
    const memory = await begun()
    const { id } = await put(makeStore(memory), BYTES, KEPT)
    await put(makeStore(memory), pattern(3), KEPT)
    const calls: string[] = []
    const { metadata } = memory
    const spied: Backend = {
      ...memory,
      metadata: {
        ...metadata,
        list(options) {
          calls.push(`list ${rowOf(options.prefix)}`)
          return metadata.list(options)
        },
        commit(checks, mutations) {
          for (const { key, value } of mutations) calls.push(`${value ? 'write' : 'delete'} ${rowOf(key)}`)
          return metadata.commit(checks, mutations)
        },
      },
    }
    await collect(spied)
    expect(calls).not.toContain('write v')
    for (const each of (await inspectStore(memory)).stored.keys())
      await makeStore(memory).transaction((tx) => tx.unmarkAsUsed(each, text('kept')))
    await new StreamStore(spied, { host: hastyHost(host) }).collectGarbage({ dryRun: true })
    expect(calls).not.toContain('write v')
    calls.length = 0
    await collect(spied)
    expect(calls.filter((call) => /^(list c|write v|delete s)$/.test(call))).toEqual([
      'list c',
      'write v',
      'delete s',
      'delete s',
      'list c',
    ])
    await expect(makeStore(memory).open(id)).rejects.toMatchObject({ name: 'NotFoundError' })
  })
})

/** The kind of row that a key belongs to. */
function rowOf(key: Uint8Array): string {
  return String.fromCharCode(key[1]!)
}
