import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type EngineName, ENGINES } from '../support/engine-page.ts'
import { playThroughOutage } from '../support/play-through-outage.ts'
import { type PlayerServer, startPlayer } from '../support/player-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
let server: PlayerServer

beforeAll(async () => {
  server = await startPlayer(join(folder, 'hive'))
})

afterAll(() => {
  server?.child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

// They wait more than they work, so they may run at the same time.
describe.concurrent('the example player goes on at the same second when the server is back', () => {
  for (const [engine, command] of Object.entries(ENGINES) as [EngineName, string][]) {
    // An engine that is missing is reported by its own suite.
    it.skipIf(!existsSync(command))(
      `in ${engine}, also if the worker is ended meanwhile`,
      { timeout: 240_000 },
      async ({ expect }) => {
        for (const endsWorker of [false, true]) {
          const stayAway = (): Promise<void> => Promise.resolve()
          const outcome = await playThroughOutage(engine, { server: server.url, endsWorker, stayAway })
          expect(outcome.notice).toMatch(/^The network failed: no answer from 127\.0\.0\.1:\d+\. The video goes on/)
          expect(outcome.leftAt).toBeGreaterThan(1)
          expect(Math.abs(outcome.resumedAt - outcome.leftAt)).toBeLessThan(1)
        }
      },
    )
  }
})
