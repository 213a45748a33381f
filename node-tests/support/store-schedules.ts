import { type Backend, StreamStore } from '../../src/store.ts'
import { copyOf, hastyHost } from './hasty-collector.ts'
import { sample, seeds } from './sample.ts'
import { anyOrder, type Pick, preempting, Scheduler } from './scheduler.ts'
import { must, StoreChecks } from './store-checks.ts'
import { prepare, type Scenario, Told } from './store-scenarios.ts'
import { watched } from './store-tools.ts'
import { VirtualHost } from './virtual-host.ts'

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
      blockSize: scenario.blockSize ?? 1,
      inMemoryThreshold: 1,
      host: actor.hasty ? hastyHost(host) : host,
    })
    return actor.run(store, told)
  })
  const checks = await StoreChecks.of(scenario, memory)
  const look = async (step: number): Promise<void> => {
    if (!changed) return
    changed = false
    await checks.look(`${where}, at ${step}`)
  }
  const steps = await scheduler.run(actors, pick, look)
  await checks.end(told, host, where)
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
    const stepsOf = (preemptions: Map<number, number>, where: string): Promise<number> => {
      orders++
      return runSchedule(scenario, prepared, { seed: 1, pick: preempting(order, preemptions), where })
    }
    const steps = await stepsOf(new Map(), `order ${order.join()}`)
    must(steps > count, `${scenario.name}, order ${order.join()}: ended after ${steps} steps`)
    const stride = Math.ceil((steps * count * count) / most)
    const places = Array.from({ length: Math.ceil((steps * count - 1) / stride) }, (_, i) => 1 + i * stride)
    for (const n of sample(places)) {
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
  for (const n of sample(places)) {
    const [at, steps] = [Math.floor(n / second), 1 + (n % second)]
    const preemptions = new Map([
      [at, 1],
      [at + steps, 0],
    ])
    const where = `interrupted at ${at} for ${steps}`
    await runSchedule(scenario, prepared, { seed: 1, pick: preempting([0, 1], preemptions), where })
  }
  return places.length
}

/** Checks a scenario in random orders, in which any actor may die. Returns the number of orders. */
export async function expectKeptInRandomOrders(scenario: Scenario, count: number): Promise<number> {
  const prepared = await prepare(scenario)
  const all = seeds(count)
  for (const seed of all) {
    const random = new VirtualHost({ seed: seed + 1000 })
    const pick = anyOrder(() => random.fraction(), scenario.actors.length)
    const steps = await runSchedule(scenario, prepared, { seed, pick, where: `seed ${seed}` })
    must(steps > 0, `${scenario.name}, seed ${seed}: nothing ran`)
  }
  return all.length
}
