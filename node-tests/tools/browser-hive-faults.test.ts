import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { type BrowserContext, chromium, firefox, type Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'
import { FIREFOX_LAUNCH } from '../../scripts/firefox.mjs'
import { ENGINES } from '../support/engine-page.ts'
import { wholeOr } from '../support/sample.ts'
import { sharedChromium } from '../support/shared-chromium.ts'
import { usePlayer } from '../support/use-player.ts'

/** Starts a browser that keeps its data in a folder. */
const LAUNCHERS = {
  chromium: (profile: string) => chromium.launchPersistentContext(profile, CHROMIUM_LAUNCH),
  firefox: (profile: string) => firefox.launchPersistentContext(profile, FIREFOX_LAUNCH),
}

/** The hive of this test, in the page. */
interface TestHive {
  /** Names of the entries that have been stored, in their order. */
  readonly stored: string[]
  /** Stores entries from number `from` on until that fails, and returns the name of the error. */
  storeAll(from: number, size: number): Promise<string>
  /** Reads all entries, and resolves with their number; rejects if one is damaged or has other bytes than were stored. */
  readAll(): Promise<number>
  /** Frees everything that no entry needs, and resolves with what a scrub finds after that. */
  tidyUp(): Promise<{ damaged: number; orphans: number }>
}

/** Where the blocks of a hive are. */
type Place = 'indexeddb' | 'opfs'

/** The hives whose browsers are killed. In the short form, each browser and each place is there once at least. */
const PLACES = wholeOr<readonly (readonly [name: keyof typeof LAUNCHERS, prefer: Place])[]>(
  [
    ['chromium', 'indexeddb'],
    ['chromium', 'opfs'],
    ['firefox', 'indexeddb'],
    ['firefox', 'opfs'],
  ],
  [
    ['chromium', 'opfs'],
    ['chromium', 'indexeddb'],
    ['firefox', 'indexeddb'],
  ],
)

/** How often a browser is killed. Firefox takes three seconds of CPU time to start, and Chromium two. */
const ROUNDS = wholeOr(2, 1)

const player = usePlayer()

describe.each(PLACES)('a hive in the browser, in %s with its blocks in %s,', (name, prefer) => {
  it.skipIf(!existsSync(ENGINES[name]))(
    'has all that was stored before the browser was killed, and tidies up the rest',
    { timeout: 180_000 },
    async () => {
      const launch = LAUNCHERS[name]
      const profile = join(player.folder, `profile-${name}-${prefer}`)
      const stored: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const context = await launch(profile)
        const page = await openHive(context, { prefer })
        await page.evaluate((from) => void testHive().storeAll(from, 300_000), round * 1_000)
        await page.waitForFunction(() => testHive().stored.length > 4)
        stored.push(...(await page.evaluate(() => testHive().stored)))
        // The driver notices the death by itself. A call to close the browser would fail if it comes just before that.
        const gone = context.waitForEvent('close')
        kill(profile)
        await gone
      }
      const context = await launch(profile)
      try {
        const page = await openHive(context, { prefer })
        // One more may have been stored after the last look at each round.
        expect(await page.evaluate(() => testHive().readAll())).toBeGreaterThanOrEqual(stored.length)
        const found = await page.evaluate(() => testHive().stored)
        expect(found).toEqual(expect.arrayContaining(stored))
        expect(await page.evaluate(() => testHive().tidyUp())).toEqual({ damaged: 0, orphans: 0 })
      } finally {
        await context.close()
      }
    },
  )
})

it.skipIf(!existsSync(ENGINES.chromium))(
  'a hive in the browser fails with a QuotaExceededError when space runs out, and keeps what it has',
  { timeout: 120_000 },
  async () => {
    const context = await (await sharedChromium()).newContext()
    try {
      const page = await context.newPage()
      const session = await context.newCDPSession(page)
      const { origin } = new URL(player.url)
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 12_000_000 })
      await openHive(context, { page })
      expect(await page.evaluate(() => testHive().storeAll(0, 2_000_000))).toBe('QuotaExceededError')
      const count = await page.evaluate(() => testHive().stored.length)
      expect(count).toBeGreaterThan(0)
      expect(await page.evaluate(() => testHive().readAll())).toBe(count)
      expect(await page.evaluate(() => testHive().tidyUp())).toEqual({ damaged: 0, orphans: 0 })
    } finally {
      await context.close()
    }
  },
)

/** Opens a page in which there is a {@linkcode TestHive}: a file of the example server, since its page would do more. */
async function openHive(
  context: BrowserContext,
  { page, prefer = 'indexeddb' }: { page?: Page; prefer?: Place },
): Promise<Page> {
  const opened = page ?? (await context.newPage())
  await opened.goto(`${player.url}style.css`)
  expect(await opened.evaluate(inPage(prefer))).toBe(prefer)
  return opened
}

/** Kills the browser that uses a profile, with all its processes. */
function kill(profile: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

/** Stands for what {@linkcode inPage} puts into the page. */
declare function testHive(): TestHive

/** What puts the hive into the page, and resolves with where its blocks are. */
const inPage = (prefer: Place): string => `(async () => {
  const { browserBackend, LocalHive, StreamStore } = await import('/combstream/browser-hive.js')
  const backend = await browserBackend('test', { prefer: '${prefer}' })
  const store = new StreamStore(backend, { blockSize: 100_000 })
  const hive = new LocalHive(store)
  const stored = []
  // Noise, because browsers compress what they store.
  const contentOf = (number, size) => {
    const bytes = new Uint8Array(size)
    let state = number + 1
    for (let i = 0; i < size; i++) bytes[i] = (state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 24
    return bytes
  }
  const etagOf = async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    return '"' + btoa(String.fromCharCode(...digest)).replaceAll('+', '-').replaceAll('/', '_').replace('=', '') + '"'
  }
  const all = async () => (await hive.list()).entries
  globalThis.testHive = () => ({
    stored,
    async storeAll(from, size) {
      for (let number = from; ; number++) {
        try {
          await new Blob([contentOf(number, size)]).stream().pipeTo(hive.sink(String(number)))
          stored.push(String(number))
        } catch (error) {
          return error.name
        }
      }
    },
    async readAll() {
      const entries = await all()
      for (const { alias, size } of entries) {
        const bytes = new Uint8Array(await new Response((await hive.open(alias)).stream()).arrayBuffer())
        if ((await etagOf(bytes)) !== (await etagOf(contentOf(Number(alias), size)))) throw new Error(alias + ' has other bytes')
      }
      stored.splice(0, stored.length, ...entries.map(({ alias }) => alias))
      return entries.length
    },
    async tidyUp() {
      await store.scrub({ repair: true, graceMs: 0 })
      for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
      const { damaged, orphans } = await store.scrub()
      return { damaged: damaged.streams, orphans: orphans.count }
    },
  })
  return backend.kind
})()`
