// Makes docs/player.png: the example page while it plays, after an update by delta. Needs Debian's chromium and ffmpeg.
// Run `npm run build`, then `node_modules/.bin/node scripts/screenshot.mjs`.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright'
import { CHROMIUM_LAUNCH } from './chromium.mjs'
import { ROOT, run } from './run.mjs'

const PICTURE = join(ROOT, 'docs', 'player.png')
const MAX_BYTES = 300_000
const PLAY_SECONDS = 14
/** The controls, which appear on a seek, have disappeared after this time. */
const CONTROLS_SECONDS = 4

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
const raw = join(folder, 'player.png')
const server = spawn(process.execPath, ['examples/player/serve.ts', '--port', '0', '--data', join(folder, 'hive')], {
  cwd: ROOT,
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  await takePicture(await urlOf(server))
  await squeeze()
} finally {
  server.kill()
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, null>} child
 * @returns {Promise<string>}
 */
function urlOf(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more) => {
      text += more
      const url = /http:\S+/.exec(text)?.[0]
      if (url) resolve(url)
    })
    child.once('exit', () => reject(new Error('the example server exited')))
  })
}

/** @param {string} url */
async function takePicture(url) {
  const browser = await chromium.launch(CHROMIUM_LAUNCH)
  try {
    const page = await browser.newPage({ viewport: { width: 1120, height: 800 }, colorScheme: 'light' })
    page.setDefaultTimeout(20_000)
    await page.goto(url)
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await page.getByRole('button', { name: 'Edit an 8 MB entry' }).click()
    await page.locator('#result').waitFor()
    const video = page.locator('video')
    await video.evaluate((/** @type {HTMLVideoElement} */ element, seconds) => {
      element.currentTime = seconds
    }, PLAY_SECONDS - CONTROLS_SECONDS)
    await page.waitForFunction(
      ([element, seconds]) => !element.seeking && element.currentTime > seconds,
      /** @type {const} */ ([
        /** @type {import('playwright').ElementHandle<HTMLVideoElement>} */ (await video.elementHandle()),
        PLAY_SECONDS,
      ]),
    )
    await page.screenshot({ path: raw, fullPage: true })
  } finally {
    await browser.close()
  }
}

/** Reduces the picture to 256 colours, which are enough for a page, and to a third of its bytes. */
async function squeeze() {
  mkdirSync(dirname(PICTURE), { recursive: true })
  const palette = 'split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=sierra2_4a'
  const { code, output } = await run(['ffmpeg', '-loglevel', 'error', '-y', '-i', raw, '-vf', palette, PICTURE], {
    timeoutMs: 30_000,
  })
  if (code !== 0) throw new Error(`ffmpeg failed\n${output}`)
  const { size } = statSync(PICTURE)
  if (size > MAX_BYTES) throw new Error(`docs/player.png has ${size} bytes, more than ${MAX_BYTES}`)
  console.log(`docs/player.png: ${size} bytes`)
}
