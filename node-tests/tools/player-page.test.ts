import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElementHandle, Locator, Page, Route } from 'playwright'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { HttpHive } from '../../src/http.ts'
import { openPlayerPage, type PlayerPage } from '../support/player-page.ts'
import { runPlayer } from '../support/player-server.ts'
import { sharedChromium } from '../support/shared-chromium.ts'
import { randomBytes, soon } from '../support/streams.ts'

const CLIP = new URL('../../examples/player/clips/comb.mp4', import.meta.url)

let player: PlayerPage
let page: Page
let hive: HttpHive

beforeAll(async () => {
  player = await openPlayerPage()
  page = player.page
  hive = player.hive
})

afterAll(() => player?.close())

describe('the example player', () => {
  it('lists the clips, plays one through the service worker, and seeks', async () => {
    // The list is filled after the page has loaded.
    await expect.poll(() => page.locator('tbody th').allTextContents()).toEqual(['comb.mp4', 'comb.webm'])
    await page.locator('video[src*="/media/comb.mp4"]').waitFor()
    await page.getByRole('button', { name: 'comb.webm', exact: true }).click()
    await until((video) => video.currentTime > 0.3)
    expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.currentSrc)).toContain(
      `${player.server.url}media/comb.webm?v=`,
    )
    await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 18))
    await until((video) => !video.seeking && video.currentTime > 18.2)
    expect(await page.locator('#fetched-text').textContent()).toBe('750 kB of 750 kB')
    expect(await page.locator('#buffered-text').textContent()).toMatch(/^0:2[34] of 0:24$/)
  })

  it('also plays through the service worker after a forced reload, which bypasses it', async () => {
    const session = await page.context().newCDPSession(page)
    await session.send('Page.reload', { ignoreCache: true })
    await session.detach()
    await page.locator('video[src*="/media/comb.mp4"]').waitFor()
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await until((video) => video.currentTime > 0.3)
    expect(await page.locator('#notice').textContent()).toBe('')
    expect(await page.locator('#fetched-text').textContent()).toBe('744 kB of 744 kB')
  })

  it('continues with the new version when the entry is replaced while it plays', async () => {
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await until((video) => video.currentTime > 0.5)
    const sink = hive.sink('comb.mp4', { type: 'video/mp4' })
    await new Blob([readFileSync(CLIP), 'another version']).stream().pipeTo(sink)
    const { etag } = await sink.entry
    await page.getByText('comb.mp4 was replaced').waitFor()
    await page.getByText(`version ${etag.slice(1, 9)}`).waitFor()
    await until((video) => video.currentTime > 0.5 && !video.paused)
    expect(await page.locator('video').getAttribute('src')).toContain(encodeURIComponent(etag))
  })

  it('shows pictures of entries, and of the place on the seek bar to which the user points', async () => {
    for (const name of ['comb.mp4', 'comb.webm']) {
      await page.getByRole('button', { name, exact: true }).locator('canvas').waitFor()
    }
    const seek = page.getByRole('slider', { name: 'Position' })
    await seek.hover({ position: { x: 150, y: 5 } })
    const preview = page.locator('#preview')
    await preview.locator('canvas').waitFor()
    expect(await preview.evaluate(countColours)).toBeGreaterThan(100)
    expect(await preview.textContent()).toMatch(/^\s*0:\d\d\s*$/)
    await page.mouse.move(0, 0)
    await preview.waitFor({ state: 'hidden' })
    // By keyboard, too.
    await seek.press('Home')
    await preview.getByText('0:00').waitFor()
    await seek.press('Escape')
    await preview.waitFor({ state: 'hidden' })
    // Where the key changes nothing, too.
    await page.locator('video').evaluate((video: HTMLVideoElement) => {
      video.pause()
      video.currentTime = 0
    })
    await until((video) => video.currentTime === 0 && !video.seeking)
    await seek.press('Home')
    await preview.getByText('0:00').waitFor()
    await seek.press('Escape')
    await preview.waitFor({ state: 'hidden' })
    expect(await seek.getAttribute('aria-valuetext')).toMatch(/^0:0\d of 0:24$/)
    // As the poster, too.
    for (const name of ['comb.webm', 'comb.mp4']) {
      await page.getByRole('button', { name, exact: true }).click()
      expect(await page.locator('video').getAttribute('poster')).toMatch(/^data:image\/jpeg/)
    }
  })

  it('renames an entry that is playing, which goes on, and says why a name cannot be had', async () => {
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await until((video) => video.currentTime > 0.3)
    const more = page.getByRole('button', { name: 'More about comb.mp4' })
    await more.press('Enter')
    const panel = page.locator('.panel:visible')
    await panel.getByRole('button', { name: 'Rename' }).press('Enter')
    const name = panel.getByRole('textbox', { name: 'New name' })
    expect(await name.evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd])).toEqual([0, 4])
    await name.fill('comb.webm')
    await name.press('Enter')
    await panel.getByText('Not renamed. The hive already has an entry with this name.').waitFor()
    await name.press('Escape')
    await panel.getByRole('button', { name: 'Rename' }).press('Escape')
    await panel.waitFor({ state: 'hidden' })
    expect(await more.evaluate((button) => button === document.activeElement)).toBe(true)
    await more.press('Enter')
    await panel.getByRole('button', { name: 'Rename' }).press('Enter')
    await name.fill('b/new.mp4')
    await name.press('Enter')
    await page.getByText('comb.mp4 is now b/new.mp4.').first().waitFor()
    await page.locator('video[src*="/media/b/new.mp4"]').waitFor()
    await until((video) => video.currentTime > 0.3 && !video.paused)
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['b/new.mp4', 'comb.webm'])
    // Whoever uses a keyboard goes on at the renamed entry.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('b/new.mp4')
    await hive.rename('b/new.mp4', 'comb.mp4')
    await page.getByText('b/new.mp4 is now comb.mp4.').first().waitFor()
    // The browser logs that the name was taken, and that the old one is gone.
    expect(player.complaints.splice(0).every((text) => /41[02]/.test(text))).toBe(true)
  })

  it('downloads an entry under its name, and can be told not to', async () => {
    const bytes = randomBytes(3_000_000)
    await new Blob([bytes]).stream().pipeTo(hive.sink('some folder/large file.bin'))
    await page.getByRole('button', { name: 'More about some folder/large file.bin' }).click()
    const panel = page.locator('.panel:visible')
    const saved = page.waitForEvent('download')
    await panel.getByRole('button', { name: 'Download' }).click()
    const file = await saved
    expect(file.suggestedFilename()).toBe('large file.bin')
    expect(readFileSync(await file.path()).equals(bytes)).toBe(true)
    await panel.getByText('Downloaded').waitFor()

    await page.evaluate(holdFetches, '/media/some%20folder/')
    await panel.getByRole('button', { name: 'Download' }).click()
    await panel.getByRole('button', { name: 'Cancel' }).click()
    await page.evaluate(() => (globalThis as unknown as Held).letGo())
    await panel.getByText('Not downloaded. You cancelled it.').waitFor()

    // What ends does not take the focus from the user, who does something else by then.
    await page.evaluate(holdFetches, '/media/some%20folder/')
    const again = page.waitForEvent('download')
    await panel.getByRole('button', { name: 'Download' }).click()
    const other = page.getByRole('button', { name: 'Edit an 8 MB entry' })
    await other.focus()
    await page.evaluate(() => (globalThis as unknown as Held).letGo())
    await again
    await panel.getByText('Downloaded', { exact: true }).waitFor()
    expect(await other.evaluate((element) => element === document.activeElement)).toBe(true)
    await hive.remove('some folder/large file.bin', { ifMatch: (await hive.stat('some folder/large file.bin')).etag })
    await panel.waitFor({ state: 'detached' })
  })

  it('keeps an entry for offline, says what is cached, and plays without the network when told to', async () => {
    const box = page.getByRole('switch', { name: 'Use only what is cached' })
    await page.getByRole('button', { name: 'More about comb.webm' }).click()
    const panel = page.locator('.panel:visible')
    await panel.getByRole('button', { name: 'Keep for offline' }).click()
    await panel.getByText('Kept for offline').waitFor()
    await page.getByRole('button', { name: 'comb.webm', exact: true }).click()
    await page.getByText('750 kB, kept').waitFor()
    await box.check()
    await page
      .getByRole('status')
      .getByText('Only what')
      .or(page.locator('#announcer', { hasText: 'Only what' }))
      .waitFor()
    await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 15))
    await until((video) => video.currentTime > 15.2)
    // What is not there cannot be played, and the page says why.
    await new Blob([readFileSync(CLIP), 'a version that is not cached'])
      .stream()
      .pipeTo(hive.sink('b.mp4', { type: 'video/mp4' }))
    await page.getByRole('button', { name: 'b.mp4', exact: true }).click()
    await page.getByText('b.mp4 is not wholly in the cache, and the page was told to use nothing else.').waitFor()
    // A click right after the switch comes before the worker has been told.
    await page.evaluate(holdSwitch)
    await box.uncheck()
    await page.getByRole('button', { name: 'b.mp4', exact: true }).click()
    await until((video) => video.currentTime > 0.3)
    await hive.remove('b.mp4')
    await panel.getByRole('button', { name: 'Do not keep for offline' }).click()
    await panel.getByText('No longer kept for offline').waitFor()
    await page.getByRole('button', { name: 'More about comb.webm' }).click()
    await panel.waitFor({ state: 'hidden' })
    expect(player.complaints.splice(0).every((text) => /503|41[02]/.test(text))).toBe(true)
  })

  it('offers to keep an entry whose panel was opened before there was a service worker', async () => {
    const other = await (await sharedChromium()).newPage()
    onTestFinished(() => other.close())
    await other.addInitScript(holdWorker)
    await other.goto(player.server.url)
    await other.getByRole('button', { name: 'More about comb.webm' }).click()
    const panel = other.locator('.panel:visible')
    await panel.getByRole('button', { name: 'Download' }).waitFor()
    await other.waitForFunction(() => (globalThis as unknown as Held).isHeld)
    const keep = panel.getByRole('button', { name: 'Keep for offline' })
    expect(await keep.isVisible()).toBe(false)
    await other.evaluate(() => (globalThis as unknown as Held).letGo())
    await keep.waitFor()
  })

  it('says that the format failed when the browser cannot play an entry, and only for that entry', async () => {
    for (const alias of ['noise.mp4', 'noise-too.mp4']) {
      await new Blob(['this is not a video']).stream().pipeTo(hive.sink(alias, { type: 'video/mp4' }))
    }
    await page.getByRole('button', { name: 'noise.mp4', exact: true }).click()
    const problem = page.locator('#notice.problem')
    await problem.waitFor()
    expect(await problem.textContent()).toBe(
      'The format is not supported: this browser cannot play noise.mp4, which is video/mp4.',
    )
    // Another video starts while the page is still finding out why this one fails.
    await page.evaluate(holdFetches, '/media/noise-too.mp4')
    await page.getByRole('button', { name: 'noise-too.mp4', exact: true }).click()
    await page.waitForFunction(() => (globalThis as unknown as Held).isHeld)
    await page.getByRole('button', { name: 'comb.mp4', exact: true }).click()
    await page.evaluate(() => (globalThis as unknown as Held).letGo())
    await until((video) => video.currentTime > 0.3)
    expect(await page.locator('#notice').textContent()).toBe('')
    for (const alias of ['noise.mp4', 'noise-too.mp4']) await hive.remove(alias)
  })

  it('says that the hive failed, and removes the message when it answers again', async () => {
    const list = /\/hive\/(\?|$)/
    await page.route(list, (route) => route.fulfill({ status: 500 }))
    const problem = page.locator('#hive-problem')
    // The page asks for the list when the hive says that it has changed.
    await new Blob(['news']).stream().pipeTo(hive.sink('news.txt'))
    await problem.getByText('The hive failed: the server answered 500').waitFor()
    await page.unroute(list)
    await problem.waitFor({ state: 'hidden' })
    await hive.remove('news.txt')
    // The browser logs the failures that the test caused.
    expect(player.complaints.splice(0).every((text) => text.includes('500'))).toBe(true)
  })

  it('updates an entry with the delta to a file, and shows what the server counted', async () => {
    const path = join(player.folder, 'edited.bin')
    const bytes = randomBytes(3_000_001)
    await new Blob([bytes]).stream().pipeTo(hive.sink('upload.bin'))
    await page.getByRole('link', { name: 'upload.bin' }).waitFor()
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 1_000_000), randomBytes(500, 2), bytes.subarray(1_000_000)]))
    await page.selectOption('#update-alias', 'upload.bin')
    await page.setInputFiles('#update-input', path)
    await page.getByText('upload.bin is now edited.bin, 3.0 MB.').waitFor()
    expect((await hive.stat('upload.bin')).size).toBe(3_000_501)
    const { signature, patch } = (await (await fetch(`${player.server.url}traffic?alias=upload.bin`)).json()) as Traffic
    expect(patch.received).toBeLessThan(5_000)
    expect(signature.sent + patch.sent).toBeLessThan(3_000_000 * 0.03)
    const shown = await page.locator('#result').innerText()
    expect(shown).toContain(`${(patch.received / 1000).toFixed(1)} kB sent`)
    expect(shown).toContain(`${((signature.sent + patch.sent) / 1000).toFixed(1)} kB received`)
  })

  it('shows what a delta saves with one click', async () => {
    await page.getByRole('button', { name: 'Edit an 8 MB entry' }).click()
    await page.getByText('demo.bin is now a copy with 1.0 kB inserted').waitFor()
    expect(await page.locator('#result-share').textContent()).toBe('1.3 %')
    expect((await hive.stat('demo.bin')).size).toBe(8_001_000)
  })

  it('plays through its worker again after the user has deleted the data of the site', async () => {
    const session = await page.context().newCDPSession(page)
    const { origin } = new URL(player.server.url)
    await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
    await session.detach()
    await page.getByRole('button', { name: 'comb.webm', exact: true }).click()
    await until((video) => video.currentTime > 0.3 && video.currentSrc.includes('comb.webm'))
    expect(await page.locator('#notice').textContent()).toBe('')
    await page.getByText('750 kB of 750 kB').first().waitFor()
    // The browser logs what it could not get without the worker.
    expect(player.complaints.splice(0).every((text) => text.includes('404'))).toBe(true)
  })

  it('cancels what takes long, with the keyboard too, and says what may have happened all the same', async () => {
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.textContent)
    const remove = page.locator('button[aria-label="Remove comb.webm"]')
    const held: Route[] = []
    await page.route('**/hive/comb.webm', (route) => void held.push(route))
    await remove.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    expect(await focused()).toBe('Cancel removing comb.webm')
    // A double click on the question does not cancel.
    await page.evaluate(() => document.activeElement!.dispatchEvent(new MouseEvent('click', { detail: 2 })))
    expect(await focused()).toBe('Cancel removing comb.webm')
    await page.keyboard.press('Enter')
    await page.getByText('You cancelled it. If the hive had already got the request, the entry goes').first().waitFor()
    expect(await focused()).toBe('Remove comb.webm')
    // Without this, the browser might send it after all when nothing holds it any more.
    for (const route of held) await route.abort()
    await page.unroute('**/hive/comb.webm')
    expect(await hive.stat('comb.webm')).toMatchObject({ alias: 'comb.webm' })

    await page.evaluate(dropCalls, ['unpin', 'clear'])
    const more = page.getByRole('button', { name: 'More about comb.webm' })
    const panel = page.locator('.panel:visible')
    const press = async (button: Locator, what: string): Promise<void> => {
      await button.press('Enter')
      expect(await focused()).toBe(`Cancel: ${what}`)
      expect(await page.getByRole('progressbar', { name: what }).isVisible()).toBe(true)
      await page.keyboard.press('Enter')
    }
    const unpin = panel.getByRole('button', { name: 'Do not keep for offline' })
    await more.press('Enter')
    await panel.getByRole('button', { name: 'Keep for offline' }).press('Enter')
    await press(unpin, 'Releasing comb.webm')
    await panel.getByText('You cancelled it.').waitFor()
    await expect.poll(focused).toBe('Do not keep for offline')
    const empty = page.getByRole('button', { name: 'Empty the cache' })
    await press(empty, 'Emptying the cache')
    await page.getByText('You cancelled it. A part of the cache may be gone already.').waitFor()
    expect(await focused()).toBe('Empty the cache')
    await page.evaluate(dropCalls, [])
    await unpin.press('Enter')
    await panel.getByText('No longer kept for offline').waitFor()
    await more.press('Enter')

    await page.route('**/traffic?*', () => undefined)
    await press(page.getByRole('button', { name: 'Edit an 8 MB entry' }), 'Updating by delta')
    await page.getByText('Nothing was updated. You cancelled it.').waitFor()
    await expect.poll(focused).toBe('Edit an 8 MB entry')
    await page.unroute('**/traffic?*')
  })

  it('asks the browser to keep the hive that is in it, and says what it promises', async () => {
    await page.goto(`${player.server.url}local/`)
    const keep = page.getByRole('button', { name: 'Keep it when space is short' })
    await keep.click()
    await page.getByText('This browser does not promise to keep the hive').waitFor()
    const session = await page.context().newCDPSession(page)
    const { targetInfo } = await session.send('Target.getTargetInfo')
    const { origin } = new URL(player.server.url)
    const browserContextId = targetInfo.browserContextId!
    await session.send('Browser.grantPermissions', { origin, browserContextId, permissions: ['durableStorage'] })
    await keep.click()
    await page.getByText('This browser will not delete the hive by itself.').waitFor()
    expect(await keep.isHidden()).toBe(true)
    await session.detach()
    await page.goto(player.server.url)
  })

  it('reports no problem by itself', () => {
    expect(player.complaints).toEqual([])
  })

  it('says in one line that its port is in use', async () => {
    const { port } = new URL(player.server.url)
    const { end } = runPlayer('--port', port, '--data', join(player.folder, 'other'))
    expect(await soon(end, 'the end')).toEqual({
      code: 1,
      stdout: '',
      stderr: `port ${port} of 127.0.0.1 is already in use: choose another with --port\n`,
    })
  })

  it('exits while a video keeps its connection open', async () => {
    // More than the buffers of both ends hold: it would never end by itself.
    await new Blob([new Uint8Array(50_000_000)]).stream().pipeTo(hive.sink('large.bin'))
    const answer = await fetch(`${player.server.url}hive/large.bin`)
    expect(answer.status).toBe(200)
    const exit = once(player.server.child, 'exit')
    player.server.child.kill('SIGTERM')
    expect(await soon(exit, 'the end')).toEqual([0, null])
    await answer.body?.cancel().catch(() => undefined)
  })
})

/** The number of different colours of the picture in an element. */
function countColours(element: Element): number {
  const picture = element.querySelector('canvas')!
  const { data } = picture.getContext('2d')!.getImageData(0, 0, picture.width, picture.height)
  return new Set(new Uint32Array(data.buffer)).size
}

interface Traffic {
  readonly signature: { readonly sent: number }
  readonly patch: { readonly received: number; readonly sent: number }
}

async function until(done: (video: HTMLVideoElement) => boolean): Promise<void> {
  await page.waitForFunction(done, (await page.locator('video').elementHandle()) as ElementHandle<HTMLVideoElement>)
}

interface Held {
  /** Whether something is being held. */
  isHeld: boolean
  /** Lets everything continue. */
  letGo(): void
}

/** Holds the page's own fetches of a path. */
function holdFetches(path: string): void {
  const held = globalThis as unknown as Held
  const { fetch } = globalThis
  const gate = new Promise<void>((resolve) => (held.letGo = resolve))
  globalThis.fetch = async (input, init) => {
    held.isHeld ||= String(input).includes(path)
    if (String(input).includes(path)) await gate
    return fetch(input, init)
  }
}

/** Holds the registration of the page's service worker. */
function holdWorker(): void {
  const held = globalThis as unknown as Held
  const { prototype } = ServiceWorkerContainer
  const { register } = prototype
  const gate = new Promise<void>((resolve) => (held.letGo = resolve))
  prototype.register = async function (url, options) {
    held.isHeld = true
    await gate
    return register.call(this, url, options)
  }
}

/** Tells the service worker only some time after the next click on a button whether to use the network. */
function holdSwitch(): void {
  const { prototype } = ServiceWorker
  const { postMessage } = prototype
  const clicked = new Promise<void>((resolve) => {
    document.addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement) setTimeout(resolve, 50)
    })
  })
  prototype.postMessage = function (message: { call?: string }, ...rest: unknown[]) {
    const post = (): void => postMessage.call(this, message, ...(rest as [StructuredSerializeOptions]))
    if (message.call === 'offline') void clicked.then(post)
    else post()
  }
}

/** Keeps some calls of the page from reaching its service worker. */
function dropCalls(calls: readonly string[]): void {
  const { prototype } = ServiceWorker as unknown as {
    prototype: ServiceWorker & { posts?: ServiceWorker['postMessage'] }
  }
  prototype.posts ??= prototype.postMessage
  const { posts } = prototype
  prototype.postMessage = function (message: { call?: string }, ...rest: unknown[]) {
    if (!calls.includes(message.call ?? '')) posts.call(this, message, ...(rest as [StructuredSerializeOptions]))
  }
}
