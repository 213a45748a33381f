// Reads an entry over HTTP many times through a server that cuts, stalls, shortens, duplicates, flips and refuses answers,
// or answers with other versions. Reports every read that ended neither with exact bytes nor with an error of the package.
//
//   node_modules/.bin/node scripts/range-faults.mjs [--runs 3000] [--seed N]
import process from 'node:process'
import { parseArgs } from 'node:util'
import { runRangeFaults } from '../node-tests/support/range-fault-runs.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const runs = Number(values.runs)
const seed = Number(values.seed)
const seeds = Array.from({ length: Math.ceil(runs / 3) }, (_, i) => seed + i)
console.log(`seed ${seed}`)
for (const kind of /** @type {const} */ (['passing', 'any', 'flip'])) {
  const { results, happened } = await runRangeFaults(kind, seeds)
  const problems = results.filter(({ problem }) => problem)
  const names = [...new Set(results.map(({ ended }) => ended))]
  const ends = names.map((name) => `${name} ${results.filter(({ ended }) => ended === name).length}`)
  const faults = [...happened.values()].reduce((sum, count) => sum + count, 0)
  const exact = results.filter(({ ended, problem }) => ended === 'all' && !problem).length
  const isBelow = kind === 'passing' && exact < 0.99 * results.length
  console.log(`${kind}: ${results.length} runs, ${faults} faults: ${ends.join(', ')}; ${problems.length} problems`)
  for (const problem of problems) console.log(problem)
  if (problems.length > 0 || isBelow) process.exitCode = 1
}
