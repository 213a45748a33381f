// Takes the server of the example player away for a minute while a video plays, in each browser engine, and says how
// long after its return the video goes on, and where: `npm run build`, then
// `node_modules/.bin/node scripts/measure-outage.mjs [SECONDS]`. docs/service-worker.md has the results.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINES } from '../node-tests/support/engine-page.ts'
import { playThroughOutage } from '../node-tests/support/play-through-outage.ts'
import { startPlayer } from '../node-tests/support/player-server.ts'

const MAX_RESUME_MS = 5_000
const MAX_GAP_SECONDS = 1

const seconds = Number(process.argv[2] ?? 60)
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
const player = await startPlayer(join(folder, 'hive'))
try {
  console.log('| engine | worker | video stopped at | went on at | after the return |\n|---|---|---|---|---|')
  for (const engine of /** @type {import('../node-tests/support/engine-page.ts').EngineName[]} */ (
    Object.keys(ENGINES)
  )) {
    for (const endsWorker of [false, true]) {
      const stayAway = () => sleep(seconds * 1000)
      const outcome = await playThroughOutage(engine, { server: player.url, endsWorker, stayAway })
      const { leftAt, resumedAt, resumedAfterMs } = outcome
      const worker = endsWorker ? 'ended' : 'kept'
      const after = (resumedAfterMs / 1000).toFixed(1)
      console.log(`| ${engine} | ${worker} | ${leftAt.toFixed(1)} s | ${resumedAt.toFixed(1)} s | ${after} s |`)
      if (resumedAfterMs > MAX_RESUME_MS || Math.abs(resumedAt - leftAt) > MAX_GAP_SECONDS) process.exitCode = 1
    }
  }
} finally {
  player.child.kill()
  rmSync(folder, { recursive: true, force: true })
}
