import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { collectHastily, copyOf, hastyHost } from './hasty-collector.ts'
import { inspectStore, type StoreContents } from './inspect-store.ts'
import { sample, seeds } from './sample.ts'
import { anyOrder, type Pick, preempting, Scheduler } from './scheduler.ts'
import { idOf, prepare, type Scenario, Told } from './store-scenarios.ts'
import { put, text, watched } from './store-tools.ts'
import { VirtualHost } from './virtual-host.ts'

const KEYS = new RowKeys('')

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

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

function mustBeEmpty(problems: readonly string[], what: string): void {
  must(problems.length === 0, `${what}: ${problems.join('; ')}`)
}

/**
 * Runs the actors of a scenario in one order, and looks at the store in every state. Throws if anything is broken that the store
 * guarantees; tells the number of steps.
 */
export async function runSchedule(
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
    mustBeEmpty(await problemsOf(await inspectStore(memory)), `${scenario.name}, ${where}, at ${step}`)
  }
  const steps = await scheduler.run(actors, pick, look)
  const check = async (when: string): Promise<void> => {
    const contents = await inspectStore(memory)
    const what = `${scenario.name}, ${where}, ${when}`
    mustBeEmpty([...(await problemsOf(contents)), ...told.wrong], what)
    // Wrong bytes of the right length do not show before somebody reads them.
    const unread = scenario.damage === 'flipped' && (await damaged!.row()) !== undefined
    for (const [reference, content] of unread ? [] : told.set) {
      const row = contents.references.find((each) => each.endsWith(`/${reference}`))
      must(contents.stored.get(row?.slice(0, 32) ?? '') === content, `${what}: ${reference} does not keep ${content}`)
    }
    for (const reference of told.refused) {
      const found = contents.references.some((each) => each.endsWith(`/${reference}`))
      must(!found, `${what}: ${reference} was refused, and is there`)
    }
    const alias = contents.rows.get('a/x')
    if (alias) must(contents.references.includes(`${alias}/alias`), `${what}: the alias has no reference`)
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
    mustBeEmpty((await inspectStore(memory)).problems.filter(isNotOrphan), `${scenario.name}, ${where}, healed`)
  }
  const { unfinished, counts, stored, references } = await inspectStore(memory)
  const what = `${scenario.name}, ${where}, after recovery`
  mustBeEmpty(unfinished, `${what}, unfinished`)
  // A stream with a reference that expires remains a candidate.
  const kinds = ['i', 't', ...(scenario.pinned ? [] : ['c'])]
  mustBeEmpty(
    kinds.filter((kind) => counts[kind] !== undefined),
    `${what}, rows left`,
  )
  const referenced = [...new Set(references.map((each) => each.slice(0, 32)))].toSorted().join()
  must([...stored.keys()].toSorted().join() === referenced, `${what}: not exactly the referenced streams are stored`)
  return steps
}

/** Orders in which actors run one after the other; each actor is first in one of them. */
export function rotations(count: number): number[][] {
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
    const stepsOf = (preemptions: Map<number, number>, where: string): Promise<number> => {
      orders++
      return runSchedule(scenario, prepared, { seed: 1, pick: preempting(order, preemptions), where })
    }
    const steps = await stepsOf(new Map(), `order ${order.join()}`)
    must(steps > count, `${scenario.name}, order ${order.join()}: ended after ${steps} steps`)
    const stride = Math.ceil((steps * count * count) / most)
    const places = Array.from({ length: Math.ceil((steps * count - 1) / stride) }, (_, i) => 1 + i * stride)
    for (const n of sample(places, 10)) {
      const [step, other] = [Math.floor(n / count), n % count]
      const where = `order ${order.join()}, ${other} at ${step}`
      await stepsOf(new Map([[step, other]]), where)
    }
  }
  return orders
}

/**
 * Checks a scenario of two actors in every order in which the first one is interrupted once by a part of the second; at
 * most about `most` of them, sampled evenly. Returns the number of orders.
 */
export async function expectKeptWithInterruption(scenario: Scenario, most: number): Promise<number> {
  const prepared = await prepare(scenario)
  const lengths = [0, 0]
  const inTurn = preempting([0, 1], new Map())
  const count: Pick = (turns, step) => {
    const next = inTurn(turns, step)
    if ('actor' in next) lengths[next.actor]!++
    return next
  }
  await runSchedule(scenario, prepared, { seed: 1, pick: count, where: 'in turn' })
  const [first = 0, second = 0] = lengths
  const stride = Math.ceil((first * second) / most)
  const places = Array.from({ length: Math.ceil((first * second) / stride) }, (_, i) => i * stride)
  const taken = sample(places, 10)
  for (const n of taken) {
    const [at, steps] = [Math.floor(n / second), 1 + (n % second)]
    const preemptions = new Map([
      [at, 1],
      [at + steps, 0],
    ])
    const where = `interrupted at ${at} for ${steps}`
    await runSchedule(scenario, prepared, { seed: 1, pick: preempting([0, 1], preemptions), where })
  }
  return taken.length
}

/** Checks a scenario in random orders, in which any actor may die. Returns the number of orders. */
export async function expectKeptInRandomOrders(scenario: Scenario, count: number): Promise<number> {
  const prepared = await prepare(scenario)
  const all = seeds(count, 10)
  for (const seed of all) {
    const random = new VirtualHost({ seed: seed + 1000 })
    const pick = anyOrder(() => random.fraction(), scenario.actors.length)
    const steps = await runSchedule(scenario, prepared, { seed, pick, where: `seed ${seed}` })
    must(steps > 0, `${scenario.name}, seed ${seed}: nothing ran`)
  }
  return all.length
}
