import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type Mutation, type StoredStream, StreamStore, type Transaction } from '../../src/store.ts'
import { systemHost } from '../../src/store/host.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { type Fault, faulty, type FaultyBackend, type Step } from '../support/faulty-backend.ts'
import { inspectStore, type StoreContents } from '../support/inspect-store.ts'
import { sample, wholeOr } from '../support/sample.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)

/** An operation on a store. Each of its backend calls fails in turn, in every possible way. */
interface Scenario {
  /**
   * Block size in bytes.
   * @default 1
   */
  readonly blockSize?: number
  readonly name: string
  /** Content that the store has from the start, with the reference `before`. */
  readonly has?: string
  run(store: StreamStore, before: StoredStream | undefined): Promise<unknown>
  /** The expected lines of {@linkcode view} afterwards: the references of each content, and rows. */
  readonly after: readonly string[]
  /** Whether content may be left without a reference, for a collector to remove. */
  readonly mayLeave?: boolean
}

async function put(store: StreamStore, content: string, options = {}): Promise<void> {
  const sink = store.sink(options)
  const writer = sink.getWriter()
  for (const letter of content) await writer.write(text(letter))
  await writer.close()
  await sink.stored
}

/** Three groups of blocks: the first two are created with the stream, the third with an append. */
const LONG = 'abcdefghij'

const scenarios: Scenario[] = [
  ...['', 'a', 'abcd', 'abcde', LONG].map((content) => ({
    name: `storing ${content.length} blocks`,
    run: (store: StreamStore) => put(store, content, { reference: text('new') }),
    after: [`${content}: new`],
  })),
  ...['ab', LONG].map((content) => ({
    name: `storing ${content.length} blocks that the store has`,
    has: content,
    run: (store: StreamStore) => put(store, content, { reference: text('new') }),
    after: [`${content}: before new`],
  })),
  ...['ab', LONG, 'before'].map((content) => ({
    name: `putting ${content} in the place of another entry`,
    has: 'before',
    run: (store: StreamStore, before: StoredStream | undefined) =>
      put(store, content, {
        reference: text('before'),
        async onCommit(tx: Transaction, stored: StoredStream) {
          await aliasRowsIn(tx).get(text('entry'))
          aliasRowsIn(tx).set(text('entry'), text(stored.id))
          await tx.unmarkAsUsed(before!.id, text('before'))
        },
      }),
    after: [...(content === 'before' ? [] : ['before:']), `${content}: before`, `a/entry = ${content}`].toSorted(),
  })),
  {
    name: 'storing a content that fills no block',
    blockSize: 100,
    run: (store) => put(store, LONG, { reference: text('new') }),
    after: [`${LONG}: new`],
  },
  {
    name: 'storing a content that fills no block, and that the store has',
    has: LONG,
    blockSize: 100,
    run: (store) => put(store, LONG, { reference: text('new') }),
    after: [`${LONG}: before new`],
  },
  {
    name: 'marking',
    has: 'abc',
    run: (store, before) => store.transaction((tx) => tx.markAsUsed(before!.id, text('new'))),
    after: ['abc: before new'],
  },
  {
    name: 'unmarking',
    has: 'abc',
    run: (store, before) => store.transaction((tx) => tx.unmarkAsUsed(before!.id, text('before'))),
    after: ['abc:'],
  },
  {
    name: 'finding or storing by digest',
    async run(store) {
      const bytes = text(LONG)
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
      await store.transaction(async (tx) => {
        tx.set(text('key'), text('value'))
        await tx.getByDigestOrStore(digest, bytesSource(bytes), text('new'))
      })
    },
    after: [`${LONG}: new`, 'u/key = value'],
    mayLeave: true,
  },
]

/** Returns what is visible in a store: each content with its references, each row with its value. */
function view({ stored, references, rows }: StoreContents, scenario: Scenario): string[] {
  const streams = [...stored].map(([id, content]) => {
    const own = references.filter((each) => each.startsWith(id)).map((each) => each.slice(33))
    return [`${content}:`, ...own].join(' ')
  })
  const seen = scenario.mayLeave ? streams.filter((line) => !line.endsWith(':')) : streams
  return [...seen, ...[...rows].map(([key, value]) => `${key} = ${stored.get(value) ?? value}`)].toSorted()
}

interface Outcome {
  readonly backend: FaultyBackend
  readonly contents: StoreContents
  /** Undefined if the process has ended. */
  readonly result: PromiseSettledResult<unknown> | undefined
  readonly before: string[]
  readonly after: string[]
}

async function play(scenario: Scenario, plan: (step: Step) => Fault | undefined): Promise<Outcome> {
  const memory = memoryBackend()
  const host = new VirtualHost()
  const options = { blockSize: scenario.blockSize ?? 1, inMemoryThreshold: 4, host }
  let stored: StoredStream | undefined
  if (scenario.has !== undefined) {
    const sink = new StreamStore(memory, options).sink({ reference: text('before') })
    await bytesSource(text(scenario.has)).stream().pipeTo(sink)
    stored = await sink.stored
  }
  const before = view(await inspectStore(memory), scenario)
  expect(before).toEqual(scenario.has === undefined ? [] : [`${scenario.has}: before`])
  const backend = faulty(memory, plan, host)
  const run = scenario.run(new StreamStore(backend, options), stored)
  const settled = Promise.allSettled([run]).then(([result]) => result)
  const result = await Promise.race([settled, backend.crashed.then(() => undefined)])
  await backend.arrive()
  const contents = await inspectStore(memory)
  return { backend, result, contents, before, after: view(contents, scenario) }
}

function isUnknown(result: PromiseSettledResult<unknown> | undefined): boolean {
  return result?.status === 'rejected' && (result.reason as { outcome?: string }).outcome === 'unknown'
}

/** Returns the possible faults of a call. A call that changes nothing has fewer of them. */
function faultsOf(operation: string): Fault[] {
  if (operation === 'get') return ['fail', 'busy', 'delay', 'crash-before']
  const faults: Fault[] = ['fail', 'busy', 'quota', 'lost', 'late', 'delay', 'crash-before', 'crash-after']
  return [...faults, operation === 'blocks.put' ? 'torn' : 'mistaken']
}

describe('a store whose backend fails', () => {
  it.each(scenarios)('does all of $name or nothing, whatever fails at any call', async (scenario) => {
    const clean = await play(scenario, () => undefined)
    expect(clean.result?.status).toBe('fulfilled')
    expect(clean.after).toEqual(scenario.after)
    const seen = { fulfilled: 0, rejected: 0, crashed: 0 }
    const cases = clean.backend.steps.flatMap(({ index, operation }) =>
      faultsOf(operation).map((fault, kind) => ({ index, operation, fault, kind })),
    )
    // In the short form, a call meets every other kind of fault. Few cases are all needed to see each of the three outcomes.
    const every = cases.length < 100 ? 1 : wholeOr(1, 2)
    const chosen = cases.filter(({ index, kind }) => (index + kind) % every === 0)
    const plays = chosen.map(async ({ index, operation, fault }) => {
      const where = `${fault} at ${index} (${operation})`
      const { backend, contents, result, before, after } = await play(scenario, (step) =>
        step.index === index ? fault : undefined,
      )
      // On an engine that is not in memory, the calls of two plays may come in different orders.
      const met = backend.steps[index]?.operation
      seen[result?.status ?? 'crashed']++

      // Only a scrub finds an object whose put arrived after its upload was removed.
      const lost = (problem: string): boolean =>
        fault === 'late' && met === 'blocks.put' && problem.startsWith('no row names object')
      expect(
        contents.problems.filter((problem) => !lost(problem)),
        where,
      ).toEqual([])

      // An error of another kind than those of a backend says nothing.
      const unknown = isUnknown(result) || fault === 'mistaken'
      if (result?.status === 'fulfilled') expect(after, where).toEqual(scenario.after)
      else if (result && !unknown) expect(after, where).toEqual(before)
      else expect([before, scenario.after], where).toContainEqual(after)

      // A failure that the process survived leaves nothing for a collection to remove.
      if (result?.status === 'rejected' && !['late', 'lost', 'mistaken'].includes(fault)) {
        expect(contents.unfinished, where).toEqual([])
        expect(contents.counts['i'], where).toBeUndefined()
      }
    })
    await Promise.all(plays)
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
  })

  it('stores a long stream whose objects and intents are refused repeatedly', async () => {
    const times = Math.max(...sample([100, 20, 20, 20, 20], 5))
    for (const fault of ['busy', 'lost', 'late'] as const) {
      const memory = memoryBackend()
      const host = new VirtualHost({ budget: { ...systemHost.budget, tries: 50 } })
      const backend = faulty(
        memory,
        ({ index, operation }) => {
          // The first calls create the row with the version of the store.
          if (index < 2 || operation === 'get' || host.fraction() < 0.6) return undefined
          return operation === 'commit' ? fault : 'busy'
        },
        host,
      )
      const content = LONG.repeat(times)
      await put(new StreamStore(backend, { blockSize: 1, host }), content, { reference: text('new') })
      const { stored, problems, counts } = await inspectStore(memory)
      expect([...stored.values()], fault).toEqual([content])
      expect(problems, fault).toEqual([])
      expect(counts['i'], fault).toBeUndefined()
    }
  })

  it('finds out whether a last commit was applied, however often the answer is lost', async () => {
    for (const fault of ['lost', 'mistaken', 'late', 'busy'] as const) {
      for (const content of fault === 'busy' ? ['ab'] : ['ab', LONG]) {
        for (const has of [undefined, content]) {
          const scenario: Scenario = {
            name: '',
            ...(has === undefined ? {} : { has }),
            run: (store) => put(store, content, { reference: text('new') }),
            after: [`${content}: ${has ? 'before ' : ''}new`],
          }
          const clean = await play(scenario, () => undefined)
          const commits = clean.backend.steps.filter(({ operation }) => operation === 'commit')
          const plays = commits.map(async ({ index }) => {
            const { result, contents, before, after } = await play(scenario, (step) =>
              step.index >= index && step.operation === 'commit' ? fault : undefined,
            )
            const where = `${fault} from ${index}`
            expect(contents.problems, where).toEqual([])
            if (result?.status === 'fulfilled') expect(after, where).toEqual(scenario.after)
            else if (!isUnknown(result)) expect(after, where).toEqual(before)
            else expect([before, scenario.after], where).toContainEqual(after)
          })
          await Promise.all(plays)
        }
      }
    }
  })

  it('never reports the wrong outcome when one failure follows another', async () => {
    for (const has of [undefined, 'ab']) {
      const scenario: Scenario = {
        name: '',
        ...(has === undefined ? {} : { has }),
        run: (store) => put(store, 'ab', { reference: text('new') }),
        after: [`ab: ${has ? 'before ' : ''}new`],
      }
      const clean = await play(scenario, () => undefined)
      const commits = clean.backend.steps.filter(({ operation }) => operation === 'commit')
      const plays = commits.flatMap(({ index }) =>
        (['lost', 'late'] as const).flatMap((first) =>
          [1, 2, 3, 4, 5, 6, 7].flatMap((later) =>
            (['fail', 'lost', 'late', 'crash-before'] as const).map(async (second) => {
              const next = index + later
              const where = `${first} at ${index}, ${second} at ${next}`
              const { contents, result, before, after } = await play(scenario, (step) =>
                step.index === index ? first : step.index === next ? second : undefined,
              )
              const lost = (problem: string): boolean => problem.startsWith('no row names object')
              expect(
                contents.problems.filter((problem) => !lost(problem)),
                where,
              ).toEqual([])
              if (result?.status === 'fulfilled') expect(after, where).toEqual(scenario.after)
              else if (result && !isUnknown(result)) expect(after, where).toEqual(before)
              else expect([before, scenario.after], where).toContainEqual(after)
            }),
          ),
        ),
      )
      await Promise.all(plays)
    }
  })

  it('reports an unknown outcome when not even reading back shows it', async () => {
    for (const fault of ['lost', 'late'] as const) {
      for (const has of [undefined, 'ab']) {
        const scenario: Scenario = {
          name: '',
          ...(has === undefined ? {} : { has }),
          run: (store) => put(store, 'ab', { reference: text('new') }),
          after: [`ab: ${has ? 'before ' : ''}new`],
        }
        const clean = await play(scenario, () => undefined)
        const commits = clean.backend.steps.filter(({ operation }) => operation === 'commit')
        // For a duplicate, another commit follows that removes its rows.
        const last = commits.at(has ? -2 : -1)!.index
        const { result, contents, after } = await play(scenario, ({ index }) =>
          index < last ? undefined : index === last ? fault : 'fail',
        )
        expect(isUnknown(result)).toBe(true)
        expect(after).toEqual(scenario.after)
        expect(contents.problems).toEqual([])
      }
    }
  })

  it.each([
    { before: false, content: 'ab' },
    { before: true, content: 'ab' },
    { before: true, content: LONG },
  ])('relies on the reference that it set when its own row is gone ($before, $content)', async (given) => {
    for (const applied of [true, false]) {
      const memory = memoryBackend()
      const host = new VirtualHost()
      // A reference that already existed proves nothing.
      if (given.before) await put(new StreamStore(memory, { host }), given.content, { reference: text('new') })
      const isLast = (mutations: readonly Mutation[]): boolean =>
        mutations.some(({ key }) => String.fromCharCode(...key).startsWith('/r/'))
      let last = false
      let lost = false
      const backend = faulty(
        memory,
        ({ operation }) => {
          if (operation !== 'commit' || !last || lost) return undefined
          lost = true
          return applied ? 'lost' : 'late'
        },
        host,
      )
      const { get, commit } = backend.metadata
      backend.metadata.commit = (checks, mutations, options) => {
        last ||= isLast(mutations)
        return commit(checks, mutations, options)
      }
      const own = new Set<string>()
      for (const { key } of await memory.metadata.list({ prefix: text('/s/'), limit: 10 })) own.add(key.join())
      backend.metadata.get = async (key, options) => {
        const isOwn = String.fromCharCode(...key).startsWith('/s/') && !own.has(key.join())
        if (lost && isOwn) await memory.metadata.commit([], [{ key, value: undefined }])
        return get(key, options)
      }
      const run = put(new StreamStore(backend, { blockSize: 1, host }), given.content, { reference: text('new') })
      const [result] = await Promise.allSettled([run])
      expect(lost).toBe(true)
      if (applied) expect(result.status).toBe('fulfilled')
      else expect(isUnknown(result)).toBe(true)
    }
  })
})
