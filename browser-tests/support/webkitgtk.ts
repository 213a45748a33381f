import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const STARTUP_TIMEOUT_MS = 30_000
const COMMAND_TIMEOUT_MS = 30_000
const RESIZE_TIMEOUT_MS = 1_000
const LAUNCHER = fileURLToPath(new URL('webkit-on-disk.py', import.meta.url))

/**
 * WebKitGTK's MiniBrowser, driven over plain W3C WebDriver. Playwright's own WebKit would have to be downloaded;
 * Debian's is an engine of the same family with system codecs. Needs Debian's `webkit2gtk-driver` and `xvfb`.
 */
export class WebKitGtk {
  readonly #children: ChildProcess[] = []
  readonly #killChildren = (): void => {
    // Last started first: MiniBrowser's driver goes before the display that it draws on.
    for (const child of this.#children.splice(0).toReversed()) child.kill('SIGKILL')
  }
  #driverUrl = ''
  #session: Promise<string> | undefined
  readonly #environment: Readonly<Record<string, string>>

  readonly #profile: string | undefined

  /**
   * @param environment Environment variables of the browser.
   * @param profile Folder in which the browser keeps its data. By default it forgets everything when it ends.
   */
  constructor(environment: Readonly<Record<string, string>> = {}, profile?: string) {
    this.#environment = environment
    this.#profile = profile
    process.once('exit', this.#killChildren)
  }

  /** Opens a page. Starts the browser if it is not running yet. */
  async open(url: string): Promise<void> {
    const session = await (this.#session ??= this.#start())
    await this.#command('POST', `${session}/url`, { url })
  }

  /** Runs the body of a function in the page, and returns its result. Awaits a promise. */
  async execute<Value>(body: string, ...args: unknown[]): Promise<Value> {
    return this.#command('POST', `${await this.#session}/execute/sync`, { script: body, args })
  }

  /** Clicks an element as a user does. */
  async click(selector: string): Promise<void> {
    await this.#command('POST', `${await this.#element(selector)}/click`, {})
  }

  /** Types into an element as a user does; into an `<input type="file">`, the path of a file that it then has. */
  async type(selector: string, text: string): Promise<void> {
    await this.#command('POST', `${await this.#element(selector)}/value`, { text })
  }

  /** Gives the page this size, in CSS pixels; MiniBrowser's window is never narrower than 447 pixels. */
  async resize(width: number, height: number): Promise<void> {
    const [outerWidth, outerHeight] = await this.execute<[number, number]>(
      'return [outerWidth - innerWidth, outerHeight - innerHeight]',
    )
    const size = { width: width + outerWidth, height: height + outerHeight }
    await this.#command('POST', `${await this.#session}/window/rect`, size)
    // The page gets its new size later, and draws itself after that.
    await this.execute(
      `return new Promise((resolve) => {
        const frames = (left) => requestAnimationFrame(() => (left > 0 ? frames(left - 1) : resolve()))
        if (innerWidth === arguments[0]) frames(2)
        else addEventListener('resize', () => frames(2), { once: true })
        setTimeout(resolve, ${RESIZE_TIMEOUT_MS})
      })`,
      width,
    )
  }

  /** A picture of what the window shows, as a PNG. */
  async screenshot(): Promise<Uint8Array> {
    return Buffer.from(await this.#command<string>('GET', `${await this.#session}/screenshot`), 'base64')
  }

  async #element(selector: string): Promise<string> {
    const session = await this.#session
    const using = { using: 'css selector', value: selector }
    const element = await this.#command<Record<string, string>>('POST', `${session}/element`, using)
    return `${session}/element/${Object.values(element)[0]}`
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    process.removeListener('exit', this.#killChildren)
    try {
      // A start that failed has been reported by `open`.
      const session = await this.#session?.catch(() => undefined)
      if (session !== undefined) await this.#command('DELETE', session)
    } finally {
      this.#killChildren()
    }
  }

  async #start(): Promise<string> {
    const display = process.env['DISPLAY'] ?? (await this.#startDisplay())
    const port = await freePort()
    this.#driverUrl = `http://127.0.0.1:${port}`
    const driver = this.#spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      DISPLAY: display,
      // The web process's sandbox needs user namespaces, which containers seldom have.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      LIBGL_ALWAYS_SOFTWARE: '1',
      ...this.#environment,
    })
    await this.#untilReady(driver)
    const { sessionId } = await this.#command<{ sessionId: string }>('POST', '/session', {
      capabilities: {
        alwaysMatch: { 'webkitgtk:browserOptions': browserOptions(this.#profile) },
      },
    })
    return `/session/${sessionId}`
  }

  async #startDisplay(): Promise<string> {
    const display = this.#spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'])
    return new Promise<string>((resolve, reject) => {
      display.once('error', reject)
      display.once('exit', (code) => reject(new Error(`Xvfb ended with exit code ${code} before it had a display`)))
      display.stdio[3]!.once('data', (data: Uint8Array) => resolve(`:${new TextDecoder().decode(data).trim()}`))
    })
  }

  async #untilReady(driver: ChildProcess): Promise<void> {
    const deadline = Date.now() + STARTUP_TIMEOUT_MS
    for (;;) {
      try {
        await this.#command('GET', '/status')
        return
      } catch (error) {
        const ended = driver.pid === undefined || driver.exitCode !== null
        if (ended || Date.now() > deadline) throw new Error('WebKitWebDriver does not answer', { cause: error })
        await sleep(50)
      }
    }
  }

  #spawn(command: string, args: string[], environment: Record<string, string> = {}): ChildProcess {
    const child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    // Without a listener a command that is not installed would end the runner.
    child.once('error', (error) => console.error(`${command}: ${error.message}`))
    this.#children.push(child)
    return child
  }

  async #command<Value>(method: string, path: string, body?: unknown): Promise<Value> {
    const response = await fetch(this.#driverUrl + path, {
      method,
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } }
    if (value?.error) throw new Error(`WebDriver ${method} ${path}: ${value.error}: ${value.message}`)
    return value
  }
}

/** What the driver starts. MiniBrowser keeps nothing while it is driven. */
function browserOptions(profile: string | undefined): { readonly binary: string; readonly args: readonly string[] } {
  if (profile === undefined) return { binary: miniBrowserPath(), args: ['--automation'] }
  return { binary: '/usr/bin/python3', args: [LAUNCHER, profile] }
}

function miniBrowserPath(): string {
  for (const triplet of readdirSync('/usr/lib')) {
    for (const abi of ['4.1', '4.0']) {
      const folder = `/usr/lib/${triplet}/webkit2gtk-${abi}`
      try {
        if (readdirSync(folder).includes('MiniBrowser')) return `${folder}/MiniBrowser`
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
          throw error
      }
    }
  }
  throw new Error("no WebKitGTK MiniBrowser under /usr/lib: install Debian's webkit2gtk-driver")
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}
