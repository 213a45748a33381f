import { step } from './actors.ts'
import type { Kind } from './actors.ts'
import { leak, leakedObject } from './invariants/leaks.ts'
import { safety } from './invariants/safety.ts'
import { EXPIRED, EXPIRING } from './rows.ts'
import type { Actor, State } from './state.ts'
import type { World } from './world.ts'

const PASSES: readonly Kind[] = ['sweeper', 'collector', 'collector', 'sweeper', 'reaper', 'trasher']
const MOST_STEPS = 300

export interface Recovery {
  /** What is unsafe or left behind afterwards. */
  readonly problem: string | null
  /** Whether an object was left that only a scrub finds: it was put after its intent had been reaped. */
  readonly orphan: boolean
}

/** Crashes all actors, ends all leases, grace periods and expiries, and collects. There is no journal to replay. */
export function recover(world: World, state: State): Recovery {
  world.enter({ ...state, actors: [], late: [] })
  world.fault = null
  for (const family of ['r/', 'a/', 'p/', 'up/'] as const) {
    for (const key of world.keys(family)) {
      const row = world.row(key)
      if (row?.expiry === EXPIRING) world.setRow(key, { ...row, expiry: EXPIRED }, world.version(key))
    }
  }
  for (const kind of PASSES) run(world, kind)
  const left = leakedObject(world)
  if (left !== null && world.scenario.exact) return { problem: `${left} without a scrub`, orphan: true }
  run(world, 'scrub')
  run(world, 'trasher')
  return { problem: safety(world) ?? leak(world), orphan: left !== null }
}

function run(world: World, kind: Kind): void {
  const actor: Actor = { kind, name: 'R', params: {}, at: 'start', locals: {} }
  for (let steps = 0; actor.at !== 'done' && steps < MOST_STEPS; steps++) step(world, actor)
}
