import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type ElementHandle, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'
import { HttpHive } from '../../src/http.ts'
import { type PlayerServer, runPlayer, startPlayer } from '../support/player-server.ts'
import { randomBytes, soon } from '../support/streams.ts'

const CLIP = new URL('../../examples/player/clips/comb.mp4', import.meta.url)

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
let server: PlayerServer
let browser: Browser
let page: Page
let hive: HttpHive
/** What the page says on the console: errors that nobody has caught, and what its security policy refused. */
const complaints: string[] = []

beforeAll(async () => {
  server = await startPlayer(join(folder, 'hive'))
  hive = new HttpHive(`${server.url}hive/`)
  browser = await chromium.launch(CHROMIUM_LAUNCH)
  page = await browser.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A HEAD of an entry that is not there yet.
    if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text())
  })
  await page.goto(server.url)
})

afterAll(async () => {
  await browser?.close()
  server?.child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

describe('the example player', () => {
  it('lists the clips, plays one through the service worker, and seeks', async () => {
    expect(await page.locator('tbody th').allTextContents()).toEqual(['comb.mp4', 'comb.webm'])
    await page.getByRole('button', { name: 'comb.webm' }).click()
    await until((video) => video.currentTime > 0.3)
    expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.currentSrc)).toContain(
      `${server.url}media/comb.webm?v=`,
    )
    await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 18))
    await until((video) => !video.seeking && video.currentTime > 18.2)
    expect(await page.locator('#fetched-text').textContent()).toBe('750 kB of 750 kB')
    expect(await page.locator('#buffered-text').textContent()).toMatch(/^0:2[34] of 0:24$/)
  })

  it('plays through the service worker after a forced reload too, which goes past it', async () => {
    const session = await page.context().newCDPSession(page)
    await session.send('Page.reload', { ignoreCache: true })
    await session.detach()
    await page.locator('video[src*="/media/comb.mp4"]').waitFor()
    await page.getByRole('button', { name: 'comb.mp4' }).click()
    await until((video) => video.currentTime > 0.3)
    expect(await page.locator('#notice').textContent()).toBe('')
    expect(await page.locator('#fetched-text').textContent()).toBe('744 kB of 744 kB')
  })

  it('goes on with the new version when the entry is replaced while it plays', async () => {
    await page.getByRole('button', { name: 'comb.mp4' }).click()
    await until((video) => video.currentTime > 0.5)
    const sink = hive.sink('comb.mp4', { type: 'video/mp4' })
    await new Blob([readFileSync(CLIP), 'another version']).stream().pipeTo(sink)
    const { etag } = await sink.entry
    await page.getByText('comb.mp4 was replaced meanwhile').waitFor()
    await page.getByText(`version ${etag.slice(1, 9)}`).waitFor()
    await until((video) => video.currentTime > 0.5 && !video.paused)
    expect(await page.locator('video').getAttribute('src')).toContain(encodeURIComponent(etag))
  })

  it('stores what is uploaded, and replaces only what it has shown', async () => {
    const path = join(folder, 'upload.bin')
    writeFileSync(path, randomBytes(3_000_000))
    await page.setInputFiles('#upload-input', path)
    await page.getByText('Stored upload.bin, 3.0 MB.').waitFor()
    expect(await hive.stat('upload.bin')).toMatchObject({ size: 3_000_000, type: 'application/octet-stream' })
    await page.getByRole('link', { name: 'upload.bin' }).waitFor()

    writeFileSync(path, randomBytes(3_000_001))
    await page.setInputFiles('#upload-input', path)
    await page.getByText('Replaced upload.bin, 3.0 MB.').waitFor()
    expect((await hive.stat('upload.bin')).size).toBe(3_000_001)
  })

  it('says what went wrong', async () => {
    const path = join(folder, 'large.bin')
    writeFileSync(path, new Uint8Array(64 * 1024 * 1024 + 1))
    await page.setInputFiles('#upload-input', path)
    const problem = page.locator('#upload-text.problem')
    await problem.waitFor()
    expect(await problem.textContent()).toMatch(/^large\.bin was not stored\. .*more than 67108864 bytes/i)
  })

  it('updates an entry by the delta to a file, and shows what the server counted', async () => {
    const path = join(folder, 'edited.bin')
    const bytes = randomBytes(3_000_001)
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 1_000_000), randomBytes(500, 2), bytes.subarray(1_000_000)]))
    await page.selectOption('#update-alias', 'upload.bin')
    await page.setInputFiles('#update-input', path)
    await page.getByText('upload.bin is now edited.bin, 3.0 MB.').waitFor()
    expect((await hive.stat('upload.bin')).size).toBe(3_000_501)
    const { signature, patch } = (await (await fetch(`${server.url}traffic?alias=upload.bin`)).json()) as Traffic
    expect(patch.received).toBeLessThan(5_000)
    expect(signature.sent + patch.sent).toBeLessThan(3_000_000 * 0.03)
    const shown = await page.locator('#result').innerText()
    expect(shown).toContain(`${(patch.received / 1000).toFixed(1)} kB sent`)
    expect(shown).toContain(`${((signature.sent + patch.sent) / 1000).toFixed(1)} kB received`)
  })

  it('shows at one click what a delta saves', async () => {
    await page.getByRole('button', { name: 'Edit an 8 MB entry' }).click()
    await page.getByText('demo.bin is now a copy with 1.0 kB inserted').waitFor()
    expect(await page.locator('#result-share').textContent()).toBe('1.3 %')
    expect((await hive.stat('demo.bin')).size).toBe(8_001_000)
  })

  it('complains of nothing by itself', () => {
    expect(complaints).toEqual([])
  })

  it('says in one line that its port is in use', async () => {
    const { port } = new URL(server.url)
    const { end } = runPlayer('--port', port, '--data', join(folder, 'other'))
    expect(await soon(end, 'the end')).toEqual({
      code: 1,
      stdout: '',
      stderr: `port ${port} of 127.0.0.1 is in use: choose another with --port\n`,
    })
  })

  it('ends while a video has its connection open', async () => {
    // More than the buffers of both ends take: it would never end by itself.
    await new Blob([new Uint8Array(50_000_000)]).stream().pipeTo(hive.sink('large.bin'))
    const answer = await fetch(`${server.url}hive/large.bin`)
    expect(answer.status).toBe(200)
    const exit = once(server.child, 'exit')
    server.child.kill('SIGTERM')
    expect(await soon(exit, 'the end')).toEqual([0, null])
    await answer.body?.cancel().catch(() => undefined)
  })
})

interface Traffic {
  readonly signature: { readonly sent: number }
  readonly patch: { readonly received: number; readonly sent: number }
}

async function until(done: (video: HTMLVideoElement) => boolean): Promise<void> {
  await page.waitForFunction(done, (await page.locator('video').elementHandle()) as ElementHandle<HTMLVideoElement>)
}
