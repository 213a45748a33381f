// Makes the server of the example player unreachable for a minute while a video plays, in each browser engine. Prints how
// long after the server's return the video continues, and where. Run `npm run build`, then
// `node_modules/.bin/node scripts/measure-outage.mjs [SECONDS]`. docs/service-worker.md has the results.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINES } from '../node-tests/support/engine-page.ts'
import { playThroughOutage } from '../node-tests/support/play-through-outage.ts'
import { startPlayer } from '../node-tests/support/player-server.ts'

/** @import { EngineName } from '../node-tests/support/engine-page.ts' */

const MAX_RESUME_MS = 5_000
const MAX_GAP_SECONDS = 1

const OUTAGES = /** @type {const} */ ([
  { kind: 'refused', endsWorker: false },
  { kind: 'refused', endsWorker: true },
  { kind: 'silent', endsWorker: false },
])

const seconds = Number(process.argv[2] ?? 60)
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
const player = await startPlayer(join(folder, 'hive'))
try {
  console.log('| engine | network | worker | stopped at | continued at | after the return |\n|---|---|---|---|---|---|')
  for (const engine of /** @type {EngineName[]} */ (Object.keys(ENGINES))) {
    for (const outage of OUTAGES) {
      const stayAway = () => sleep(seconds * 1000)
      const { leftAt, resumedAt, resumedAfterMs } = await playThroughOutage(engine, {
        server: player.url,
        ...outage,
        stayAway,
      })
      const cells = [engine, outage.kind, outage.endsWorker ? 'ended' : 'kept']
      cells.push(...[leftAt, resumedAt, resumedAfterMs / 1000].map((value) => `${value.toFixed(1)} s`))
      console.log(`| ${cells.join(' | ')} |`)
      if (resumedAfterMs > MAX_RESUME_MS || Math.abs(resumedAt - leftAt) > MAX_GAP_SECONDS) process.exitCode = 1
    }
  }
} finally {
  player.child.kill()
  rmSync(folder, { recursive: true, force: true })
}
