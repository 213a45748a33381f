import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { spreadClip } from '../../browser-tests/support/spread-clip.ts'
import { type EngineName, ENGINES, openEnginePage } from '../support/engine-page.ts'
import { OutageProxy } from '../support/outage-proxy.ts'
import { untilInPage } from '../support/until-in-page.ts'
import { untilText } from '../support/until-text.ts'
import { usePlayer } from '../support/use-player.ts'

/** What lies between the halves of the video. Noise, because browsers compress what they store. */
const GAP_BYTES = 200_000_000
/** How long it may take to store them on a slow disk, before that counts as a hang. */
const STORING_MS = 120_000

const player = usePlayer()
const video = join(player.folder, 'comb.mp4')
const noise = join(player.folder, 'noise.bin')

beforeAll(async () => {
  const clip = new Uint8Array(readFileSync(new URL('../../examples/player/clips/comb.mp4', import.meta.url)))
  await writeFile(video, spreadClip(clip, new Uint8Array(randomBytes(GAP_BYTES))).stream())
  await writeFile(noise, randomBytes(1_000))
})

describe.concurrent('the example player with its hive in the browser', () => {
  for (const [engine, command] of Object.entries(ENGINES) as [EngineName, string][]) {
    // An engine that is missing is reported by its own suite.
    it.skipIf(!existsSync(command))(
      `stores, plays without a server, and frees all space in ${engine}`,
      { timeout: 400_000 },
      async () => {
        const proxy = new OutageProxy(player.url)
        await proxy.listen()
        const page = await openEnginePage(engine, `${proxy.url}local/`)
        try {
          await untilText(page, 'no-entries', 'The hive is empty')
          for (const file of [video, noise]) await page.chooseFile('#upload-input', file)
          await untilText(page, 'entry-count', '2 entries', STORING_MS)
          await untilText(page, 'upload-summary', '2 of 2 files stored')
          await untilText(page, 'storage-text', '201 MB in 201 blocks')
          await untilInPage(page, 'the worker', () => navigator.serviceWorker.controller !== null)

          await proxy.goAway()
          await page.reload()
          await untilText(page, 'entry-count', '2 entries')
          await page.click('#entries tr:first-child button.play')
          await untilInPage(page, 'the video to play', () => document.querySelector('video')!.currentTime > 0.5)
          await page.evaluate(() => void (document.querySelector('video')!.currentTime = 18))
          await untilInPage(page, 'the video to play on', () => document.querySelector('video')!.currentTime > 18.2)
          const problems = await page.evaluate(() =>
            [...document.querySelectorAll('.problem')].map((element) => element.textContent).join(''),
          )
          expect(problems).toBe('')

          const focused: string[] = []
          for (const left of ['1 entry', '0 entries']) {
            await page.evaluate(removeFirst)
            await untilText(page, 'entry-count', left)
            await untilText(page, 'announcer', 'is removed.')
            await untilInPage(page, 'the focus to stay in the hive', () => document.activeElement !== document.body)
            focused.push(await page.evaluate(() => document.activeElement!.ariaLabel ?? document.activeElement!.id))
          }
          expect(focused).toEqual(['Remove noise.bin', 'upload'])
          await page.click('#free')
          await untilText(page, 'storage-notice', '201 MB freed')
          await untilText(page, 'storage-text', 'in 0 blocks')
        } finally {
          await page.close()
          await proxy.close()
        }
      },
    )
  }
})

it('keeps every file that the page consists of', async () => {
  const { KEPT_FILES } = (await import('../../examples/player/kept-files.js')) as { KEPT_FILES: readonly string[] }
  const files = readdirSync(new URL('../../examples/player', import.meta.url)).filter((name) =>
    /\.(js|css|svg)$/.test(name),
  )
  expect(KEPT_FILES).toEqual(['./', '/combstream/browser-hive.js', ...files.toSorted()])
})

/** Removes the first entry of the list with its button, as with a keyboard. */
function removeFirst(): void {
  const button = document.querySelector<HTMLButtonElement>('#entries tr:first-child button.remove')!
  button.focus()
  for (let press = 0; press < 2; press++) button.click()
}
