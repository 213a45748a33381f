import { chromium, firefox } from 'playwright'
import type { TestProject } from 'vitest/node'
import { webkitgtk } from '../../browser-tests/support/webkitgtk-provider.ts'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'

/** The browser engines, launched as in the tests. */
export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/** Signals end this process immediately; `scripts/bench.mjs` cleans up after it. */
const SIGNALS = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }

/**
 * Opens a page in a browser of its own. Returns a function that closes the browser. `onGone` is called when the browser
 * has ended, for whatever reason, where that can be detected.
 */
export async function openPage(name: BrowserName, url: string, onGone: () => void): Promise<() => Promise<void>> {
  if (name === 'webkit') {
    // The provider does not use the project here.
    const provider = webkitgtk().providerFactory({} as TestProject)
    try {
      await provider.openPage('bench', url, { parallel: false })
    } catch (error) {
      await provider.close()
      throw error
    }
    return () => provider.close() as Promise<void>
  }
  const browser =
    name === 'chromium'
      ? await chromium.launch({ ...CHROMIUM_LAUNCH, ...SIGNALS })
      : await firefox.launch({ executablePath: '/usr/bin/firefox-esr', channel: 'moz-firefox', ...SIGNALS })
  try {
    browser.once('disconnected', onGone)
    const page = await browser.newPage()
    page.once('crash', onGone)
    await page.goto(url)
  } catch (error) {
    await browser.close()
    throw error
  }
  return () => browser.close()
}
