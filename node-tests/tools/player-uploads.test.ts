import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Locator, Page, Route } from 'playwright'
import type { HttpHive } from '../../src/http.ts'
import { dropFiles, openPlayerPage, type PlayerPage } from '../support/player-page.ts'
import { rejection, soon } from '../support/streams.ts'

let player: PlayerPage
let page: Page
let hive: HttpHive

beforeAll(async () => {
  player = await openPlayerPage()
  page = player.page
  hive = player.hive
  await page.getByRole('button', { name: 'comb.webm', exact: true }).waitFor()
})

afterAll(() => player?.close())

beforeEach(async () => {
  // Last one first, so that the others keep their positions.
  const buttons = await page.getByRole('button', { name: /^Dismiss / }).all()
  for (const button of buttons.toReversed()) await button.press('Enter')
})

describe('the example player, for each file that is dropped,', () => {
  it('shows a line with its result, and no other file overwrites a failure', async () => {
    await dropFiles(page, [
      { name: 'first.txt', type: 'text/plain', content: 'first' },
      { name: 'large.bin', content: 64 * 1024 * 1024 + 1 },
      { name: '.', content: 'a name that no entry can have' },
      { name: 'empty.txt', content: '' },
      { name: 'last.txt', content: 'last' },
    ])
    await line('last.txt').getByText('Stored', { exact: true }).waitFor()
    await line('first.txt').getByText('Stored', { exact: true }).waitFor()
    expect(await line('large.bin').locator('.words').textContent()).toBe(
      'Not stored. The file is too large: at most 67.1 MB can be sent from a page.',
    )
    expect(await line('.').locator('.words').textContent()).toMatch(/^Not stored\. .*alias/)
    expect(await page.locator('#upload-summary').textContent()).toBe('3 of 5 files stored · 2 failed')
    await page.getByRole('button', { name: 'Try failed again' }).click()
    await page.getByText('3 of 5 files stored · 2 failed').waitFor()
    expect(await hive.stat('first.txt')).toMatchObject({ size: 5, type: 'text/plain' })
    expect((await hive.stat('empty.txt')).size).toBe(0)

    // Later uploads do not overwrite it either, and neither does clearing.
    await dropFiles(page, [{ name: 'later.txt', content: 'later' }])
    await line('later.txt').getByText('Stored', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Clear finished' }).click()
    expect(await page.locator('#uploads .name').allTextContents()).toEqual(['large.bin', '.'])
    expect(await page.locator('#uploads .words').allTextContents()).toEqual([
      expect.stringContaining('too large'),
      expect.stringContaining('alias'),
    ])
  })

  it('shows its progress, and a cancel button that stores nothing and lets the others continue', async () => {
    const held = await holdWrites('slow.bin')
    await dropFiles(page, [
      { name: 'slow.bin', content: 1_000_000 },
      { name: 'never.bin', content: 10 },
      { name: 'after.bin', content: 10 },
    ])
    await held.next()
    await line('slow.bin').getByRole('progressbar', { name: 'Progress of slow.bin' }).waitFor()
    expect(await line('after.bin').locator('.words').textContent()).toBe('Waiting for its turn')
    await page.getByRole('button', { name: 'Cancel never.bin' }).click()
    await page.getByRole('button', { name: 'Cancel slow.bin' }).click()
    await line('slow.bin').getByText('Cancelled').waitFor()
    await line('after.bin').getByText('Stored', { exact: true }).waitFor()
    expect(await rejection(hive.stat('slow.bin'))).toMatchObject({ name: 'NotFoundError' })
    expect(await rejection(hive.stat('never.bin'))).toMatchObject({ name: 'NotFoundError' })

    await held.end()
    await page.getByRole('button', { name: 'Try again slow.bin' }).click()
    await line('slow.bin').getByText('Stored', { exact: true }).waitFor()
    expect((await hive.stat('slow.bin')).size).toBe(1_000_000)
  })

  it('says that the network failed, and tries again on request', async () => {
    await page.route('**/hive/cut.bin', (route) =>
      route.request().method() === 'PUT' ? route.abort() : route.fallback(),
    )
    await dropFiles(page, [{ name: 'cut.bin', content: 'cut' }])
    await line('cut.bin').getByText('Not stored. The network failed').waitFor()
    await page.unroute('**/hive/cut.bin')
    await page.getByRole('button', { name: 'Try again cut.bin' }).click()
    await line('cut.bin').getByText('Stored', { exact: true }).waitFor()
    expect((await hive.stat('cut.bin')).size).toBe(3)
  })

  it('says that the file cannot be read if it changed while it was waiting', async () => {
    const path = join(player.folder, 'changing.txt')
    writeFileSync(path, 'when it was chosen')
    const held = await holdWrites('before.bin')
    await dropFiles(page, [{ name: 'before.bin', content: 10 }])
    const before = await held.next()
    await page.setInputFiles('#upload-input', path)
    await line('changing.txt').getByText('Waiting for its turn').waitFor()
    rmSync(path)
    await before.continue()
    await line('changing.txt').getByText('Not stored. The file cannot be read:').waitFor()
    expect(await rejection(hive.stat('changing.txt'))).toMatchObject({ name: 'NotFoundError' })
    await held.end()
  })

  it('asks before it replaces an entry, whenever it finds out that the entry exists', async () => {
    const { etag } = await hive.stat('comb.webm')
    await dropFiles(page, [{ name: 'comb.webm', type: 'video/webm', content: 'not a clip' }])
    await line('comb.webm').getByText('already has an entry with this name').waitFor()
    await page.getByRole('button', { name: 'Skip comb.webm', exact: true }).click()
    await line('comb.webm').getByText('Cancelled, not stored').waitFor()
    expect((await hive.stat('comb.webm')).etag).toBe(etag)
    // A question that was not answered is asked again.
    await page.getByRole('button', { name: 'Try again comb.webm', exact: true }).click()
    await line('comb.webm').getByText('already has an entry with this name').waitFor()
    await page.getByRole('button', { name: 'Skip comb.webm', exact: true }).click()
    expect((await hive.stat('comb.webm')).etag).toBe(etag)

    // Another client stores an entry of this name while the file is on its way, and again after the question.
    const held = await holdWrites('race.txt')
    await dropFiles(page, [{ name: 'race.txt', content: 'mine' }])
    const first = await held.next()
    await store('race.txt', 'theirs')
    await first.continue()
    await line('race.txt').getByText('already has an entry with this name').waitFor()
    await page.getByRole('button', { name: 'Replace race.txt' }).click()
    const second = await held.next()
    await store('race.txt', 'theirs, again')
    await second.continue()
    await line('race.txt').getByText('already has an entry with this name').waitFor()
    expect((await hive.stat('race.txt')).size).toBe('theirs, again'.length)
    await held.end()
    await page.getByRole('button', { name: 'Replace race.txt' }).click()
    await line('race.txt').getByText('Replaced').waitFor()
    expect((await hive.stat('race.txt')).size).toBe('mine'.length)
  })

  it('stores a file whose entry is removed while it waits for an answer', async () => {
    await store('gone.txt', 'theirs')
    await page.getByRole('link', { name: 'gone.txt' }).waitFor()
    await dropFiles(page, [{ name: 'gone.txt', content: 'mine' }])
    await line('gone.txt').getByText('already has an entry with this name').waitFor()
    await hive.remove('gone.txt')
    await page.getByRole('button', { name: 'Replace gone.txt' }).click()
    await line('gone.txt').getByText('Stored', { exact: true }).waitFor()
    expect((await hive.stat('gone.txt')).size).toBe('mine'.length)
  })

  it('answers all questions at once, on request', async () => {
    await dropFiles(page, [
      { name: 'comb.mp4', content: 'new' },
      { name: 'comb.webm', content: 'new' },
    ])
    await page.getByRole('button', { name: 'Replace all' }).click()
    for (const name of ['comb.mp4', 'comb.webm']) {
      await line(name).getByText('Replaced').waitFor()
      expect((await hive.stat(name)).size).toBe(3)
    }
  })

  it('reports no problem by itself', () => {
    // The tests broke a connection and made writes lose a race.
    expect(player.complaints.filter((text) => !/ERR_FAILED|412/.test(text))).toEqual([])
  })

  it('announces the result to people who use a screen reader', async () => {
    await dropFiles(page, [{ name: 'loud.txt', content: 'loud' }])
    await line('loud.txt').getByText('Stored', { exact: true }).waitFor()
    expect(await page.locator('[aria-live=polite]').textContent()).toBe('loud.txt is stored.')
  })
})

/** Returns the line of a file. */
function line(name: string): Locator {
  return page.locator(`#uploads li:has(.name[title=${JSON.stringify(name)}])`)
}

async function store(alias: string, text: string): Promise<void> {
  await new Blob([text]).stream().pipeTo(hive.sink(alias, { type: 'text/plain' }))
}

/** Holds the uploads of an entry until the test lets them continue. */
async function holdWrites(alias: string): Promise<{ next(): Promise<Route>; end(): Promise<void> }> {
  const url = `**/hive/${alias}`
  const routes: Route[] = []
  let wake: () => void = () => undefined
  await page.route(url, (route) => {
    if (route.request().method() !== 'PUT') return route.fallback()
    routes.push(route)
    wake()
    return undefined
  })
  const next = async (): Promise<Route> => {
    while (routes.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return routes.shift()!
  }
  return { next: () => soon(next(), `an upload of ${alias}`), end: () => page.unroute(url) }
}
