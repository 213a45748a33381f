import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { systemHost } from '../../src/store/host.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatStream, parsePage, parseStream } from '../../src/store/rows/row-values.ts'
import { type Fault, faulty, type FaultyBackend, type Step } from '../support/faulty-backend.ts'
import { collectHastily, copyOf, hastyHost } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { sample, wholeOr } from '../support/sample.ts'
import { put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** Makes a store in which a collection takes each of its steps. */
async function prepare(): Promise<Backend> {
  const memory = memoryBackend()
  const host = new VirtualHost()
  const options = { blockSize: 1, inMemoryThreshold: 2, host }
  const store = new StreamStore(memory, options)
  const soon = { expires: new Date(host.now() + 1) }
  await put(store, text('alive'), { reference: text('alive') })
  await put(store, text('dead'))
  const { id } = await put(store, text('expired'), { reference: text('pin'), ...soon })
  const { id: both } = await put(store, text('both'), { reference: text('both') })
  await store.transaction(async (tx) => {
    await tx.markAsUsed(id, text('another pin'), soon)
    await tx.markAsUsed(both, text('pin'), soon)
  })
  // An upload and a duplicate whose processes died: after the commit that created the row, and after the last commit.
  for (const [content, commits] of [
    ['crashed upload', 3],
    ['alive', 2],
  ] as const) {
    let count = 0
    const backend = faulty(memory, ({ operation }) =>
      operation === 'commit' && ++count === commits ? 'crash-after' : undefined,
    )
    const sink = new StreamStore(backend, options).sink({ reference: text('crashed') })
    const writer = sink.getWriter()
    const writing = (async () => {
      for (const letter of content) await writer.write(text(letter))
      await writer.close()
    })()
    await Promise.race([Promise.allSettled([writing]), backend.crashed])
  }
  return memory
}

let prepared: Promise<Backend> | undefined

const KEYS = new RowKeys('')
const KEPT = ['alive', 'both']

async function expectKept(memory: Backend, where: string): Promise<void> {
  const contents = await inspectStore(memory)
  expect(contents.problems, where).toEqual([])
  for (const content of KEPT) expect([...contents.stored.values()], where).toContain(content)
}

/** Checks that after two more collections only live streams are left, and nothing of the dead ones. */
async function expectRecovered(memory: Backend, host: VirtualHost, where: string): Promise<void> {
  // The first collection may leave a candidate row that it wrote or found late.
  await collectHastily(memory, host)
  await collectHastily(memory, host)
  const contents = await inspectStore(memory)
  expect(contents.problems, where).toEqual([])
  expect([...contents.stored.values()].toSorted(), where).toEqual(KEPT)
  const references = contents.references.length
  expect(references, where).toBeGreaterThanOrEqual(2)
  expect(contents.counts, where).toEqual({ v: 1, s: 2, m: 2, h: 2, r: references })
  expect(contents.objects, where).toBe(9)
}

async function expectSafe(plan: (step: Step) => Fault | undefined, where: string): Promise<FaultyBackend> {
  const host = new VirtualHost({ seed: 2 })
  prepared ??= prepare()
  const memory = await copyOf(await prepared)
  host.advance(10)
  const backend = faulty(memory, plan, host)
  const collecting = new StreamStore(backend, { host: hastyHost(host) }).collectGarbage({ graceMs: 0 })
  await Promise.race([Promise.allSettled([collecting]), backend.crashed])
  await expectKept(memory, where)
  // Late commits are applied now, or after another collection.
  const copy = Number(where.at(-1)) % 2 === 0
  if (copy) await collectHastily(memory, host)
  await backend.arrive()
  await expectKept(memory, where)
  await expectRecovered(memory, host, where)
  return backend
}

const FAULTS: Fault[] = ['fail', 'busy', 'lost', 'late', 'delay', 'crash-before', 'crash-after']

describe('a collection whose backend fails', () => {
  it('removes nothing live, and leaves nothing that the next collection does not remove, whatever fails', async () => {
    const clean = await expectSafe(() => undefined, 'clean 0')
    expect(clean.steps.length).toBeGreaterThan(60)
    // In the short form, a step meets every other kind of fault.
    const every = wholeOr(1, 2)
    for (const [kind, fault] of FAULTS.entries()) {
      for (const { index, operation } of clean.steps.filter((step) => (step.index + kind) % every === 0)) {
        // Calls that do not change anything can fail in fewer ways.
        if (!/commit|delete/.test(operation) && ['lost', 'late', 'delay', 'crash-after'].includes(fault)) continue
        const where = `${fault} at ${index}`
        await expectSafe((step) => (step.index === index ? fault : undefined), where)
      }
    }
  })

  it('continues although every other call fails for a moment', async () => {
    // The tries of one call may be among these again and again.
    const budget = { ...systemHost.budget, tries: 50 }
    for (const fault of ['busy', 'lost'] as const) {
      for (const every of [2, 3, 4]) {
        const host = new VirtualHost({ seed: 3, budget })
        const memory = await prepare()
        const backend = faulty(memory, ({ index }) => (index % every === 0 ? fault : undefined), host)
        const { problems } = await new StreamStore(backend, { host: hastyHost(host) }).collectGarbage({ graceMs: 0 })
        expect(problems).toEqual([])
        await expectRecovered(memory, host, `${fault} ${every}`)
      }
    }
  })

  it('rejects with the error of an engine that keeps failing', async () => {
    const host = new VirtualHost({ seed: 2 })
    const memory = await prepare()
    for (const operation of ['list', 'get', 'commit', 'blocks.delete']) {
      const backend = faulty(memory, (step) => (step.operation === operation ? 'busy' : undefined), host)
      const collecting = new StreamStore(backend, { host: hastyHost(host) }).collectGarbage({ graceMs: 0 })
      await expect(collecting).rejects.toMatchObject({ name: 'BackendError', message: `${operation} is busy` })
    }
    await expectRecovered(memory, host, 'at last')
  })
})

describe('a reader of a stream whose pages are replaced', () => {
  it('continues at the same byte in the pages that the row now names, with blocks of any size', async () => {
    const bytes = text('0123456789'.repeat(5))
    for (const [before, after] of [
      [1, 7],
      [7, 1],
      [3, 50],
      [50, 3],
    ] as const) {
      const memory = memoryBackend()
      const host = new VirtualHost()
      const open = (blockSize: number) => new StreamStore(memory, { blockSize, inMemoryThreshold: 1, host })
      const { id, digest } = await put(open(before), bytes, { reference: text('1') })
      await memory.metadata.commit([], [{ key: KEYS.digest(digest), value: undefined }])
      const { id: twin } = await put(open(after), bytes, { reference: text('2') })
      const reader = (await open(1).open(id)).slice(2, 48).stream().getReader()
      const got = [...(await reader.read()).value!]
      // As in a heal, the two streams swap their page sets, and the former objects are deleted.
      const [one, two] = [KEYS.stream(fromHex(id)!), KEYS.stream(fromHex(twin)!)]
      const [first, second] = [await memory.metadata.get(one), await memory.metadata.get(two)]
      const [{ blockSize, blockCount }, layout] = [parseStream(first!.value), parseStream(second!.value)]
      const healed = { blockSize: layout.blockSize, blockCount: layout.blockCount, pageSet: fromHex(twin)! }
      const former = { blockSize, blockCount, pageSet: fromHex(id)! }
      const page = parsePage((await memory.metadata.get(KEYS.page(fromHex(id)!, 0)))!.value)
      await memory.metadata.commit(
        [],
        [
          { key: one, value: formatStream({ ...parseStream(first!.value), ...healed }) },
          { key: two, value: formatStream({ ...layout, ...former }) },
        ],
      )
      for (const { object } of page.entries) await memory.blocks.delete(KEYS.object(object))
      for (let next = await reader.read(); !next.done; next = await reader.read()) got.push(...next.value)
      expect(new TextDecoder().decode(Uint8Array.from(got)), `${before} to ${after}`).toBe(
        '0123456789'.repeat(5).slice(2, 48),
      )
    }
  })
})

describe('a reader of a stream that is collected', () => {
  /** Reads a stream, and collects it at call `at` of the reader. */
  async function read(at: number, graceMs: number, again: boolean): Promise<{ got: unknown; calls: number }> {
    const memory = memoryBackend()
    const host = new VirtualHost()
    const store = new StreamStore(memory, { blockSize: 1, inMemoryThreshold: 2, host })
    const bytes = text('0123456789'.repeat(60))
    const { id } = await put(store, bytes, { reference: text('r') })
    let calls = 0
    const collectNow = async (): Promise<void> => {
      if (++calls !== at) return
      await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
      await new StreamStore(memory, { host: hastyHost(host) }).collectGarbage({ graceMs })
      // The new blocks have a different size.
      if (again) await put(new StreamStore(memory, { blockSize: 7, host }), bytes, { reference: text('again') })
    }
    const backend: Backend = {
      ...memory,
      metadata: {
        ...memory.metadata,
        async get(...args) {
          await collectNow()
          return memory.metadata.get(...args)
        },
      },
      blocks: {
        ...memory.blocks,
        async get(...args) {
          await collectNow()
          return memory.blocks.get(...args)
        },
      },
    }
    const stored = await new StreamStore(backend, { inMemoryThreshold: 2, host }).open(id)
    const [outcome] = await Promise.allSettled([collect(stored.slice(3, 590).stream())])
    const got =
      outcome.status === 'fulfilled' ? new TextDecoder().decode(outcome.value) : (outcome.reason as Error).name
    return { got, calls }
  }

  const whole = '0123456789'.repeat(60).slice(3, 590)

  it('finishes during the grace period, or later if the bytes were stored again, whenever the stream is collected', async () => {
    const { calls } = await read(0, 0, false)
    expect(calls).toBeGreaterThan(590)
    // The first blocks, and those around the end of the first page.
    const places = [3, 4, 5, 6, 7, 300, 512, 513, 514, 515, 516, 517, calls]
    for (const at of sample(places)) {
      expect((await read(at, 3_600_000, false)).got, `within the grace, at ${at}`).toBe(whole)
      expect((await read(at, 0, true)).got, `stored again, at ${at}`).toBe(whole)
      const { got } = await read(at, 0, false)
      // The last blocks may have been fetched by then.
      if (at <= calls) expect(['NotFoundError', ...(at > calls - 3 ? [whole] : [])], `gone, at ${at}`).toContain(got)
    }
  })
})
