import { beforeAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatCandidate, formatStream, parseStream } from '../../src/store/rows/row-values.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { collectHastily, copyOf, hastyHost } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { sample, seeds } from '../support/sample.ts'
import { anyOrder, type Pick, preempting, Scheduler } from '../support/scheduler.ts'
import { put, settle, text, watched } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** What an actor does with its own store on the shared backend. */
interface Actor {
  /** Whether its clock is a day ahead, so that all leases have ended for it. */
  readonly hasty?: boolean
  run(store: StreamStore, told: Told): Promise<unknown>
}

/** What the actors were told. */
class Told {
  /** References that must exist now, with the content that must be readable. */
  readonly set = new Map<string, string>()
  /** References that were refused. */
  readonly refused = new Set<string>()
  readonly wrong: string[] = []
}

interface Scenario {
  readonly name: string
  /** Content of a stream that exists from the start, with the reference `r0`. */
  readonly has?: string
  /** Whether a collector that died has condemned it. */
  readonly condemned?: boolean
  /** Whether it also has the reference `pin`, which expires soon. */
  readonly pinned?: boolean
  readonly actors: readonly Actor[]
}

/** Computes the hash without taking a turn of the host, so that a schedule is the same each time. */
async function idOf(store: StreamStore, content: string): Promise<string | undefined> {
  const [id] = await store.lookup([await digestOf(memoryBackend(), text(content))])
  return id
}

const isUnknown = (error: unknown): boolean => (error as { outcome?: string }).outcome === 'unknown'

function writer(content: string, reference: string, options: { expires?: Date } = {}): Actor {
  return {
    async run(store, told) {
      try {
        await put(store, text(content), { reference: text(reference), ...options })
        if (!options.expires) told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

function marker(content: string, reference: string, expires?: Date): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      if (!id) return
      try {
        await store.transaction((tx) => tx.markAsUsed(id, text(reference), { expires }))
        if (expires !== SOON) told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

function unmarker(reference: string): Actor {
  return {
    async run(store) {
      const id = await idOf(store, 'ab')
      if (id) await store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
    },
  }
}

/** Reads the stream that exists from the start. */
function reader(content: string, always: boolean): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      let opened = false
      try {
        if (!id) return
        const stored = await store.open(id)
        opened = true
        const got = new TextDecoder().decode(await collect(stored.stream()))
        if (got !== content) told.wrong.push(`read ${got} for ${content}`)
      } catch (error) {
        const { name } = error as Error
        if (name !== 'NotFoundError' || (always && opened)) told.wrong.push(`a reader got a ${name}`)
      }
    },
  }
}

/** An entry of a hive: alias, new reference and removal of the old one in one commit. */
function entry(content: string): Actor {
  return {
    async run(store, told) {
      const reference = text('alias')
      const sink = store.sink({
        reference,
        async onCommit(tx, stored) {
          const old = await aliasRowsIn(tx).get(text('x'))
          aliasRowsIn(tx).set(text('x'), text(stored.id))
          if (old) await tx.unmarkAsUsed(new TextDecoder().decode(old), reference)
        },
      })
      const [outcome] = await Promise.allSettled([bytesSource(text(content)).stream().pipeTo(sink)])
      if (outcome.status === 'rejected' && (outcome.reason as Error).name !== 'BackendError') {
        told.wrong.push(`a put failed with ${String(outcome.reason)}`)
      }
    },
  }
}

function collector(graceMs = 0): Actor {
  return {
    hasty: true,
    async run(store, told) {
      const { problems } = await store.collectGarbage({ graceMs })
      if (problems.length > 0) told.wrong.push(`a collector met ${String(problems[0])}`)
    },
  }
}

const SOON = new Date(1_700_000_000_000 + 60_000)
/** Later than everything that happens here, also for actors whose clock is a day ahead. */
const LATE = new Date(1_700_000_000_000 + 9 * 86_400_000)
const KEYS = new RowKeys('')
const GRACE = 10 * 86_400_000

const scenarios: Scenario[] = [
  {
    name: 'unmark, mark and two collectors',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'a duplicate of a stream that is being collected',
    has: 'ab',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  { name: 'an upload whose lease has ended', actors: [writer('abcde', 'r1'), collector(), collector()] },
  { name: 'twins', actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()] },
  {
    name: 'a mark that expires and one that does not',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'pin', SOON), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'an expired reference that is renewed',
    has: 'ab',
    pinned: true,
    actors: [collector(), marker('ab', 'pin', LATE), unmarker('r0'), collector()],
  },
  {
    name: 'a condemned stream that loses its last reference',
    has: 'ab',
    condemned: true,
    actors: [collector(), unmarker('r0'), collector()],
  },
  {
    name: 'a mark that has already expired when it is set',
    has: 'ab',
    actors: [collector(), unmarker('r0'), marker('ab', 'pin', SOON)],
  },
  {
    name: 'a reader during the grace period',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', true), collector(GRACE), collector(GRACE)],
  },
  {
    name: 'a reader without a grace period, and a writer of the same bytes',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', false), writer('ab', 'r1'), collector()],
  },
  {
    name: 'an entry that changes and changes back',
    has: 'ab',
    actors: [entry('cd'), entry('ab'), unmarker('r0'), collector()],
  },
]

async function prepare({ has, condemned, pinned }: Scenario): Promise<Backend> {
  const memory = memoryBackend()
  if (has !== undefined) {
    const store = new StreamStore(memory, { blockSize: 1, host: new VirtualHost({ seed: 1234 }) })
    const { id } = await put(store, text(has), { reference: text('r0') })
    if (pinned) await store.transaction((tx) => tx.markAsUsed(id, text('pin'), { expires: SOON }))
    if (condemned) {
      const [stream, candidate] = [KEYS.stream(fromHex(id)!), KEYS.candidate(fromHex(id)!)]
      const record = parseStream((await memory.metadata.get(stream))!.value)
      const value = formatStream({ ...record, status: { kind: 'condemned', former: 'stored' } })
      await memory.metadata.commit(
        [],
        [
          { key: stream, value },
          { key: candidate, value: formatCandidate(1) },
        ],
      )
    }
  }
  return memory
}

/** Only a scrub can find what is left by a put that arrived after its intent was reaped. */
function isNotOrphan(problem: string): boolean {
  return !problem.startsWith('no row names object')
}

async function expectKept(
  scenario: Scenario,
  prepared: Backend,
  { seed, pick, where }: { seed: number; pick: Pick; where: string },
): Promise<number> {
  const memory = await copyOf(prepared)
  let changed = true
  const noted = watched(memory, { commit: () => (changed = true), put: () => (changed = true) })
  const host = new VirtualHost({ seed })
  const scheduler = new Scheduler()
  const told = new Told()
  const actors = scenario.actors.map((actor, index) => {
    const store = new StreamStore(scheduler.gate(noted, index), {
      blockSize: 1,
      inMemoryThreshold: 1,
      host: actor.hasty ? hastyHost(host) : host,
    })
    return actor.run(store, told)
  })
  /** What must hold in every state, because any actor may die in it. */
  const look = async (step: number): Promise<void> => {
    if (!changed) return
    changed = false
    const { problems } = await inspectStore(memory)
    expect(problems.filter(isNotOrphan), `${scenario.name}, ${where}, at ${step}`).toEqual([])
  }
  const steps = await scheduler.run(actors, pick, look)
  const check = async (when: string): Promise<void> => {
    const contents = await inspectStore(memory)
    const what = `${scenario.name}, ${where}, ${when}`
    const problems = contents.problems.filter(isNotOrphan)
    expect([...problems, ...told.wrong], what).toEqual([])
    for (const [reference, content] of told.set) {
      const row = contents.references.find((each) => each.endsWith(`/${reference}`))
      expect(contents.stored.get(row?.slice(0, 32) ?? ''), `${what}, ${reference}`).toBe(content)
    }
    for (const reference of told.refused) {
      expect(
        contents.references.filter((each) => each.endsWith(`/${reference}`)),
        what,
      ).toEqual([])
    }
    const alias = contents.rows.get('a/x')
    if (alias) expect(contents.references, what).toContain(`${alias}/alias`)
  }
  await check('at the end')
  await collectHastily(memory, host)
  await collectHastily(memory, host)
  await check('after recovery')
  const { unfinished, counts, stored, references } = await inspectStore(memory)
  const what = `${scenario.name}, ${where}, after recovery`
  expect(unfinished, what).toEqual([])
  // A stream with a reference that expires remains a candidate.
  for (const kind of ['i', 't', ...(scenario.pinned ? [] : ['c'])])
    expect(counts[kind], `${what}: ${kind}`).toBeUndefined()
  const referenced = new Set(references.map((each) => each.slice(0, 32)))
  expect([...stored.keys()].toSorted(), what).toEqual([...referenced].toSorted())
  return steps
}

/** The most schedules with a preemption for one scenario. If there are more, they are sampled evenly. */
const MOST_SCHEDULES = 300

/** Orders in which actors run one after the other; each actor is first in one of them. */
function rotations(count: number): number[][] {
  return Array.from({ length: count }, (_, first) => Array.from({ length: count }, (__, i) => (first + i) % count))
}

describe('collectors, writers, markers and readers of one store', () => {
  beforeAll(settle)

  it.each(scenarios)(
    'keep all guarantees in every order with one preemption: $name',
    async (scenario) => {
      const prepared = await prepare(scenario)
      const count = scenario.actors.length
      for (const order of rotations(count)) {
        const expectSteps = (preemptions: Map<number, number>, where: string): Promise<number> =>
          expectKept(scenario, prepared, { seed: 1, pick: preempting(order, preemptions), where })
        const steps = await expectSteps(new Map(), `order ${order.join()}`)
        expect(steps).toBeGreaterThan(count)
        const stride = Math.ceil((steps * count * count) / MOST_SCHEDULES)
        const places = Array.from({ length: Math.ceil((steps * count - 1) / stride) }, (_, i) => 1 + i * stride)
        for (const n of sample(places, 10)) {
          const [step, other] = [Math.floor(n / count), n % count]
          const where = `order ${order.join()}, ${other} at ${step}`
          await expectSteps(new Map([[step, other]]), where)
        }
      }
    },
    120_000,
  )

  it.each(scenarios)(
    'keep all guarantees in random orders, whichever actor dies: $name',
    async (scenario) => {
      const prepared = await prepare(scenario)
      for (const seed of seeds(100, 10)) {
        const random = new VirtualHost({ seed: seed + 1000 })
        const pick = anyOrder(() => random.fraction(), scenario.actors.length)
        const steps = await expectKept(scenario, prepared, { seed, pick, where: `seed ${seed}` })
        expect(steps).toBeGreaterThan(0)
      }
    },
    120_000,
  )
})
