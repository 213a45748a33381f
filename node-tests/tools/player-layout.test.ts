import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Locator, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import type { HttpHive } from '../../src/http.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { dropFiles, openPlayerPage, type PlayerPage } from '../support/player-page.ts'

const ENTRIES = 1_500
/** Names of 200 characters: one without break points, one with many, and one of a video that does not play. */
const LONG_NAMES = [
  'W'.repeat(196) + '.txt',
  'many words '.repeat(18) + '.a',
  'unbroken-'.repeat(22).slice(0, 196) + '.mp4',
]

let player: PlayerPage
let page: Page
let hive: HttpHive

beforeAll(async () => {
  player = await openPlayerPage(fill)
  page = player.page
  hive = player.hive
}, 180_000)

afterAll(() => player?.close())

/** Makes the entries in one transaction. As many uploads would take longer than all the tests. */
async function fill(directory: string): Promise<void> {
  const store = new StreamStore(await directoryBackend(directory, { thread: false }))
  const sink = store.sink()
  await new Blob(['the same for all']).stream().pipeTo(sink)
  const { id } = await sink.stored
  const local = new LocalHive(store)
  const database = new DatabaseSync(join(directory, 'metadata.sqlite'))
  database.exec('BEGIN IMMEDIATE')
  const link = (alias: string, type = 'text/plain'): Promise<void> => local.link(alias, id, { type, join: database })
  for (const alias of LONG_NAMES) await link(alias, alias.endsWith('.mp4') ? 'video/mp4' : 'text/plain')
  for (let i = 0; i < ENTRIES - 2 - LONG_NAMES.length; i++) await link(`entry ${i}.txt`)
  database.exec('COMMIT')
  database.close()
  await store.close()
}

describe('the example player, with 1,500 entries and names of 200 characters,', () => {
  it('lists and searches all entries, and keeps focus and scroll position when the list changes', async () => {
    await page.locator('#entry-count', { hasText: '1,500 entries' }).waitFor()
    expect(await page.locator('#entries tr').count()).toBe(ENTRIES)
    await page.locator('#filter').fill('ENTRY 149')
    expect(await page.locator('#entry-count').textContent()).toBe('6 of 1,500 entries')
    expect(await page.locator('#entries tr:visible th').allTextContents()).toContain('entry 1492.txt')

    // Locators by role would compute the names of all 1,500 rows and of all their buttons.
    const linkTo = (name: RegExp): Locator => page.locator('#entries a', { hasText: name })
    const link = linkTo(/^entry 1492\.txt$/)
    await link.focus()
    await new Blob(['one more']).stream().pipeTo(hive.sink('entry 1490 b.txt'))
    await new Blob(['another version']).stream().pipeTo(hive.sink('entry 1492.txt'))
    await linkTo(/^entry 1490 b\.txt$/).waitFor()
    await page.locator('#entries tr', { hasText: /^entry 1492\.txt\s*15 bytes/ }).waitFor()
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true)

    await page.locator('#filter').fill('no such entry')
    await page.locator('p', { hasText: 'No entry matches.' }).waitFor()
    await page.locator('#filter').fill('')
  })

  it('stays within 320, 390 and 1,280 pixels, whatever it shows', async () => {
    await page.locator('#entries button.play', { hasText: LONG_NAMES[2]! }).click()
    await page.locator('#notice.problem').waitFor()
    const names = LONG_NAMES.map((name) => `new ${name}`.slice(0, 200))
    await dropFiles(page, [
      ...LONG_NAMES.map((name) => ({ name, content: 'asks first' })),
      ...names.map((name) => ({ name, content: 'stored' })),
      { name: `${names[0]}${'W'.repeat(1_000)}`, content: 'fails: its name is too long' },
    ])
    await page.locator('#upload-summary', { hasText: '3 of 7 files stored · 3 questions · 1 failed' }).waitFor()
    // What else can be done with the entries, and the form that asks for another name.
    for (const name of LONG_NAMES) await page.locator(`[aria-label="More about ${name}"]`).click()
    await page.locator('.panel:visible').first().getByRole('button', { name: 'Rename' }).click()
    for (const width of [320, 390, 1_280]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await page.evaluate(tooWide), `at ${width} px`).toEqual([])
    }
  })

  it('names every control, and shows the focus on everything that the keyboard reaches', async () => {
    expect(await page.evaluate(nameless)).toEqual([])
    await page.locator('#upload').focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Replace all')
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
    expect(outline).toBe('solid')
  })

  it('reports no problem by itself', () => {
    expect(player.complaints).toEqual([])
  })
})

/** Returns the elements that are wider than the page or than the box that they scroll in. */
function tooWide(): string[] {
  const scrolling = [document.documentElement, ...document.querySelectorAll('.scroll')]
  const boxes = document.querySelectorAll('body *:not(tr *, #uploads *)')
  return [
    ...scrolling.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth),
    ...Array.from(boxes).filter((box) => box.getBoundingClientRect().right > innerWidth + 0.5),
  ].map(({ tagName, id, className }) => `${tagName}#${id}.${className}`)
}

function nameless(): string[] {
  const controls = document.querySelectorAll<HTMLInputElement>('button, select, input, a, progress, [tabindex]')
  return Array.from(controls)
    .filter((control) => {
      const labels = [control.getAttribute('aria-label'), control.getAttribute('aria-labelledby'), control.labels?.[0]]
      return !labels.some(Boolean) && control.textContent.trim() === ''
    })
    .map(({ outerHTML }) => outerHTML.slice(0, 100))
}
