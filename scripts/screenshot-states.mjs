// Takes screenshots of every state of the example page, narrow and wide, light and dark, for a person to look at. Run
// `npm run build`, then `node_modules/.bin/node scripts/screenshot-states.mjs FOLDER`. Needs Debian's chromium.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { HttpHive } from '../src/http.ts'
import { OutageProxy } from '../node-tests/support/outage-proxy.ts'
import { dropFiles } from '../node-tests/support/player-page.ts'
import { startPlayer } from '../node-tests/support/player-server.ts'
import { CHROMIUM_LAUNCH } from './chromium.mjs'

/** @import { Page } from 'playwright' */
/** @typedef {{ page: Page, proxy: OutageProxy }} Scene */

const WIDTHS = [320, 390, 1_280]
const SCHEMES = /** @type {const} */ (['light', 'dark'])
const LONG_NAME = `${'a-name-without-any-space-'.repeat(8).slice(0, 196)}.mp4`
/** More entries than the list shows at once. */
const ENTRIES = 40

/** Functions that bring the page into each state and finish on their own. @type {Record<string, (scene: Scene) => Promise<void>>} */
const STATES = {
  async uploads({ page }) {
    await page.route('**/hive/sending.mov', () => undefined)
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await dropFiles(page, [
      { name: `note ${Date.now()}.txt`, content: 'stored' },
      { name: 'holiday.mov', content: 64 * 1024 * 1024 + 1 },
      { name: LONG_NAME, content: 'asks' },
      { name: 'sending.mov', content: 3_000_000 },
      { name: 'waiting.mov', content: 5_000_000 },
      { name: 'cancelled.mov', content: 5_000_000 },
    ])
    await page.getByRole('button', { name: 'Cancel cancelled.mov' }).click()
    await page.locator('li[data-state=sending]', { hasText: 'sending.mov' }).waitFor()
  },
  async update({ page }) {
    await page.getByRole('button', { name: 'Edit an 8 MB entry' }).click()
    await page.locator('#result').waitFor()
  },
  async actions({ page }) {
    for (const path of ['**/hive/entry%200.txt', '**/media/comb.webm*', '**/traffic?*'])
      await page.route(path, () => undefined)
    for (const name of ['comb.mp4', 'comb.webm', LONG_NAME]) {
      await page.locator(`button[aria-label="More about ${name}"]`).click()
    }
    await page.locator('.panel', { hasText: 'video/webm' }).getByRole('button', { name: 'Download' }).click()
    await page.locator('.panel').last().getByRole('button', { name: 'Rename' }).click()
    const remove = page.locator('button[aria-label="Remove entry 0.txt"]')
    await remove.click()
    await page.getByRole('button', { name: 'Remove?' }).click()
    await page.locator('button[aria-label="Remove entry 1.txt"]').click()
    await page.getByRole('button', { name: 'Edit an 8 MB entry' }).click()
    await page.getByRole('button', { name: 'Cancel: Updating by delta' }).waitFor()
  },
  async format({ page }) {
    await page.getByRole('button', { name: LONG_NAME, exact: true }).click()
    await page.locator('#notice.problem').waitFor()
    await page.getByRole('searchbox').fill('no such entry')
  },
  async outage({ page, proxy }) {
    proxy.hold('/hive/comb.webm', 300_000)
    await page.getByRole('button', { name: 'comb.webm', exact: true }).click()
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1)
    await proxy.goAway()
    await page.getByText('once the hive answers').waitFor()
  },
}

const target = process.argv[2]
if (target === undefined) throw new Error('pass a folder for the screenshots')
mkdirSync(target, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
const player = await startPlayer(join(folder, 'hive'))
const browser = await chromium.launch(CHROMIUM_LAUNCH)
try {
  const hive = new HttpHive(`${player.url}hive/`)
  await new Blob(['no video']).stream().pipeTo(hive.sink(LONG_NAME, { type: 'video/mp4' }))
  for (let i = 0; i < ENTRIES; i++) await new Blob(['a']).stream().pipeTo(hive.sink(`entry ${i}.txt`))
  for (const [state, bring] of Object.entries(STATES)) {
    for (const width of WIDTHS) for (const scheme of SCHEMES) await take(state, bring, width, scheme)
  }
} finally {
  await browser.close()
  player.child.kill()
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {string} state
 * @param {(scene: Scene) => Promise<void>} bring
 * @param {number} width
 * @param {'light' | 'dark'} colorScheme
 */
async function take(state, bring, width, colorScheme) {
  const proxy = new OutageProxy(player.url)
  await proxy.listen()
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
  try {
    await page.goto(proxy.url)
    await page.locator('video[src*="/media/"]').waitFor()
    await bring({ page, proxy })
    const path = join(/** @type {string} */ (target), `${state}-${width}-${colorScheme}.png`)
    await page.screenshot({ path, fullPage: true })
    console.log(path)
  } finally {
    await page.close()
    await proxy.close()
  }
}
