import { execFile, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { sharedChromium } from '../support/shared-chromium.ts'

const exampleOf = (name: string): string => fileURLToPath(new URL(`../../examples/mediabunny/${name}`, import.meta.url))
const DESCRIBED = ['MP4, 24.0 s', 'video avc, 640 × 360', 'audio aac, 48000 Hz, channels: 1']

let url: string
let end: () => Promise<unknown>
beforeAll(async () => {
  const server = spawn(process.execPath, [exampleOf('serve.ts'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => server.once('close', resolve))
  end = () => {
    server.kill('SIGKILL')
    return ended
  }
  url = await new Promise<string>((resolve, reject) => {
    server.stdout.on('data', (text: Uint8Array) => {
      const printed = /http:\S+/.exec(String(text))?.[0]
      if (printed !== undefined) resolve(printed)
    })
    server.once('close', () => reject(new Error('the example did not start')))
  })
})
afterAll(() => end?.())

it('the mediabunny example describes a video, and draws frames of it, in a window of any width', async () => {
  const page = await (await sharedChromium()).newPage()
  onTestFinished(() => page.close())
  await page.goto(url)
  await page.waitForFunction(() => document.querySelectorAll('canvas').length === 12)
  expect(await page.locator('#about li').allTextContents()).toEqual(DESCRIBED)
  expect(await page.locator('figcaption').allTextContents()).toContain('22.0 s')
  for (const width of [320, 390, 1_280]) {
    await page.setViewportSize({ width, height: 800 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  }
  await page.fill('input', '/hive/none.mp4')
  await page.click('button')
  await page.waitForFunction(() => document.querySelector('output')!.className === 'problem')
  expect(await page.locator('output').textContent()).toContain('NotFoundError')
  expect(await page.locator('canvas').count()).toBe(0)
})

it('the mediabunny example describes a video in Node', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [exampleOf('metadata.ts'), `${url}hive/comb.mp4`])
  expect(stdout.trim().split('\n')).toEqual(DESCRIBED)
})
