import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { spreadClip } from '../../browser-tests/support/spread-clip.ts'
import { HttpHive } from '../../src/http.ts'
import { type Engine, type EngineName, ENGINES, openEnginePage, startEngine } from '../support/engine-page.ts'
import { OutageProxy } from '../support/outage-proxy.ts'
import { type OutageOptions, playThroughOutage } from '../support/play-through-outage.ts'
import { wholeOr } from '../support/sample.ts'
import { sharedChromium } from '../support/shared-chromium.ts'
import { clickUntil, untilInPage } from '../support/until-in-page.ts'
import { untilText } from '../support/until-text.ts'
import { usePlayer } from '../support/use-player.ts'

const REFUSED = /^The network failed: no answer from 127\.0\.0\.1:\d+\./
const LEFT_ALONE: Outage = { kind: 'refused', endsWorker: false }
const ENDED: Outage = { kind: 'refused', endsWorker: true }
/** A silent network takes longest to notice. The page itself detects it in every engine, so one engine is enough. */
const SILENT: Outage = { kind: 'silent', endsWorker: false }
/** In the short form, each kind of outage happens in one engine at least. */
const OUTAGES = wholeOr<Readonly<Record<EngineName, readonly Outage[]>>>(
  {
    chromium: [LEFT_ALONE, ENDED, SILENT],
    firefox: [LEFT_ALONE, ENDED],
    webkit: [LEFT_ALONE, ENDED],
  },
  { chromium: [ENDED, SILENT], firefox: [LEFT_ALONE], webkit: [ENDED] },
)

/** What lies between the halves of a video. */
const GAP_BYTES = wholeOr(200_000_000, 20_000_000)
/** How the page words what is stored then, in blocks of a million bytes. */
const STORED = wholeOr({ size: '201 MB', blocks: 201 }, { size: '20.7 MB', blocks: 21 })
/** How long it may take to store them on a slow disk, before that counts as a hang. */
const STORING_MS = 120_000

/** Sorts last in the list. */
const NO_VIDEO = 'noise.mp4'
const NOT_SUPPORTED = `The format is not supported: this browser cannot play ${NO_VIDEO}, which is video/mp4.`
/** How many looks of the page at a video it leaves alone. At every fourth look, it asks for a video that stands still. */
const LOOKS = wholeOr(10, 5)
const MAX_WINDOWS = 3

/** Without a graphics card, WebKit takes half of its CPU time to put the layers of a page together. It can draw without them. */
const ENVIRONMENT = wholeOr<Record<string, string>>({}, { WEBKIT_DISABLE_COMPOSITING_MODE: '1' })

/** For the tests of an engine, which wait for each other, so that no page has to share the time of its browser. */
const TIMEOUT_MS = 600_000

const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]
/** docs-service-worker.test.ts stores and caches in Chromium too, and plays without a server. */
const STORING_ENGINES = wholeOr<readonly EngineName[]>(ENGINE_NAMES, ['firefox', 'webkit'])

const player = usePlayer()
const video = join(player.folder, 'comb.mp4')
const noise = join(player.folder, 'noise.bin')

type Outage = Pick<OutageOptions, 'kind' | 'endsWorker'>

/** One browser for each engine, because a start takes seconds of CPU time. */
const engines = new Map<EngineName, Promise<Engine>>()
/** For each engine, the tests so far. */
const turns = new Map<EngineName, Promise<unknown>>()

beforeAll(async () => {
  const clip = new Uint8Array(readFileSync(new URL('../../examples/player/clips/comb.mp4', import.meta.url)))
  await writeFile(video, spreadClip(clip, noiseOf(GAP_BYTES)))
  await writeFile(noise, noiseOf(1_000))
  const hive = new HttpHive(`${player.url}hive/`)
  await new Blob(['this is not a video']).stream().pipeTo(hive.sink(NO_VIDEO, { type: 'video/mp4' }))
})

afterAll(async () => {
  for (const [name, engine] of engines) if (name !== 'chromium') await (await engine).close()
})

// These tests mostly wait, so several engines may run at the same time.
describe.concurrent('the example player continues at the same second when the server is back', () => {
  for (const name of ENGINE_NAMES) {
    it.skipIf(isMissing(name))(
      `even if the worker is ended in the meantime, in ${name}`,
      { timeout: TIMEOUT_MS },
      async ({ expect }) => {
        await inTurn(name, async (browser) => {
          for (const outage of OUTAGES[name]) {
            const stayAway = (): Promise<void> => Promise.resolve()
            const outcome = await playThroughOutage(name, { server: player.url, ...outage, browser, stayAway })
            expect(outcome.notice).toMatch(outage.kind === 'silent' ? /^The network failed: nothing has/ : REFUSED)
            expect(outcome.notice).toContain('The video will continue where it stopped')
            expect(outcome.leftAt).toBeGreaterThan(1)
            expect(Math.abs(outcome.resumedAt - outcome.leftAt)).toBeLessThan(1)
          }
        })
      },
    )
  }
})

describe.concurrent('the example player with its hive in the browser', () => {
  for (const name of STORING_ENGINES) {
    it.skipIf(isMissing(name))(
      `stores, plays without a server, and frees all space, in ${name}`,
      { timeout: TIMEOUT_MS },
      async ({ expect }) => {
        await inTurn(name, async (browser) => {
          const proxy = new OutageProxy(player.url)
          await proxy.listen()
          const page = await openEnginePage(name, `${proxy.url}local/`, browser)
          try {
            await untilText(page, 'no-entries', 'The hive is empty')
            for (const file of [video, noise]) await page.chooseFile('#upload-input', file)
            await untilText(page, 'entry-count', '2 entries', STORING_MS)
            await untilText(page, 'upload-summary', '2 of 2 files stored')
            await untilText(page, 'storage-text', `${STORED.size} in ${STORED.blocks} blocks`)
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
            await untilText(page, 'storage-notice', `${STORED.size} freed`)
            await untilText(page, 'storage-text', 'in 0 blocks')
          } finally {
            await page.close()
            await proxy.close()
          }
        })
      },
    )
  }
})

describe.concurrent('the example player with a cache', () => {
  for (const name of STORING_ENGINES) {
    it.skipIf(isMissing(name))(
      `opens, lists and plays without a server what was played once, in ${name}`,
      { timeout: TIMEOUT_MS },
      async ({ expect }) => {
        await inTurn(name, async (browser) => {
          const proxy = new OutageProxy(player.url)
          await proxy.listen()
          const page = await openEnginePage(name, proxy.url, browser)
          // When it appears, it moves the list. A click in that moment would miss its button.
          const untilDrawn = (): Promise<void> =>
            untilInPage(page, 'what is cached', () => /\d/.test(document.getElementById('cached-text')!.textContent))
          try {
            await untilInPage(page, 'the video to load', () =>
              document.querySelector('video')?.currentSrc.includes('/media/comb.mp4'),
            )
            await untilDrawn()
            await page.click('#entries tr:first-child button.play')
            await untilInPage(page, 'the video to play', () => document.querySelector('video')!.currentTime > 0.5)
            await page.evaluate(() => void (document.querySelector('video')!.currentTime = 20))
            await untilText(page, 'cached-text', '744 kB of 744 kB')

            await proxy.goAway()
            await page.reload()
            await untilText(page, 'hive-problem', 'This list may be out of date. The network failed')
            await untilInPage(page, 'the list', () => document.querySelector('#entries button.play') !== null)
            await untilDrawn()
            await page.click('#entries tr:first-child button.play')
            await untilInPage(page, 'the video to play', () => document.querySelector('video')!.currentTime > 0.5)
            await page.evaluate(() => void (document.querySelector('video')!.currentTime = 18))
            await untilInPage(page, 'the video to play on', () => document.querySelector('video')!.currentTime > 18.2)
            // While it does not move, the page may say that it waits for the hive.
            await untilInPage(page, 'no notice', () => document.getElementById('notice')!.textContent === '')
            expect(await page.evaluate(() => document.querySelector('video')!.error)).toBe(null)
          } finally {
            await page.close()
            await proxy.close()
          }
        })
      },
    )
  }
})

describe.concurrent('the example player says that a format is not supported', () => {
  for (const name of ENGINE_NAMES) {
    it.skipIf(isMissing(name))(
      `and stops requesting the entry, in ${name}`,
      { timeout: TIMEOUT_MS },
      async ({ expect }) => {
        await inTurn(name, async (browser) => {
          const proxy = new OutageProxy(player.url)
          await proxy.listen()
          const page = await openEnginePage(name, proxy.url, browser)
          try {
            await untilInPage(page, 'the list', () => document.querySelector('#entries button') !== null)
            const contains = (words: string): boolean => document.body.innerText.includes(words)
            await clickUntil(page, '#entries tr:last-child button', 'the words', contains, NOT_SUPPORTED)
            const asked = (): number => proxy.requests.filter((request) => request.includes(NO_VIDEO)).length
            await page.evaluate(countLooks)
            const enough = (looks: number): boolean => Number(document.body.dataset['looks']) >= looks
            let before: number
            let windows = 0
            // What the worker looks up behind an answer may come after the words. A page that goes on asks in every window.
            do {
              before = asked()
              await untilInPage(page, 'several looks of the page', enough, LOOKS * ++windows)
            } while (asked() > before && windows < MAX_WINDOWS)
            expect(asked()).toBe(before)
          } finally {
            await page.close()
            await proxy.close()
          }
        })
      },
    )
  }
})

it('keeps every file that the page consists of', async ({ expect }) => {
  const { KEPT_FILES } = (await import('../../examples/player/kept-files.js')) as { KEPT_FILES: readonly string[] }
  const files = readdirSync(new URL('../../examples/player', import.meta.url)).filter((name) =>
    /\.(js|css|svg)$/.test(name),
  )
  expect(KEPT_FILES).toEqual(['./', '/combstream/browser-hive.js', ...files.toSorted()])
})

/** An engine that is missing is reported by its own suite. */
function isMissing(name: EngineName): boolean {
  return !existsSync(ENGINES[name])
}

/** Runs a test once the previous one of its engine has ended. */
async function inTurn(name: EngineName, test: (browser: Engine) => Promise<void>): Promise<void> {
  if (!engines.has(name)) engines.set(name, name === 'chromium' ? sharedChromium() : startEngine(name, ENVIRONMENT))
  const browser = await engines.get(name)!
  const turn = Promise.resolve(turns.get(name)).then(() => test(browser))
  turns.set(
    name,
    turn.catch(() => undefined),
  )
  await turn
}

/** Noise, because browsers compress what they store. No two of its pieces are the same. */
function noiseOf(byteLength: number): Uint8Array<ArrayBuffer> {
  const piece = randomBytes(Math.min(byteLength, 1_000_000))
  const bytes = new Uint8Array(byteLength)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < byteLength; at += piece.byteLength) {
    bytes.set(piece.subarray(0, byteLength - at), at)
    view.setUint32(at, at)
  }
  return bytes
}

/** Removes the first entry of the list with its button, as with a keyboard. */
function removeFirst(): void {
  const button = document.querySelector<HTMLButtonElement>('#entries tr:first-child button.remove')!
  button.focus()
  for (let press = 0; press < 2; press++) button.click()
}

/** Counts how often the page looks at its video. It asks for a video that stands still at every fourth look. */
function countLooks(): void {
  let looks = 0
  // Where nothing plays, only the look reads this.
  Object.defineProperty(document.querySelector('video')!, 'ended', {
    get() {
      document.body.dataset['looks'] = String(++looks)
      return false
    },
  })
}
