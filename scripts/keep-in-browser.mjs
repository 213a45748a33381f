// Stores a video of 200 MB in the page of `npm start` with its hive in the browser, reloads, ends the server, restarts the
// browser, plays, seeks to the end, and collects everything, in each browser engine. Prints the times and what the
// browser occupies, and takes a screenshot at each step, wide and narrow, for a person to look at. Needs ffmpeg. Run
// `npm run build`, then `node_modules/.bin/node scripts/keep-in-browser.mjs FOLDER [ENGINE…]`. docs/service-worker.md has
// the results.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINES, openEnginePage } from '../node-tests/support/engine-page.ts'
import { startPlayer } from '../node-tests/support/player-server.ts'
import { untilInPage } from '../node-tests/support/until-in-page.ts'
import { untilText } from '../node-tests/support/until-text.ts'
import { ROOT, run } from './run.mjs'

/** @import { EngineName, EnginePage } from '../node-tests/support/engine-page.ts' */

const NAME = 'long.mp4'
/** The clip is repeated that often, which makes 200 MB and almost two hours. */
const REPEATED = 270
const MIN_BYTES = 200_000_000
const BLOCKS = 201
/** Seconds before the end of the video to which it is sought: within its last megabyte. */
const BEFORE_END = 10
const SIZES = /** @type {const} */ ([
  ['wide', 1_280, 900],
  ['phone', 390, 1_000],
])

const [target, ...chosen] = process.argv.slice(2)
if (target === undefined) throw new Error('pass a folder for the screenshots')
mkdirSync(target, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
const file = join(folder, NAME)
try {
  await makeVideo()
  console.log(`a video of ${megabytes(statSync(file).size)}`)
  console.log(
    '| engine | stored in | plays after | plays on after the seek | freed in | occupied | left | records left |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  for (const engine of /** @type {EngineName[]} */ (chosen.length > 0 ? chosen : Object.keys(ENGINES))) {
    const cells = await keepIn(engine)
    console.log(`| ${[engine, ...cells].join(' | ')} |`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function makeVideo() {
  const clip = join(ROOT, 'examples', 'player', 'clips', 'comb.mp4')
  const repeat = ['-stream_loop', String(REPEATED - 1), '-i', clip, '-c', 'copy', '-movflags', '+faststart', file]
  const { code, output } = await run(['ffmpeg', '-loglevel', 'error', '-y', ...repeat], { timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`ffmpeg failed\n${output}`)
  if (statSync(file).size < MIN_BYTES) throw new Error(`the video has only ${statSync(file).size} bytes`)
}

/** @param {EngineName} engine */
async function keepIn(engine) {
  const profile = engine === 'webkit' ? undefined : join(folder, `profile-${engine}`)
  const server = await startPlayer(join(folder, `hive-${engine}`))
  const url = `${server.url}local/`
  const serverEnd = new Promise((resolve) => server.child.once('exit', resolve))
  let page = await openEnginePage(engine, url, profile)
  try {
    /** @param {string} stage */
    const look = (stage) => lookAt(page, engine, stage)
    await untilText(page, 'no-entries', 'The hive is empty')
    // It keeps the files of the page, which occupy space too.
    await untilInPage(page, 'the worker', () => navigator.serviceWorker.controller !== null)
    const atFirst = await usage(page)
    const stored = await timed(async () => {
      await page.chooseFile('#upload-input', file)
      await untilInPage(page, 'half of it to be stored', () => {
        return (
          (document.querySelector('progress')?.value ?? 0) > 0.5 ||
          document.querySelector('[data-state=stored]') !== null
        )
      })
      await look('1-storing')
      await untilText(page, 'upload-summary', '1 of 1 file stored')
    })
    await untilText(page, 'storage-text', `in ${BLOCKS} blocks`)
    await look('2-stored')
    const full = await usage(page)

    await page.reload()
    await untilText(page, 'entry-count', '1 entry')
    await look('3-reloaded')
    server.child.kill()
    await serverEnd
    await page.reload()
    await untilText(page, 'entry-count', '1 entry')
    if (profile !== undefined) {
      await page.close()
      page = await openEnginePage(engine, url, profile)
      await untilText(page, 'entry-count', '1 entry')
    }
    await look('4-offline')
    const playing = await timed(async () => {
      await page.click('#entries tr:first-child button.play')
      await untilInPage(page, 'the video to play', isPast, 0.5)
    })
    await look('5-playing')
    const sought = await timed(async () => {
      const at = await page.evaluate(seekBeforeEnd, BEFORE_END)
      await untilInPage(page, 'the video to play on', isPast, at + 0.2)
    })
    await look('6-near-the-end')
    const problems = await page.evaluate(() =>
      [...document.querySelectorAll('.problem')].map((element) => element.textContent).join(''),
    )
    if (problems !== '') throw new Error(`the page complains: ${problems}`)

    for (let press = 0; press < 2; press++) await page.click('#entries tr:first-child button.remove')
    await untilText(page, 'entry-count', '0 entries')
    await look('7-removed')
    const freed = await timed(async () => {
      await page.click('#free')
      await untilText(page, 'storage-text', 'in 0 blocks')
    })
    await look('8-freed')
    const left = await usage(page)
    const times = [stored, playing, sought, freed].map((ms) => `${(ms / 1000).toFixed(1)} s`)
    return [...times, used(full, atFirst), used(left, atFirst), await page.evaluate(recordsLeft)]
  } finally {
    await page.close()
    server.child.kill('SIGKILL')
  }
}

/**
 * @param {EnginePage} page
 * @param {EngineName} engine
 * @param {string} stage
 */
async function lookAt(page, engine, stage) {
  for (const [name, width, height] of SIZES) {
    await page.screenshot(join(/** @type {string} */ (target), `${engine}-${stage}-${name}.png`), width, height)
  }
}

/** What the browser says that the site occupies, in bytes; not every WebKit tells. @param {EnginePage} page */
function usage(page) {
  return page.evaluate(async () => (await navigator.storage?.estimate?.())?.usage ?? null)
}

/** Runs in the page. @param {number} seconds */
function isPast(seconds) {
  return (document.querySelector('video')?.currentTime ?? 0) > seconds
}

/** Runs in the page. @param {number} secondsLeft */
function seekBeforeEnd(secondsLeft) {
  const video = document.querySelector('video')
  if (!video) throw new Error('there is no video')
  return (video.currentTime = video.duration - secondsLeft)
}

/** The number of records in each object store of the hive. Runs in the page. */
async function recordsLeft() {
  const opening = indexedDB.open('combstream:player')
  await new Promise((resolve) => (opening.onsuccess = resolve))
  const { result: database } = opening
  const names = [...database.objectStoreNames]
  const counts = names.map((name) => database.transaction(name).objectStore(name).count())
  await Promise.all(counts.map((count) => new Promise((resolve) => (count.onsuccess = resolve))))
  database.close()
  return names.map((name, i) => `${counts[i]?.result} ${name}`).join(', ')
}

/** @param {() => Promise<void>} work */
async function timed(work) {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/**
 * @param {number | null} bytes
 * @param {number | null} before
 */
function used(bytes, before) {
  return bytes === null || before === null ? '–' : megabytes(bytes - before)
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
