// Explores the protocol of the stream store in every scenario, and every variant with a planted mistake.
//
//   node model/main.ts [SCENARIO or MISTAKE …] [--variants] [--trace]
//
// A scenario is selected by a prefix of its name. Without names, everything runs. The times are CPU times.
import { parseArgs } from 'node:util'
import { explore } from './explorer.ts'
import type { Exploration } from './explorer.ts'
import { SCENARIOS } from './scenarios.ts'
import type { ScenarioName } from './scenarios.ts'
import { summarize } from './trace-summary.ts'
import { plantedBy, VARIANTS } from './variants.ts'
import type { Planted, Variant } from './variants.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { variants: { type: 'boolean', default: false }, trace: { type: 'boolean', default: false } },
})

const everything = positionals.length === 0
const scenarios = values.variants
  ? []
  : (Object.keys(SCENARIOS) as ScenarioName[]).filter(
      (name) => everything || positionals.some((each) => name.startsWith(each)),
    )
const variants = VARIANTS.filter(({ mistakes }) => everything || mistakes.some((each) => positionals.includes(each)))
if (scenarios.length + variants.length === 0) {
  throw new RangeError(`no scenario or mistake is called ${positionals.join(', ')}`)
}

let states = 0
let unexpected = 0
for (const name of scenarios) checkScenario(name)
for (const variant of variants) checkVariant(variant)
const verdict = unexpected ? `${unexpected} UNEXPECTED` : 'all as expected'
const total = inSeconds(process.cpuUsage())
console.log(`${scenarios.length} scenarios with ${states} states, ${variants.length} variants, ${total} s: ${verdict}`)
if (unexpected) process.exitCode = 1

function checkScenario(name: ScenarioName): void {
  const [result, seconds] = exploreTimed(name)
  states += result.states
  const orphans = result.orphans ? ` (${result.orphans} with an object that only a scrub finds)` : ''
  console.log(
    `${name.padEnd(32)}${String(result.states).padStart(8)} states ${seconds} s  ${result.problem ?? 'ok'}${orphans}`,
  )
  if (result.problem === null) return
  unexpected++
  console.log(`    ${summarize(result.trace)}`)
}

function checkVariant(variant: Variant): void {
  const [result, seconds] = exploreTimed(variant.scenario, plantedBy(variant))
  const harmless = variant.harmless === true
  const expected = (result.problem === null) === harmless
  const outcome = result.problem === null ? 'not caught' : `caught in ${result.trace.length} steps: ${result.problem}`
  console.log(`${variant.mistakes.join('+')}: ${variant.what} [${variant.scenario}]`)
  console.log(`    ${outcome} (${seconds} s)${expected ? '' : ' UNEXPECTED'}`)
  if (!expected) unexpected++
  if (values.trace) console.log(`    ${summarize(result.trace)}`)
}

function exploreTimed(name: ScenarioName, planted?: Planted): [result: Exploration, seconds: string] {
  const before = process.cpuUsage()
  const result = explore(SCENARIOS[name], planted)
  return [result, inSeconds(process.cpuUsage(before))]
}

function inSeconds({ user, system }: NodeJS.CpuUsage): string {
  return ((user + system) / 1e6).toFixed(1)
}
