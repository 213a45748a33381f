import { defineBrowserProvider } from '@vitest/browser'
import type { Browser, CDPSession, Page } from 'playwright'
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'

/**
 * Debian's Chromium. Playwright starts it, but knows nothing of the page of the tests: of its own pages, it hears of every
 * request and every chunk of an answer, which takes much of the CPU time of these tests.
 */
export class ChromiumProvider implements BrowserProvider {
  readonly name = 'chromium'
  readonly supportsParallelism = false
  readonly initScripts: string[] = []
  #browser: Promise<Browser> | undefined
  #session: CDPSession | undefined
  #targetId = ''

  constructor(project: TestProject) {
    // vitest 5 asks for the viewport before each file; the window keeps its size.
    project.browser?.registerCommand('__vitest_viewport', () => Promise.resolve())
  }

  getCommandsContext(): Record<string, unknown> {
    return {}
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    // Only where it is needed: every suite loads this module.
    const playwright = await import('playwright')
    const browser = await (this.#browser ??= playwright.chromium.launch(CHROMIUM_LAUNCH))
    this.#session ??= await browser.newBrowserCDPSession()
    const { browserContextId } = await this.#session.send('Target.createBrowserContext')
    const { targetId } = await this.#session.send('Target.createTarget', { url, browserContextId })
    this.#targetId = targetId
  }

  /** Opens a window that playwright drives, in a profile of its own. */
  async openWindow(): Promise<Page> {
    return (await this.#browser!).newPage()
  }

  /** Returns what sends commands of the Chrome DevTools Protocol to the page of the tests. It hears of no events. */
  async getCDPSession() {
    const session = this.#session!
    const { sessionId } = await session.send('Target.attachToTarget', { targetId: this.#targetId, flatten: false })
    let commands = 0
    const send = async (method: string, params?: object): Promise<unknown> => {
      const id = ++commands
      const answered = new Promise<{ result?: unknown; error?: { message: string } }>((resolve) => {
        const listen = (event: { sessionId: string; message: string }): void => {
          const answer = JSON.parse(event.message)
          if (event.sessionId !== sessionId || answer.id !== id) return
          session.off('Target.receivedMessageFromTarget', listen)
          resolve(answer)
        }
        session.on('Target.receivedMessageFromTarget', listen)
      })
      const message = JSON.stringify({ id, method, params })
      await session.send('Target.sendMessageToTarget', { sessionId, message })
      const { result, error } = await answered
      if (error) throw new Error(`${method}: ${error.message}`)
      return result
    }
    const hearNothing = (): void => undefined
    return { send, on: hearNothing, once: hearNothing, off: hearNothing }
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close()
  }
}

/** Chromium behind vitest's browser mode; needs Debian's `chromium`. */
export function chromium(): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'chromium',
    options: {},
    providerFactory: (project) => new ChromiumProvider(project),
  })
}
