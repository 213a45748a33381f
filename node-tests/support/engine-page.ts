import { writeFile } from 'node:fs/promises'
import { type Browser, type BrowserContext, chromium, firefox, type Page } from 'playwright'
import { WebKitGtk } from '../../browser-tests/support/webkitgtk.ts'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'
import { FIREFOX_LAUNCH, PRECISE_CLOCK } from '../../scripts/firefox.mjs'

/** The browser engines, and what has to be installed for each. */
export const ENGINES = {
  chromium: '/usr/bin/chromium',
  firefox: '/usr/bin/firefox-esr',
  webkit: '/usr/bin/WebKitWebDriver',
} as const

/** One of the browser engines. */
export type EngineName = keyof typeof ENGINES

/** A page in a browser of its own. */
export interface EnginePage {
  /** Runs a function in the page, with arguments that JSON can represent. The function cannot use outer variables. */
  evaluate<Value, Args extends unknown[]>(body: (...args: Args) => Value, ...args: Args): Promise<Awaited<Value>>
  /**
   * Runs such a function again and again until it returns true, for two seconds at most. Returns whether it did. The page
   * does this by itself, because a call from outside takes more CPU time than many looks.
   */
  watch<Args extends unknown[]>(body: (...args: Args) => boolean | undefined, ...args: Args): Promise<boolean>
  /** Clicks an element as a user does. */
  click(selector: string): Promise<void>
  /** Chooses a file of this machine in an `<input type="file">`, as a user does. */
  chooseFile(selector: string, path: string): Promise<void>
  /** Writes a picture of what a window of this width and height shows, in CSS pixels, to a file. */
  screenshot(path: string, width: number, height: number): Promise<void>
  /** Loads the page again. */
  reload(): Promise<void>
  /** Ends the service worker that the page uses, as a browser may at any time. */
  endWorker(): Promise<void>
  /** Closes the page, and ends its browser unless that has other pages. */
  close(): Promise<void>
}

/** A browser for several pages. WebKit has one page at a time, and its pages of one origin share what is stored. */
export type Engine = Browser | WebKitGtk

/** A page with a folder of its own is measured. */
const FIREFOX_MEASURED = {
  ...FIREFOX_LAUNCH,
  firefoxUserPrefs: { ...FIREFOX_LAUNCH.firefoxUserPrefs, ...PRECISE_CLOCK },
}

/** A window in which all that the pages of the examples need can be seen. Larger ones take longer to draw. */
const VIEWPORT = { width: 640, height: 480 }

/**
 * Starts a browser. WebKit starts when it opens its first page.
 *
 * @param environment Environment variables of WebKit.
 */
export async function startEngine(engine: EngineName, environment: Record<string, string> = {}): Promise<Engine> {
  if (engine === 'webkit') return new WebKitGtk(environment)
  return startPlaywright(engine)
}

function startPlaywright(engine: Exclude<EngineName, 'webkit'>): Promise<Browser> {
  return engine === 'chromium' ? chromium.launch(CHROMIUM_LAUNCH) : firefox.launch(FIREFOX_LAUNCH)
}

/**
 * Opens a page in one of the engines.
 *
 * @param within Folder in which the browser keeps its data, or a browser in which the page shares nothing with other pages,
 *   except in WebKit. By default a new browser, which forgets everything when it ends.
 */
export async function openEnginePage(engine: EngineName, url: string, within?: string | Engine): Promise<EnginePage> {
  if (engine === 'webkit') {
    if (within instanceof WebKitGtk) return openWebKit(url, within)
    return openWebKit(url, undefined, typeof within === 'string' ? within : undefined)
  }
  if (within instanceof WebKitGtk) throw new TypeError(`WebKit is not ${engine}`)
  const browser: BrowserContext | Browser =
    typeof within === 'string'
      ? await (engine === 'chromium'
          ? chromium.launchPersistentContext(within, CHROMIUM_LAUNCH)
          : firefox.launchPersistentContext(within, FIREFOX_MEASURED))
      : await (within?.newContext({ viewport: VIEWPORT }) ?? startPlaywright(engine))
  try {
    const page = await browser.newPage()
    await page.goto(url)
    const evaluate: EnginePage['evaluate'] = (body, ...args) =>
      page.evaluate(`(${String(body)})(...${JSON.stringify(args)})`)
    return {
      evaluate,
      watch: (body, ...args) =>
        page.evaluate<boolean>(`(${String(watch)})(() => (${String(body)})(...${JSON.stringify(args)}))`),
      click: (selector) => page.click(selector),
      chooseFile: (selector, path) => page.setInputFiles(selector, path),
      async screenshot(path, width, height) {
        await page.setViewportSize({ width, height })
        await page.screenshot({ path })
      },
      reload: async () => void (await page.reload()),
      endWorker: () => (engine === 'chromium' ? stopWorkers(page) : evaluate(replaceWorker)),
      close: () => browser.close(),
    }
  } catch (error) {
    await browser.close()
    throw error
  }
}

async function openWebKit(url: string, shared?: WebKitGtk, profile?: string): Promise<EnginePage> {
  const browser = shared ?? new WebKitGtk({}, profile)
  const close = (): Promise<void> => (shared ? shared.open('about:blank') : browser.close())
  try {
    await browser.open(url)
    const evaluate: EnginePage['evaluate'] = (body, ...args) =>
      browser.execute(`return (${String(body)})(...arguments)`, ...args)
    return {
      evaluate,
      watch: (body, ...args) =>
        browser.execute(`return (${String(watch)})(() => (${String(body)})(...arguments))`, ...args),
      click: (selector) => browser.click(selector),
      chooseFile: (selector, path) => browser.type(selector, path),
      async screenshot(path, width, height) {
        await browser.resize(width, height)
        await writeFile(path, await browser.screenshot())
      },
      reload: () => browser.open(url),
      endWorker: () => evaluate(replaceWorker),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Runs in the page: see {@linkcode EnginePage.watch}. */
async function watch(body: () => boolean | undefined): Promise<boolean> {
  for (let looks = 0; looks < 40; looks++) {
    if (body()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

async function stopWorkers(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('ServiceWorker.enable')
  await session.send('ServiceWorker.stopAllWorkers')
  await session.detach()
}

/**
 * Registers the worker under another URL, which makes the previous worker redundant: Firefox and WebKit then terminate
 * it, whatever it is doing. The server must be reachable, because the script is fetched again.
 */
async function replaceWorker(): Promise<void> {
  const worker = navigator.serviceWorker.controller!
  const ended = new Promise<void>((resolve) => {
    worker.addEventListener('statechange', () => worker.state === 'redundant' && resolve())
  })
  await navigator.serviceWorker.register(`${worker.scriptURL}&again`, { type: 'module' })
  await ended
}
