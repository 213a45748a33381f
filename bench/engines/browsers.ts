import { createReadStream, existsSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserBackend } from 'combstream/backends/browser'
import { type EngineName, type EnginePage, ENGINES, openEnginePage } from '../../node-tests/support/engine-page.ts'
import { median } from '../median.ts'
import type { Measured } from './in-page.ts'

const KINDS = ['indexeddb', 'opfs'] as const
const WHAT = ['store', 'write bare', 'hash', 'read', 'read unchecked', 'read bare', 'read bare checked'] as const
/** The least share of the throughput of the bare engine. */
const TARGET = 0.7
/** Browsers, and whether each keeps its data on the disk. */
const BROWSERS: readonly { readonly engine: EngineName; readonly title: string; readonly isOnDisk: boolean }[] = [
  { engine: 'chromium', title: 'chromium', isOnDisk: true },
  { engine: 'firefox', title: 'firefox', isOnDisk: true },
  { engine: 'webkit', title: 'webkit', isOnDisk: true },
  // As in a private window.
  { engine: 'webkit', title: 'webkit in memory', isOnDisk: false },
]
const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/bench.js"></script>'

/** Options of the bench of engines. */
export interface EnginesBenchOptions {
  /** An empty directory, for profiles and bundles. */
  readonly directory: string
  /** Size of the content. */
  readonly byteLength: number
  readonly rounds: number
  /** Only engines whose name contains this text. */
  readonly only: string
}

/** Prints a table of the backends in browsers, beside the bare engines. Returns whether all could be measured. */
export async function benchBrowsers(options: EnginesBenchOptions): Promise<boolean> {
  const { directory, byteLength, rounds, only } = options
  const chosen = BROWSERS.filter(({ title }) => title.includes(only))
  if (chosen.length === 0) return true
  const server = await servePage(directory)
  let complete = true
  try {
    console.log(`\nbackends in browsers, ${byteLength / 1e6} MB, medians of ${rounds} rounds, MB/s\n`)
    console.log(
      '| engine | backend | what | combstream | bare | ratio | target | met | hashing alone | of the slower, or checked | met |',
    )
    console.log('|---|---|---|---|---|---|---|---|---|---|---|')
    for (const browser of chosen) {
      if (existsSync(ENGINES[browser.engine])) await benchBrowser(browser, server.url, options)
      else complete = false
    }
  } finally {
    server.close()
  }
  return complete
}

async function benchBrowser(
  { engine, title, isOnDisk }: (typeof BROWSERS)[number],
  url: string,
  { directory, byteLength, rounds }: EnginesBenchOptions,
): Promise<void> {
  // Without a profile, a browser stores everything in memory.
  const page = await openEnginePage(engine, url, isOnDisk ? join(directory, `profile-${engine}`) : undefined)
  try {
    for (const kind of KINDS) {
      if (!(await page.evaluate((name) => has(name), kind))) continue
      const ms = await measureAll(page, kind, byteLength, rounds)
      const speed = (what: Measured): number => byteLength / 1000 / median(ms[what])
      const slower = Math.min(speed('write bare'), speed('hash'))
      const share = speed('store') / slower
      const others = [speed('hash').toFixed(0), share.toFixed(2), isMet(share)]
      printRow([title, kind, 'store'], speed('store'), speed('write bare'), others)
      for (const what of ['read', 'read unchecked'] as const) {
        const checked = speed(what) / speed('read bare checked')
        const last = what === 'read' ? ['', checked.toFixed(2), isMet(checked)] : ['', '', '']
        printRow([title, kind, what], speed(what), speed('read bare'), last)
      }
    }
  } finally {
    await page.close()
  }
}

/** The sides take turns, so that other load on the machine affects all of them. */
async function measureAll(
  page: EnginePage,
  kind: BrowserBackend['kind'],
  byteLength: number,
  rounds: number,
): Promise<Record<Measured, number[]>> {
  const ms = Object.fromEntries(WHAT.map((what) => [what, [] as number[]])) as Record<Measured, number[]>
  // The first round is to warm up.
  for (let round = 0; round <= rounds; round++) {
    for (const what of WHAT) {
      const took = await page.evaluate((...of) => measure(...of), kind, what, byteLength)
      if (round > 0) ms[what].push(took)
    }
  }
  return ms
}

function printRow(names: readonly string[], own: number, bare: number, others: readonly string[]): void {
  const ratio = own / bare
  const cells = [
    ...names,
    own.toFixed(0),
    bare.toFixed(0),
    ratio.toFixed(2),
    TARGET.toFixed(2),
    isMet(ratio),
    ...others,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

function isMet(ratio: number): string {
  return ratio >= TARGET ? 'yes' : 'NO'
}

/** Serves a page with what it measures, to this machine only. */
async function servePage(directory: string): Promise<{ readonly url: string; close(): void }> {
  const script = join(directory, 'in-page.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('in-page.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    platform: 'browser',
    logLevel: 'warning',
    // The checkout's tsconfig resolves `combstream` to the sources. We want to measure the build.
    tsconfigRaw: {},
  })
  const scripts: Readonly<Record<string, string>> = {
    '/bench.js': script,
    '/opfs-worker.js': fileURLToPath(import.meta.resolve('combstream/browser/opfs-worker.js')),
    '/sha256-worker.js': fileURLToPath(import.meta.resolve('combstream/browser/sha256-worker.js')),
  }
  const server = createServer(({ url }, response) => {
    const file = scripts[url ?? '']
    if (file !== undefined) createReadStream(file).pipe(response.setHeader('Content-Type', 'text/javascript'))
    else if (url === '/') response.setHeader('Content-Type', 'text/html').end(PAGE)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Stand for what the page has from in-page.ts. */
declare function measure(kind: BrowserBackend['kind'], what: Measured, byteLength: number): Promise<number>
declare function has(kind: BrowserBackend['kind']): Promise<boolean>
