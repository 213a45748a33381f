import { existsSync } from 'node:fs'
import { describe, it } from 'vitest'
import { type EngineName, ENGINES, startEngine } from '../support/engine-page.ts'
import { type OutageOptions, playThroughOutage } from '../support/play-through-outage.ts'
import { usePlayer } from '../support/use-player.ts'

const REFUSED = /^The network failed: no answer from 127\.0\.0\.1:\d+\./
const TWO: readonly Outage[] = [
  { kind: 'refused', endsWorker: false },
  { kind: 'refused', endsWorker: true },
]
/** A silent network takes longest to notice. The page itself detects it in every engine, so one engine is enough. */
const OUTAGES = { chromium: [...TWO, { kind: 'silent', endsWorker: false } as Outage], firefox: TWO, webkit: TWO }

const player = usePlayer()

type Outage = Pick<OutageOptions, 'kind' | 'endsWorker'>

// These tests mostly wait, so they may run at the same time.
describe.concurrent('the example player continues at the same second when the server is back', () => {
  for (const [engine, command] of Object.entries(ENGINES) as [EngineName, string][]) {
    // An engine that is missing is reported by its own suite.
    it.skipIf(!existsSync(command))(
      `in ${engine}, even if the worker is ended in the meantime`,
      { timeout: 240_000 },
      async ({ expect }) => {
        const browser = await startEngine(engine)
        try {
          for (const outage of OUTAGES[engine]) {
            const stayAway = (): Promise<void> => Promise.resolve()
            const outcome = await playThroughOutage(engine, { server: player.url, ...outage, browser, stayAway })
            expect(outcome.notice).toMatch(outage.kind === 'silent' ? /^The network failed: nothing has/ : REFUSED)
            expect(outcome.notice).toContain('The video will continue where it stopped')
            expect(outcome.leftAt).toBeGreaterThan(1)
            expect(Math.abs(outcome.resumedAt - outcome.leftAt)).toBeLessThan(1)
          }
        } finally {
          await browser?.close()
        }
      },
    )
  }
})
