import { expect } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { IntegrityError } from '../../src/errors.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatCandidate, formatStream, parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { collectHastily, copyOf, hastyHost } from './hasty-collector.ts'
import { harmThrough, objectsOf } from './healing-suite.ts'
import { inspectStore, type StoreContents } from './inspect-store.ts'
import { sample, seeds } from './sample.ts'
import { anyOrder, type Pick, preempting, Scheduler } from './scheduler.ts'
import { markAsDamaged, put, text, watched } from './store-tools.ts'
import { VirtualHost } from './virtual-host.ts'

/** What an actor does with its own store on the shared backend. */
export interface Actor {
  /** Whether its clock is a day ahead, so that all leases have ended for it. */
  readonly hasty?: boolean
  run(store: StreamStore, told: Told): Promise<unknown>
}

/** What the actors were told. */
export class Told {
  /** References that must exist now, with the content that must be readable. */
  readonly set = new Map<string, string>()
  /** References that were refused. */
  readonly refused = new Set<string>()
  readonly wrong: string[] = []
}

/** Actors of one store, and what it has when they start. */
export interface Scenario {
  readonly name: string
  /** Content of a stream that exists from the start, with the reference `r0`. */
  readonly has?: string
  /** Whether a collector that died has condemned it. */
  readonly condemned?: boolean
  /** Whether it also has the reference `pin`, which expires soon. */
  readonly pinned?: boolean
  /** What is wrong with its first block: it is lost, or has other bytes; or nothing, but the stream is marked. */
  readonly damage?: 'lost' | 'flipped' | 'marked'
  readonly actors: readonly Actor[]
}

/** Computes the hash without taking a turn of the host, so that a schedule is the same each time. */
async function idOf(store: StreamStore, content: string): Promise<string | undefined> {
  const [id] = await store.lookup([await digestOf(memoryBackend(), text(content))])
  return id
}

const isUnknown = (error: unknown): boolean => (error as { outcome?: string }).outcome === 'unknown'

export function writer(content: string, reference: string, options: { expires?: Date } = {}): Actor {
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

export function marker(content: string, reference: string, expires?: Date): Actor {
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

export function unmarker(reference: string): Actor {
  return {
    async run(store) {
      const id = await idOf(store, 'ab')
      if (id) await store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
    },
  }
}

/** Reads the stream that exists from the start. */
export function reader(content: string, always: boolean): Actor {
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

/** Finds or stores a content in a transaction. */
export function getter(content: string, reference: string): Actor {
  return {
    async run(store, told) {
      const digest = await digestOf(memoryBackend(), text(content))
      try {
        await store.transaction((tx) => tx.getByDigestOrStore(digest, bytesSource(text(content)), text(reference)))
        told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

/** Reads the stream that exists from the start, which is not removed but may be damaged. */
export function finder(content: string): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      try {
        const got = new TextDecoder().decode(await collect((await store.open(id!)).stream()))
        if (got !== content) told.wrong.push(`read ${got} for ${content}`)
      } catch (error) {
        const { name, streamId, blockIndex } = error as IntegrityError
        if (name !== 'IntegrityError' || streamId !== id || blockIndex !== 0)
          told.wrong.push(`a reader got ${String(error)}`)
      }
    },
  }
}

/** An entry of a hive: alias, new reference and removal of the old one in one commit. */
export function entry(content: string): Actor {
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

export function collector(graceMs = 0): Actor {
  return {
    hasty: true,
    async run(store, told) {
      const { problems } = await store.collectGarbage({ graceMs })
      if (problems.length > 0) told.wrong.push(`a collector met ${String(problems[0])}`)
    },
  }
}

export const SOON = new Date(1_700_000_000_000 + 60_000)
/** Later than everything that happens here, also for actors whose clock is a day ahead. */
export const LATE = new Date(1_700_000_000_000 + 9 * 86_400_000)
const KEYS = new RowKeys('')
async function prepare({ has, condemned, pinned, damage }: Scenario): Promise<Backend> {
  const memory = memoryBackend()
  if (has !== undefined) {
    const store = new StreamStore(memory, { blockSize: 1, host: new VirtualHost({ seed: 1234 }) })
    const { id } = await put(store, text(has), { reference: text('r0') })
    if (pinned) await store.transaction((tx) => tx.markAsUsed(id, text('pin'), { expires: SOON }))
    if (damage === 'marked') await markAsDamaged(memory, id)
    else if (damage) {
      const [object] = await objectsOf(memory, id)
      await harmThrough(memory, object!, (bytes) => (damage === 'lost' ? undefined : bytes.fill(0)))
    }
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

/** Follows the stream that was damaged when a run began. */
class Damaged {
  readonly #memory: Backend
  readonly #id: string
  #references = 1

  private constructor(memory: Backend, id: string) {
    this.#memory = memory
    this.#id = id
  }

  static async of(memory: Backend): Promise<Damaged> {
    return new Damaged(memory, [...(await inspectStore(memory)).stored.keys()][0]!)
  }

  /** Its row, unless it was healed or collected. */
  async row(): Promise<StreamRecord | undefined> {
    const row = await this.#memory.metadata.get(KEYS.stream(fromHex(this.#id)!))
    const record = row && parseStream(row.value)
    return record?.pageSet ? undefined : record
  }

  /** The problems that are not just its damage, and whether a writer relies on it although it is marked. */
  async problems({ problems, references }: StoreContents): Promise<string[]> {
    const row = await this.row()
    const others = problems.filter((problem) => !row || !problem.startsWith(`stream ${this.#id} (`))
    const count = references.filter((each) => each.startsWith(this.#id)).length
    if (row?.damaged && count > this.#references) others.push('a writer relies on a stream that is marked as damaged')
    this.#references = count
    return others
  }
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
  const damaged = scenario.damage && (await Damaged.of(memory))
  const problemsOf = async (contents: StoreContents): Promise<string[]> =>
    (damaged ? await damaged.problems(contents) : contents.problems).filter(isNotOrphan)
  /** What must hold in every state, because any actor may die in it. */
  const look = async (step: number): Promise<void> => {
    if (!changed) return
    changed = false
    expect(await problemsOf(await inspectStore(memory)), `${scenario.name}, ${where}, at ${step}`).toEqual([])
  }
  const steps = await scheduler.run(actors, pick, look)
  const check = async (when: string): Promise<void> => {
    const contents = await inspectStore(memory)
    const what = `${scenario.name}, ${where}, ${when}`
    expect([...(await problemsOf(contents)), ...told.wrong], what).toEqual([])
    // Wrong bytes of the right length do not show before somebody reads them.
    const unread = scenario.damage === 'flipped' && (await damaged!.row()) !== undefined
    for (const [reference, content] of unread ? [] : told.set) {
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
  if (scenario.damage) {
    const store = new StreamStore(memory, { blockSize: 1, host })
    const id = await idOf(store, scenario.has!)
    if (id) await Promise.allSettled([store.open(id).then((stored) => collect(stored.stream()))])
    await put(store, text(scenario.has!), { reference: text('final') })
    told.set.set('final', scenario.has!)
    for (let i = 0; i < 2; i++) await collectHastily(memory, host)
    await check('after it was stored again')
    expect((await inspectStore(memory)).problems.filter(isNotOrphan), scenario.name).toEqual([])
  }
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

/** Orders in which actors run one after the other; each actor is first in one of them. */
function rotations(count: number): number[][] {
  return Array.from({ length: count }, (_, first) => Array.from({ length: count }, (__, i) => (first + i) % count))
}

/**
 * Checks a scenario in every order with one preemption; at most `most` of them, sampled evenly. Returns the number of
 * orders.
 */
export async function expectKeptWithOnePreemption(scenario: Scenario, most: number): Promise<number> {
  const prepared = await prepare(scenario)
  const count = scenario.actors.length
  let orders = 0
  for (const order of rotations(count)) {
    const expectSteps = (preemptions: Map<number, number>, where: string): Promise<number> => {
      orders++
      return expectKept(scenario, prepared, { seed: 1, pick: preempting(order, preemptions), where })
    }
    const steps = await expectSteps(new Map(), `order ${order.join()}`)
    expect(steps).toBeGreaterThan(count)
    const stride = Math.ceil((steps * count * count) / most)
    const places = Array.from({ length: Math.ceil((steps * count - 1) / stride) }, (_, i) => 1 + i * stride)
    for (const n of sample(places, 10)) {
      const [step, other] = [Math.floor(n / count), n % count]
      const where = `order ${order.join()}, ${other} at ${step}`
      await expectSteps(new Map([[step, other]]), where)
    }
  }
  return orders
}

/** Checks a scenario in random orders, in which any actor may die. Returns the number of orders. */
export async function expectKeptInRandomOrders(scenario: Scenario, count: number): Promise<number> {
  const prepared = await prepare(scenario)
  const all = seeds(count, 10)
  for (const seed of all) {
    const random = new VirtualHost({ seed: seed + 1000 })
    const pick = anyOrder(() => random.fraction(), scenario.actors.length)
    const steps = await expectKept(scenario, prepared, { seed, pick, where: `seed ${seed}` })
    expect(steps).toBeGreaterThan(0)
  }
  return all.length
}
