// Runs readers, pins, evictions and faults of a cached hive, in an order that each seed chooses. Reports every run in which
// something was read that is neither exact bytes nor an error of the package, the budget did not hold, or something was left
// after clearing.
//
//   node_modules/.bin/node scripts/cache-runs.mjs [--runs 500] [--seed N] [--first]
//
// With --first, it ends after the first run with a problem.
import process from 'node:process'
import { parseArgs } from 'node:util'
import { runCache } from '../node-tests/support/cache-runs.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    first: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const seed = Number(values.seed)
console.log(`seed ${seed}`)
/** @type {Map<string, number>} */
const ends = new Map()
let done = 0
let failed = 0
for (let i = 0; i < Number(values.runs); i++) {
  const run = await runCache(seed + i)
  done++
  for (const [end, count] of run.ends) ends.set(end, (ends.get(end) ?? 0) + count)
  if (run.problems.length === 0) continue
  failed++
  console.log(`seed ${run.seed}:\n  ${run.problems.join('\n  ')}`)
  if (values.first) break
}
console.log(
  [...ends]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([end, count]) => `${end}: ${count}`)
    .join(', '),
)
console.log(`${done} runs, ${failed} with problems`)
if (failed > 0) process.exitCode = 1
