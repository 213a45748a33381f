import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { parseStream } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { type Fault, faulty, type FaultyBackend, type Step } from '../support/faulty-backend.ts'
import { collectHastily } from '../support/hasty-collector.ts'
import { harmThrough, objectsOf } from '../support/healing-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { sample } from '../support/sample.ts'
import { put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const KEYS = new RowKeys('')

interface Play {
  readonly content: string
  /** Whether the heal sets a reference. */
  readonly refers: boolean
  plan?(step: Step): Fault | undefined
  /** Wraps the backend. */
  around?(memory: Backend, backend: FaultyBackend): Backend
}

interface Played {
  readonly backend: FaultyBackend
  /** `crashed` if the process has ended. */
  readonly result: 'fulfilled' | 'rejected' | 'unknown' | 'crashed'
  readonly healed: boolean
}

/** Stores content whose stream has lost a block, and checks what must hold whatever the result. */
async function play({ content, refers, plan = () => undefined, around }: Play, where: string): Promise<Played> {
  const memory = memoryBackend()
  const host = new VirtualHost()
  const clean = new StreamStore(memory, { blockSize: 1, host })
  const { id } = await put(clean, text(content), { reference: text('before') })
  await harmThrough(memory, (await objectsOf(memory, id))[0]!, () => undefined)

  const backend = faulty(memory, plan, host)
  const store = new StreamStore(around?.(memory, backend) ?? backend, { blockSize: 1, host })
  const storing = put(store, text(content), {
    ...(refers && { reference: text('new') }),
    onCommit: (tx) => aliasRowsIn(tx).set(text('entry'), text(id)),
  })
  const settled = Promise.allSettled([storing]).then(([each]) =>
    each.status === 'fulfilled' ? 'fulfilled' : isUnknown(each.reason) ? 'unknown' : 'rejected',
  )
  const result = await Promise.race([settled, backend.crashed.then(() => 'crashed' as const)])
  await backend.arrive()

  const isHealed = async (): Promise<boolean> =>
    parseStream((await memory.metadata.get(KEYS.stream(fromHex(id)!)))!.value).pageSet !== undefined
  const healed = await isHealed()
  const check = async (when: string): Promise<void> => {
    const what = `${where}, ${when}`
    const { problems, references, rows } = await inspectStore(memory)
    // Only a scrub finds an object whose put arrived after its upload was removed.
    const others = problems.filter((problem) => !problem.startsWith('no row names object'))
    expect(healed ? others : others.filter((problem) => !problem.startsWith(`stream ${id} (`)), what).toEqual([])
    // The alias, the reference and the new blocks appear together or not at all.
    expect({ new: references.includes(`${id}/new`), entry: rows.has('a/entry') }, what).toEqual({
      new: healed && refers,
      entry: healed,
    })
    if (healed) expect(await read(clean, id), what).toBe(content)
  }
  await check('at once')
  if (result === 'fulfilled') expect(healed, where).toBe(true)
  if (result === 'rejected') expect(healed, where).toBe(false)

  for (let i = 0; i < 2; i++) await collectHastily(memory, host)
  await check('after recovery')
  expect((await put(clean, text(content))).id, where).toBe(id)
  expect(await read(clean, id), where).toBe(content)
  for (let i = 0; i < 2; i++) await collectHastily(memory, host)
  const { problems, unfinished, counts } = await inspectStore(memory)
  const others = problems.filter((problem) => !problem.startsWith('no row names object'))
  expect({ others, unfinished, i: counts['i'], t: counts['t'] }, where).toEqual({ others: [], unfinished: [] })
  return { backend, result, healed }
}

async function read(store: StreamStore, id: string): Promise<string> {
  return new TextDecoder().decode(await collect((await store.open(id)).stream()))
}

const isUnknown = (error: unknown): boolean => (error as { outcome?: string }).outcome === 'unknown'

/** Returns the possible faults of a call. A call that changes nothing has fewer of them. */
function faultsOf(operation: string): Fault[] {
  if (/get|size/.test(operation)) return ['fail', 'busy', 'delay', 'crash-before']
  const faults: Fault[] = ['fail', 'busy', 'quota', 'lost', 'late', 'delay', 'crash-before', 'crash-after']
  return operation === 'blocks.put' ? [...faults, 'torn'] : faults
}

describe('a heal whose backend fails', () => {
  it.each(['ab', 'abcdefghij'])(
    'takes effect or not, and can be repeated, whatever fails at any call: %s',
    async (content) => {
      const clean = await play({ content, refers: true }, 'clean')
      expect(clean).toMatchObject({ result: 'fulfilled', healed: true })
      const cases = clean.backend.steps.flatMap(({ index, operation }) =>
        faultsOf(operation).map((fault) => ({ index, operation, fault })),
      )
      const seen = new Set<string>()
      await Promise.all(
        sample(cases, 3).map(async ({ index, operation, fault }) => {
          const where = `${fault} at ${index} (${operation})`
          const plan = (step: Step): Fault | undefined => (step.index === index ? fault : undefined)
          const { result, healed } = await play({ content, refers: true, plan }, where)
          seen.add(`${result} ${healed}`)
        }),
      )
      expect([...seen].toSorted()).toEqual(['crashed false', 'crashed true', 'fulfilled true', 'rejected false'])
    },
  )

  it('never reports the wrong outcome when one failure follows another', async () => {
    for (const refers of [true, false]) {
      const clean = await play({ content: 'ab', refers }, 'clean')
      const last = clean.backend.steps.filter(({ operation }) => operation === 'commit').at(-1)!.index
      const seen = new Set<string>()
      for (const first of ['lost', 'late'] as const) {
        for (let later = 1; later <= 7; later++) {
          for (const second of ['fail', 'lost', 'late', 'crash-before'] as const) {
            const where = `${first}, then ${second} ${later} later`
            const plan = ({ index }: Step): Fault | undefined =>
              index === last ? first : index === last + later ? second : undefined
            const { result, healed } = await play({ content: 'ab', refers, plan }, where)
            seen.add(`${result} ${healed}`)
          }
        }
      }
      expect(seen).toContain('fulfilled true')
    }
  })

  it('is not undone by its writer when a collection has removed the row that records it', async () => {
    for (const content of ['ab', 'abcdefghij']) {
      for (const refers of [true, false]) {
        const clean = await play({ content, refers }, 'clean')
        const last = clean.backend.steps.filter(({ operation }) => operation === 'commit').at(-1)!.index
        for (const fault of ['lost', 'late'] as const) {
          // The collection runs between the commit and the check of its outcome, or after that.
          for (const calls of [1, 2, 3]) {
            const where = `${content}, ${fault}, collected ${calls} calls later`
            const { result, healed } = await play(
              {
                content,
                refers,
                plan: ({ index }) => (index === last ? fault : undefined),
                around: (memory, backend) => collectingAt(memory, backend, last + calls),
              },
              where,
            )
            if (fault === 'late') continue
            // Once the row is gone, only the reference shows the outcome.
            const told = calls > 1 || refers
            expect({ result, healed }, where).toEqual({ result: told ? 'fulfilled' : 'unknown', healed: true })
          }
        }
      }
    }
  })
})

/** Wraps a backend so that it collects before the call with this index. */
function collectingAt(memory: Backend, { metadata, blocks, steps, ...rest }: FaultyBackend, index: number): Backend {
  const collecting =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (steps.length === index) for (let i = 0; i < 2; i++) await collectHastily(memory)
      return call(...args)
    }
  return {
    ...rest,
    metadata: {
      get: collecting(metadata.get),
      list: collecting(metadata.list),
      commit: collecting(metadata.commit),
    },
    blocks: {
      put: collecting(blocks.put),
      get: collecting(blocks.get),
      size: collecting(blocks.size),
      delete: collecting(blocks.delete),
      list: collecting(blocks.list),
    },
  }
}
