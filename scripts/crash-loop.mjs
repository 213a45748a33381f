// Kills processes that change one hive, at every step of the protocol, and reports what is wrong with the hive
// afterwards.
//
//   node_modules/.bin/node scripts/crash-loop.mjs [--kills 2000] [--seed N]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { histogramOf, runCrashLoop, sumOf } from '../node-tests/support/crash-loop.ts'

/** Number of kills in one hive, which is then recovered and compared with a fresh one. */
const ROUND = 200

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const total = Number(values.kills)
let seed = Number(values.seed)
const reports = []
for (let left = total; left > 0; left -= ROUND, seed++) {
  const root = await mkdtemp(join(tmpdir(), 'combstream-'))
  const manner = seed % 2 === 0 ? 'hasty' : 'patient'
  const thread = seed % 4 >= 2
  const report = await runCrashLoop(root, { kills: Math.min(ROUND, left), seed, manner, thread })
  reports.push(report)
  const { problems } = report
  console.log(
    `seed ${seed}, ${manner}${thread ? ', with threads' : ''}: ${problems.length === 0 ? 'nothing broke' : problems.join('\n')}`,
  )
  if (problems.length === 0) await rm(root, { recursive: true, force: true })
  else console.log(`what is left is in ${root}`)
}
const [histogram, acknowledged] = [
  sumOf(reports.map((report) => report.histogram)),
  sumOf(reports.map((report) => report.acknowledged)),
]
console.log(histogramOf({ histogram, acknowledged }))
process.exitCode = reports.every(({ problems }) => problems.length === 0) ? 0 : 1
