import process from 'node:process'
import { type Browser, chromium, type Page } from 'playwright'
import { onTestFinished } from 'vitest'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'

/** Takes less time to draw than a larger one, also when nothing in it changes but a video. */
const VIEWPORT = { width: 320, height: 240 }

let browser: Promise<Browser> | undefined
let page: Promise<Page> | undefined

/**
 * Returns the Chromium of this process. A start takes more than a second of CPU time, so that all test files share it: they
 * close their pages, and the browser ends with the process.
 */
export function sharedChromium(): Promise<Browser> {
  browser ??= start()
  return browser
}

/**
 * Returns a page of the Chromium of this process for the running test. The tests use it one after the other, since a new page
 * takes a second of CPU time, most of it when it plays for the first time. Each test has a server of its own, so that it finds
 * nothing of another test in its origin.
 */
export async function sharedPage(): Promise<Page> {
  page ??= sharedChromium().then((started) => started.newPage({ viewport: VIEWPORT }))
  const opened = await page
  opened.once('close', () => (page = undefined))
  onTestFinished(async () => {
    opened.removeAllListeners()
    try {
      await opened.goto('about:blank')
    } catch {
      // The next test gets another one.
      page = undefined
      await opened.close()
    }
  })
  return opened
}

async function start(): Promise<Browser> {
  // With this signal, the test runner ends its processes. When one exits by itself, playwright kills the browser and removes
  // its files.
  process.once('SIGTERM', () => process.exit())
  const started = await chromium.launch({ ...CHROMIUM_LAUNCH, handleSIGTERM: false })
  started.once('disconnected', () => (browser = undefined))
  return started
}
