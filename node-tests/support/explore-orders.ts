import type { Backend } from '../../src/store.ts'
import { StoreChecks } from './store-checks.ts'
import type { Scenario } from './store-scenarios.ts'
import { snapshotOf, TracedRun } from './traced-run.ts'
import { VirtualHost } from './virtual-host.ts'

/** A seed that no actor has, for the recovery. */
const RECOVERY_SEED = 2 ** 30

/** Options of {@linkcode exploreOrders}. */
export interface ExploreOptions {
  /** The largest number of preemptions in an order. */
  readonly preemptions: number
  /** The largest number of actors that die in an order. */
  readonly deaths: number
  /**
   * Whether an order ends where it comes to a state that another one came to, with at least as many preemptions left.
   * @default true
   */
  readonly prune?: boolean
  /** What the random numbers begin with. @default 1 */
  readonly seed?: number
  /** Is told what is broken. The exploration goes on if this returns. */
  onBroken(error: unknown): void
  /** Is called after each run. */
  onRun?(explored: Explored): void
}

/** What an exploration has done so far. */
export interface Explored {
  /** Number of orders that were run, to their ends or to a known state. */
  runs: number
  /** Number of steps that were not repetitions. */
  steps: number
  /** Number of states, by what they hold and by who is next. */
  states: number
  /** Hashes of what the store and the actors had at the ends of orders. */
  readonly outcomes: Set<string>
}

/** Steps of an order: the actor that took its turn, or -1 minus the actor that died. */
type Order = readonly number[]

/** An order that is to be run: it is known how it begins, and who is next. */
interface Task {
  readonly order: Order
  /** The next actor; undefined if all have ended or died. */
  readonly next: number | undefined
  readonly key: string
}

/** What may happen next in a state. */
interface Choice {
  /** The next actor; undefined if all have ended or died. */
  readonly next: number | undefined
  /** The actor that dies before that. */
  readonly dies?: number
  /** Preemptions that are left afterwards. */
  readonly left: number
}

/** Steps of an order as text: `0×12 dies 0, 1×3`. */
function textOf(order: Order): string {
  const parts: string[] = []
  for (let i = 0; i < order.length;) {
    const actor = order[i]!
    let end = i
    while (order[end] === actor) end++
    parts.push(actor < 0 ? `${-1 - actor} dies` : `${actor}×${end - i}`)
    i = end
  }
  return parts.join(', ')
}

/**
 * Runs the actors of a scenario in every order that has at most so many preemptions and deaths, and looks at the store in
 * every state. An actor goes on until it ends or sleeps, and then any other one may go on; a preemption lets another one
 * go on before. A death comes right after a call of the actor that dies, or before its first one: until its next call, it
 * would not make a difference.
 */
export async function exploreOrders(
  scenario: Scenario,
  prepared: Backend,
  { preemptions, deaths, prune = true, seed = 1, onBroken, onRun }: ExploreOptions,
): Promise<Explored> {
  const snapshot = await snapshotOf(prepared)
  const explored: Explored = { runs: 0, steps: 0, states: 0, outcomes: new Set() }
  /** The most preemptions that were left when a state was found. */
  const visited = new Map<string, number>()
  const looked = new Set<string>()
  /** What {@linkcode StoreChecks.before} was after a look, by what was looked at. */
  const befores = new Map<string, number>()
  /** Orders that are to be run, by the preemptions that they have left. */
  const tasks: Task[][] = Array.from({ length: preemptions + 1 }, () => [])

  const first = await TracedRun.start(scenario, snapshot, seed)
  const firstChecks = await StoreChecks.of(scenario, first.memory)

  /** Whether a state is new, or has more preemptions left than before. */
  const isNew = (key: string, left: number): boolean => {
    if (!prune) return true
    const most = visited.get(key)
    if (most !== undefined && most >= left) return false
    visited.set(key, left)
    explored.states = visited.size
    return true
  }
  /** All that may happen next in a state: at no cost, with a preemption, or with a death. `actor` took the last step. */
  const choicesIn = (run: TracedRun, died: number, left: number, actor?: number): Choice[] => {
    const { living, ready } = run
    const goesOn = actor !== undefined && run.calls(actor)
    const [free, others] = goesOn ? [[actor], ready.filter((each) => each !== actor)] : [ready, []]
    const choices: Choice[] = free.map((next) => ({ next, left }))
    if (died < deaths) {
      // Without known states, an actor may die at any time.
      const dying = prune && actor !== undefined ? living.filter((each) => each === actor) : living
      for (const dies of dying) {
        const survivors = ready.filter((each) => each !== dies)
        const isLast = living.every((each) => each === dies)
        const nexts = isLast ? [undefined] : goesOn && actor !== dies ? [actor] : survivors
        choices.push(...nexts.map((next) => ({ next, dies, left })))
      }
    }
    if (left > 0) choices.push(...others.map((next) => ({ next, left: left - 1 })))
    return choices
  }
  /** Notes what may happen next, except for a new state with as many preemptions left, which it returns to go on with. */
  const choose = (run: TracedRun, order: number[], left: number, actor?: number): Choice | undefined => {
    const died = order.filter((each) => each < 0).length
    let chosen: Choice | undefined
    for (const choice of choicesIn(run, died, left, actor)) {
      const key = run.key(choice.next ?? -1, choice.dies)
      if (!isNew(key, choice.left)) continue
      if (!chosen && actor !== undefined && choice.left === left) chosen = choice
      else {
        const begun = choice.dies === undefined ? order : [...order, -1 - choice.dies]
        tasks[choice.left]!.push({ order: [...begun], next: choice.next, key })
      }
    }
    return chosen
  }
  const look = async (run: TracedRun, checks: StoreChecks, order: Order): Promise<void> => {
    const { contents } = run
    const key = `${contents} ${checks.before}`
    if (!looked.has(key)) {
      looked.add(key)
      await checks.look(`order ${textOf(order)}`)
      befores.set(contents, checks.before)
    }
    // The contents may be known, but not what was looked at before.
    checks.before = befores.get(contents) ?? checks.before
  }
  const end = async (run: TracedRun, checks: StoreChecks, order: Order): Promise<void> => {
    const { outcome } = run
    if (explored.outcomes.has(outcome)) return
    explored.outcomes.add(outcome)
    await checks.end(run.told, new VirtualHost({ seed: RECOVERY_SEED }), `order ${textOf(order)}`)
  }

  /** Takes the steps of a task, and then as many as lead to new states. */
  const runTask = async (task: Task, left: number): Promise<void> => {
    const run = await TracedRun.start(scenario, snapshot, seed)
    const checks = firstChecks.in(run.memory)
    for (const step of task.order) {
      if (step < 0) run.kill(-1 - step)
      else await run.step(step)
    }
    if (run.key(task.next ?? -1) !== task.key)
      throw new Error(`${scenario.name}, order ${textOf(task.order)}: it is another state than before`)
    checks.before = befores.get(run.contents) ?? checks.before
    const order = [...task.order]
    for (let actor = task.next; actor !== undefined;) {
      await run.step(actor)
      order.push(actor)
      explored.steps++
      await look(run, checks, order)
      if (run.told.wrong.length > 0) throw new Error(`${scenario.name}, order ${textOf(order)}: ${run.told.wrong[0]}`)
      if (run.living.length === 0) break
      const choice = choose(run, order, left, actor)
      if (!choice) return
      if (choice.dies !== undefined) {
        run.kill(choice.dies)
        order.push(-1 - choice.dies)
      }
      actor = choice.next
    }
    await end(run, checks, order)
  }

  choose(first, [], preemptions)
  // Those with the most preemptions left come first, so that few states are visited again with more of them.
  for (let left = preemptions; left >= 0; left--) {
    for (let task = tasks[left]!.pop(); task; task = tasks[left]!.pop()) {
      if (prune && visited.get(task.key)! > left) continue
      explored.runs++
      try {
        await runTask(task, left)
      } catch (error) {
        onBroken(error)
      }
      onRun?.(explored)
    }
  }
  return explored
}
