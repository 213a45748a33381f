import { hasEnded } from './actor-view.ts'
import { isFaulty, step } from './actors.ts'
import { hash } from './hash.ts'
import { setUp } from './initial-state.ts'
import { promises } from './invariants/promises.ts'
import { safety } from './invariants/safety.ts'
import { recover } from './recovery.ts'
import type { Key } from './rows.ts'
import type { Scenario } from './scenario.ts'
import type { Actor, Fault, Operation, State } from './state.ts'
import type { Planted } from './variants.ts'
import { World } from './world.ts'

const MOST_STATES = 3_000_000
const DEFAULT_FAULTS: readonly Fault[] = ['applied', 'dropped']

/** How a state was reached. */
interface Trace {
  readonly before: Trace | null
  readonly label: string
}

interface Reached {
  readonly state: State
  readonly trace: Trace | null
}

export interface Exploration {
  /** Null if every state is safe and can be recovered without a leak. */
  readonly problem: string | null
  /** The steps to the state with the problem. No shorter trace leads there. */
  readonly trace: readonly string[]
  readonly states: number
  /** States whose recovery left an object that only a scrub finds. */
  readonly orphans: number
}

/** Visits every state that the actors of `scenario` can reach, breadth first, with the mistakes of `planted`. */
export function explore(scenario: Scenario, planted: Planted = {}): Exploration {
  return new Explorer(scenario, planted).run()
}

class Explorer {
  readonly #world: World
  readonly #scenario: Scenario
  readonly #seen = new Set<number>()
  /** Hashes of rows and objects that are safe and can be recovered. Many states share them. */
  readonly #sound = new Set<number>()
  #next: Reached[] = []
  #states = 0
  #orphans = 0

  constructor(scenario: Scenario, planted: Planted) {
    this.#scenario = scenario
    this.#world = new World(scenario, planted)
  }

  run(): Exploration {
    setUp(this.#world)
    this.#reach(this.#world.state, null)
    while (this.#next.length > 0) {
      const level = this.#next
      this.#next = []
      for (const reached of level) {
        this.#states++
        const problem = this.#problemOf(reached.state)
        if (problem !== null) return this.#result(problem, reached.trace)
        this.#takeEveryStep(reached)
      }
    }
    return this.#result(null, null)
  }

  #result(problem: string | null, trace: Trace | null): Exploration {
    const labels: string[] = []
    for (let each = trace; each; each = each.before) labels.unshift(each.label)
    return { problem, trace: labels, states: this.#states, orphans: this.#orphans }
  }

  #problemOf(state: State): string | null {
    const world = this.#world
    world.enter(state)
    const durable = durableHash(state)
    const sound = this.#sound.has(durable)
    const unsafe = promises(world) ?? (sound ? null : safety(world))
    if (unsafe !== null) return `UNSAFE: ${unsafe}`
    if (!sound) {
      const { problem, orphan } = recover(world, state)
      if (orphan) this.#orphans++
      if (problem !== null) return `after recovery: ${problem}`
      this.#sound.add(durable)
    }
    return this.#states > MOST_STATES ? `more than ${MOST_STATES} states` : null
  }

  #takeEveryStep(reached: Reached): void {
    const { state } = reached
    const kinds = this.#scenario.kinds ?? DEFAULT_FAULTS
    if (state.late.length > 0) this.#applyLate(reached)
    for (const [index, actor] of state.actors.entries()) {
      if (hasEnded(actor)) continue
      this.#takeStep(reached, index, null)
      if (!state.faultsLeft || !isFaulty(actor)) continue
      for (const fault of kinds) this.#takeStep(reached, index, fault)
    }
  }

  #applyLate({ state, trace }: Reached): void {
    const world = this.#world
    world.enter({ ...state, late: state.late.slice(1) })
    world.fault = null
    world.apply(state.late[0] as Operation)
    this.#reach(world.state, { before: trace, label: 'late' })
  }

  /** Takes a step. A step that reads a clock is taken twice. */
  #takeStep(reached: Reached, index: number, fault: Fault | null, over = false): void {
    const { state, trace } = reached
    const world = this.#world
    const before = state.actors[index] as Actor
    const actor: Actor = {
      ...before,
      fixedKey: undefined,
      locals: { ...before.locals, versions: { ...before.locals.versions } },
    }
    world.enter({ ...state, actors: state.actors.with(index, actor) })
    world.fault = fault
    world.over = over
    world.faultable = world.tossed = false
    step(world, actor)
    if (hasEnded(actor)) actor.locals = whatCountsAtTheEnd(actor)
    const again = world.tossed && !over
    if (fault) {
      if (!world.faultable) return
      world.state.faultsLeft--
      world.fault = null
    }
    const label = `${before.kind}${index}.${before.at}${fault ? `/${fault}` : ''}${over ? '/expired' : ''}`
    this.#reach(world.state, { before: trace, label })
    if (again) this.#takeStep(reached, index, fault, true)
  }

  #reach(state: State, trace: Trace | null): void {
    const key = hash(keyOf(state))
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#next.push({ state, trace })
  }
}

function whatCountsAtTheEnd({ locals: { reference, sure } }: Actor): Actor['locals'] {
  return { ...(reference ? { reference } : {}), ...(sure ? { sure } : {}) }
}

function durableHash(state: State): number {
  return state.hashHigh * 4294967296 + (state.hashLow >>> 0)
}

/** Versions never recur, so a version that an actor has seen matters only as absent, current or stale. */
function keyOf(state: State): string {
  const late = state.late
    .filter((each) => each.kind === 'put' || each.checks.every(([key, version]) => age(state, key, version) !== 's'))
    .map((each) => (each.kind === 'put' ? each.objectName : JSON.stringify(each.mutations)))
  const actors = state.actors.map((actor) => keyOfActor(state, actor))
  return `${durableHash(state)}|${state.broken ?? ''}${state.faultsLeft}${late.join()}${actors.join()}`
}

function keyOfActor(state: State, actor: Actor): string {
  let key = (actor.fixedKey ??= fixedKeyOf(actor))
  const { versions } = actor.locals
  for (const row in versions) key += row + age(state, row as Key, versions[row])
  return key
}

function fixedKeyOf(actor: Actor): string {
  const { at, locals } = actor
  if (hasEnded(actor)) return `${at}${locals.reference ?? ''}${locals.sure ?? ''}`
  return at + JSON.stringify({ ...locals, versions: 0 })
}

function age(state: State, key: Key, version: number | undefined): 'a' | 'c' | 's' {
  if (version === 0) return 'a'
  return version === (state.rows[key]?.version ?? 0) ? 'c' : 's'
}
