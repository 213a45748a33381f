// Runs the real code of the store through the orders in which small scenarios can happen, and reports every order that
// breaks a guarantee of the store.
//
//   node_modules/.bin/node scripts/explore-schedules.mjs     every order with at most two preemptions and one death; an order
//                                                            ends where it reaches a known state
//   … --preemptions 1 --deaths 0                             fewer, or more, of them
//   … --random 100000                                        this many random orders, in each of which one actor may die
//   … --scenario twins --part 1/2                            only scenarios whose names begin so, and only half of those
//   … --from 12                                              continues with the scenario of this number
//   … --first                                                stops at the first order that breaks something
//   … --compare                                              also runs every order to its end, and compares the outcomes
import { parseArgs } from 'node:util'
import { exploreOrders } from '../node-tests/support/explore-orders.ts'
import { anyOrder } from '../node-tests/support/scheduler.ts'
import { COLLECTING, HEALING, prepare, SMALL } from '../node-tests/support/store-scenarios.ts'
import { runSchedule } from '../node-tests/support/store-schedules.ts'
import { SCRUB_PAIRS, SCRUBBING } from '../node-tests/support/store-scrub-scenarios.ts'
import { settle } from '../node-tests/support/store-tools.ts'
import { VirtualHost } from '../node-tests/support/virtual-host.ts'

/** @typedef {import('../node-tests/support/explore-orders.ts').Explored} Explored */
/** @typedef {import('../node-tests/support/store-scenarios.ts').Scenario} Scenario */

const { values } = parseArgs({
  options: {
    preemptions: { type: 'string', default: '2' },
    deaths: { type: 'string', default: '1' },
    random: { type: 'string' },
    scenario: { type: 'string', default: '' },
    part: { type: 'string', default: '1/1' },
    from: { type: 'string', default: '1' },
    first: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
  },
})
const [part, parts] = values.part.split('/').map(Number)
if (part === undefined || parts === undefined || !(part >= 1 && part <= parts))
  throw new Error(`no part: ${values.part}`)

/** Number of runs between two progress lines. */
const LOOK_RUNS = 50_000
/** @param {number} count */
const inWords = (count) => count.toLocaleString('en')

let failures = 0
/** @param {unknown} error */
function onBroken(error) {
  failures++
  console.error(error instanceof Error ? error.message : error)
  if (values.first) process.exit(1)
}

await settle()
const total = { runs: 0, states: 0, outcomes: 0 }
const chosen = [...COLLECTING, ...SMALL, ...HEALING, ...SCRUB_PAIRS, ...SCRUBBING]
  .map((scenario, index) => ({ scenario, number: index + 1 }))
  .filter(({ scenario }) => scenario.name.startsWith(values.scenario))
  .filter(({ number }, index) => number >= Number(values.from) && index % parts === part - 1)
for (const { scenario, number } of chosen) {
  const start = process.cpuUsage()
  const what = values.random === undefined ? await exploreAll(scenario) : await exploreSome(scenario)
  const { user, system } = process.cpuUsage(start)
  console.log(`${number} ${scenario.name}: ${what}, ${Math.round((user + system) / 1e6)} s of CPU time`)
}
if (values.random === undefined)
  console.log(
    `${inWords(total.states)} states, ${inWords(total.runs)} runs, ${inWords(total.outcomes)} outcomes in all`,
  )
console.log(failures === 0 ? 'nothing broke' : `${failures} orders broke something`)
process.exitCode = failures === 0 ? 0 : 1

/** @param {Scenario} scenario */
async function exploreAll(scenario) {
  const prepared = await prepare(scenario)
  const options = { preemptions: Number(values.preemptions), deaths: Number(values.deaths), onBroken }
  /** @param {Explored} explored */
  const onRun = ({ runs, states }) => {
    if (runs % LOOK_RUNS === 0) console.log(`… ${inWords(runs)} runs, ${inWords(states)} states`)
  }
  const { runs, states, outcomes } = await exploreOrders(scenario, prepared, { ...options, onRun })
  total.runs += runs
  total.states += states
  total.outcomes += outcomes.size
  const what = `${inWords(states)} states in ${inWords(runs)} runs, ${inWords(outcomes.size)} outcomes`
  if (!values.compare) return what
  const whole = await exploreOrders(scenario, prepared, { ...options, prune: false })
  const differences = [...whole.outcomes, ...outcomes].filter(
    (outcome) => !(outcomes.has(outcome) && whole.outcomes.has(outcome)),
  )
  if (differences.length > 0)
    onBroken(`${scenario.name}: ${differences.length} outcomes come only with or only without known states`)
  return `${what}; ${inWords(whole.runs)} whole orders have ${inWords(whole.outcomes.size)}`
}

/** @param {Scenario} scenario */
async function exploreSome(scenario) {
  const prepared = await prepare(scenario)
  const count = Math.ceil(Number(values.random) / chosen.length)
  for (let seed = 1; seed <= count; seed++) {
    const random = new VirtualHost({ seed: seed + 1_000_000 })
    const pick = anyOrder(() => random.fraction(), scenario.actors.length)
    try {
      await runSchedule(scenario, prepared, { seed, pick, where: `seed ${seed}` })
    } catch (error) {
      onBroken(error)
    }
  }
  return `${inWords(count)} random orders`
}
