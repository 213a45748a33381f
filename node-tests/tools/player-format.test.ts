import { existsSync } from 'node:fs'
import { beforeAll, describe, it } from 'vitest'
import { HttpHive } from '../../src/http.ts'
import { type EngineName, ENGINES, openEnginePage } from '../support/engine-page.ts'
import { OutageProxy } from '../support/outage-proxy.ts'
import { untilInPage } from '../support/until-in-page.ts'
import { usePlayer } from '../support/use-player.ts'

/** Sorts first in the list. */
const ALIAS = '0-noise.mp4'
const WORDS = `The format is not supported: this browser cannot play ${ALIAS}, which is video/mp4.`

const player = usePlayer()

beforeAll(async () => {
  const hive = new HttpHive(`${player.url}hive/`)
  await new Blob(['this is not a video']).stream().pipeTo(hive.sink(ALIAS, { type: 'video/mp4' }))
})

describe.concurrent('the example player says that a format is not supported, and stops requesting the entry', () => {
  for (const [engine, command] of Object.entries(ENGINES) as [EngineName, string][]) {
    // An engine that is missing is reported by its own suite.
    it.skipIf(!existsSync(command))(`in ${engine}`, { timeout: 120_000 }, async ({ expect }) => {
      const proxy = new OutageProxy(player.url)
      await proxy.listen()
      const page = await openEnginePage(engine, proxy.url)
      try {
        await untilInPage(page, 'the list', () => document.querySelector('#entries button') !== null)
        await page.click('#entries tr:first-child button')
        await untilInPage(page, 'the words', (words) => document.body.innerText.includes(words), WORDS)
        const before = proxy.requests.length
        const since = (): string[] => proxy.requests.slice(before)
        // The page requests the list every three seconds, and would check a video every second.
        const lists = (): string[] => since().filter((request) => /^GET \/hive\/(\?|$)/.test(request))
        await expect.poll(() => lists().length).toBeGreaterThan(3)
        expect(since().filter((request) => request.includes(ALIAS))).toEqual([])
      } finally {
        await page.close()
        await proxy.close()
      }
    })
  }
})
