import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineName, type EnginePage, ENGINES, openEnginePage } from '../support/engine-page.ts'
import { OutageProxy } from '../support/outage-proxy.ts'
import { type PlayerServer, startPlayer } from '../support/player-server.ts'
import { untilInPage } from '../support/until-in-page.ts'

const NOISE_BYTES = 3_000_000

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
let server: PlayerServer

beforeAll(async () => {
  server = await startPlayer(join(folder, 'hive'))
})

afterAll(() => {
  server?.child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

describe.concurrent('the example player with its hive in the browser', () => {
  for (const [engine, command] of Object.entries(ENGINES) as [EngineName, string][]) {
    // An engine that is missing is reported by its own suite.
    it.skipIf(!existsSync(command))(
      `stores, plays without a server, and frees all space in ${engine}`,
      { timeout: 180_000 },
      async () => {
        const proxy = new OutageProxy(server.url)
        await proxy.listen()
        const page = await openEnginePage(engine, `${proxy.url}local/`)
        try {
          await untilText(page, 'no-entries', 'The hive is empty')
          await page.evaluate(dropClipAndNoise, NOISE_BYTES)
          await untilText(page, 'entry-count', '2 entries')
          await untilText(page, 'upload-summary', '2 of 2 files stored')
          await untilText(page, 'storage-text', '3.7 MB in 4 blocks')
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
          await untilText(page, 'storage-notice', '3.7 MB freed')
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

function untilText(page: EnginePage, id: string, text: string): Promise<void> {
  const contains = (element: string, part: string): boolean =>
    document.getElementById(element)!.textContent.includes(part)
  return untilInPage(page, `${text} in ${id}`, contains, id, text)
}

/** Removes the first entry of the list with its button, as with a keyboard. */
function removeFirst(): void {
  const button = document.querySelector<HTMLButtonElement>('#entries tr:first-child button.remove')!
  button.focus()
  for (let press = 0; press < 2; press++) button.click()
}

/** Drops a clip of the server, and bytes that are not media, on the page. */
async function dropClipAndNoise(noiseBytes: number): Promise<void> {
  const clip = await (await fetch('/hive/comb.mp4')).arrayBuffer()
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([clip], 'comb.mp4', { type: 'video/mp4' }))
  const noise = Uint8Array.from({ length: noiseBytes }, (_, i) => (i * i) >> 7)
  dataTransfer.items.add(new File([noise], 'noise.bin'))
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
}
