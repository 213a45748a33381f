import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineBrowserProvider } from '@vitest/browser'
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node'
import { FIREFOX_LAUNCH } from '../../scripts/firefox.mjs'

/** Turns off what Firefox asks, fetches and slows down in a new profile. */
const PREFERENCES = {
  ...FIREFOX_LAUNCH.firefoxUserPrefs,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.contentblocking.features.standard': '-tp,tpPrivate,cookieBehavior0,-cm,-fp',
  'browser.safebrowsing.blockedURIs.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'dom.ipc.reportProcessHangs': false,
  'dom.max_script_run_time': 0,
  'dom.min_background_timeout_value': 0,
  'dom.security.https_first': false,
  'dom.timeout.enable_budget_timer_throttling': false,
  'extensions.update.enabled': false,
  'focusmanager.testmode': true,
  'layout.testing.top-level-always-active': true,
  'media.autoplay.blocking_policy': 0,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.startup.max_resumed_crashes': -1,
}

/**
 * Debian's Firefox, which opens the page of the tests by itself. Playwright hears of every request and keeps every answer,
 * for which Firefox would take more CPU time than for many of the tests.
 */
class FirefoxProvider implements BrowserProvider {
  readonly name = 'firefox'
  readonly supportsParallelism = false
  readonly initScripts: string[] = []
  readonly #profile = mkdtempSync(join(tmpdir(), 'combstream-firefox-'))
  readonly #kill = (): void => {
    this.#browser?.kill('SIGKILL')
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
  #browser: ChildProcess | undefined

  constructor(project: TestProject) {
    // vitest 5 asks for the viewport before each file; the window keeps its size.
    project.browser?.registerCommand('__vitest_viewport', () => Promise.resolve())
    process.once('exit', this.#kill)
  }

  getCommandsContext(): Record<string, unknown> {
    return {}
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    const lines = Object.entries(PREFERENCES).map((pref) => `user_pref(${JSON.stringify(pref).slice(1, -1)});\n`)
    writeFileSync(join(this.#profile, 'user.js'), lines.join(''))
    const browser = spawn(
      FIREFOX_LAUNCH.executablePath,
      ['--headless', '--no-remote', '--profile', this.#profile, url],
      {
        stdio: 'ignore',
      },
    )
    this.#browser = browser
    await once(browser, 'spawn')
  }

  async close(): Promise<void> {
    process.removeListener('exit', this.#kill)
    const browser = this.#browser
    if (browser && browser.exitCode === null && browser.signalCode === null) {
      const ended = once(browser, 'exit')
      browser.kill('SIGTERM')
      await ended
    }
    this.#kill()
  }
}

/** Firefox behind vitest's browser mode; needs Debian's `firefox-esr`. */
export function firefox(): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'firefox',
    options: {},
    providerFactory: (project) => new FirefoxProvider(project),
  })
}
