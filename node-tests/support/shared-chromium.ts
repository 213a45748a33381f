import process from 'node:process'
import { type Browser, chromium } from 'playwright'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'

let browser: Promise<Browser> | undefined

/**
 * Returns the Chromium of this process. A start takes more than a second of CPU time, so that all test files share it: they
 * close their pages, and the browser ends with the process.
 */
export function sharedChromium(): Promise<Browser> {
  browser ??= start()
  return browser
}

async function start(): Promise<Browser> {
  // With this signal, the test runner ends its processes. When one exits by itself, playwright kills the browser and removes
  // its files.
  process.once('SIGTERM', () => process.exit())
  const started = await chromium.launch({ ...CHROMIUM_LAUNCH, handleSIGTERM: false })
  started.once('disconnected', () => (browser = undefined))
  return started
}
