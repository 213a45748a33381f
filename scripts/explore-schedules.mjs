// Runs the real code of the store through the orders in which small scenarios can happen, and reports every order that
// breaks a guarantee of the store.
//
//   node_modules/.bin/node scripts/explore-schedules.mjs     every order with two preemptions, and every order with one
//                                                            preemption in which one actor dies
//   … --preemptions 3 --deaths-after 2                       more preemptions, and deaths after more of them
//   … --random 100000                                        this many random orders, in each of which one actor may die
//   … --scenario twins --part 1/2                            one scenario, and the first half of its orders
//   … --first                                                stops at the first order that breaks something
import { parseArgs } from 'node:util'
import { anyOrder, preempting } from '../node-tests/support/scheduler.ts'
import { COLLECTING, HEALING, prepare } from '../node-tests/support/store-scenarios.ts'
import { rotations, runSchedule } from '../node-tests/support/store-schedules.ts'
import { SCRUB_PAIRS, SCRUBBING } from '../node-tests/support/store-scrub-scenarios.ts'
import { settle } from '../node-tests/support/store-tools.ts'
import { VirtualHost } from '../node-tests/support/virtual-host.ts'

/** @typedef {import('../node-tests/support/scheduler.ts').Pick} Pick */
/** @typedef {import('../node-tests/support/store-scenarios.ts').Scenario} Scenario */

const { values } = parseArgs({
  options: {
    preemptions: { type: 'string', default: '2' },
    'deaths-after': { type: 'string', default: '1' },
    random: { type: 'string' },
    scenario: { type: 'string', default: '' },
    part: { type: 'string', default: '1/1' },
    first: { type: 'boolean', default: false },
  },
})
const [part, parts] = values.part.split('/').map(Number)
if (part === undefined || parts === undefined || !(part >= 1 && part <= parts))
  throw new Error(`no part: ${values.part}`)

let failures = 0
await settle()
const chosen = [...COLLECTING, ...HEALING, ...SCRUB_PAIRS, ...SCRUBBING].filter(({ name }) =>
  name.startsWith(values.scenario),
)
for (const scenario of chosen) {
  const start = performance.now()
  const prepared = await prepare(scenario)
  let runs = 0
  /** Runs one order. Returns the actor of each step. @param {Pick} pick @param {string} where @param {number} seed */
  const run = async (pick, where, seed = 1) => {
    /** @type {number[]} */
    const trace = []
    runs++
    try {
      await runSchedule(scenario, prepared, {
        seed,
        pick: (turns, step) => {
          const next = pick(turns, step)
          trace.push('dies' in next ? -1 - next.dies : next.actor)
          return next
        },
        where,
      })
    } catch (error) {
      failures++
      console.error(error instanceof Error ? error.message : error)
      if (values.first) process.exit(1)
    }
    return trace
  }
  if (values.random === undefined) await exploreAll(scenario, run)
  else {
    const count = Math.ceil(Number(values.random) / chosen.length)
    for (let seed = part; seed <= count; seed += parts) {
      const random = new VirtualHost({ seed: seed + 1_000_000 })
      await run(
        anyOrder(() => random.fraction(), scenario.actors.length),
        `seed ${seed}`,
        seed,
      )
    }
  }
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(`${scenario.name}: ${runs.toLocaleString('en')} orders, ${seconds} s`)
}
console.log(failures === 0 ? 'nothing broke' : `${failures} orders broke something`)
process.exitCode = failures === 0 ? 0 : 1

/**
 * @param {Scenario} scenario
 * @param {(pick: Pick, where: string) => Promise<number[]>} run
 */
async function exploreAll(scenario, run) {
  const most = Number(values.preemptions)
  const deathsAfter = Number(values['deaths-after'])
  // An order that several sets of preemptions lead to is extended only once.
  const seen = new Set()
  let turn = 0
  for (const order of rotations(scenario.actors.length)) {
    /** @param {Map<number, number>} preemptions @param {number} from */
    const explore = async (preemptions, from) => {
      const where = `order ${order.join()}, ${[...preemptions].map(([step, actor]) => `${actor} at ${step}`).join(', ')}`
      const trace = await run(preempting(order, preemptions), where)
      if (seen.has(trace.join())) return
      seen.add(trace.join())
      if (preemptions.size <= deathsAfter) {
        for (const [step, actor] of trace.entries()) {
          const pick = preempting(order, preemptions)
          await run(
            // A death takes one additional step.
            (turns, now) => (now === step ? { dies: actor } : pick(turns, now > step ? now - 1 : now)),
            `${where}, ${actor} dies at ${step}`,
          )
        }
      }
      if (preemptions.size >= most) return
      for (let step = from; step < trace.length; step++) {
        for (const other of order) {
          if (other === trace[step]) continue
          // The parts divide the orders by their first preemption.
          if (preemptions.size === 0 && turn++ % Number(parts) !== Number(part) - 1) continue
          await explore(new Map([...preemptions, [step, other]]), step + 1)
        }
      }
    }
    await explore(new Map(), 0)
  }
}
