import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type EngineName, type EnginePage, ENGINES, openEnginePage } from '../../node-tests/support/engine-page.ts'
import { median } from '../median.ts'
import { noise } from '../noise.ts'
import type { CacheBenchOptions } from './edge.ts'
import type { Download } from './in-page.ts'
import { comb, serveComb, startNginx } from './servers.ts'

const CLIP = fileURLToPath(new URL('../../examples/player/clips/comb.mp4', import.meta.url))
const HEAD = '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/bench.js"></script>'
const PAGE = `${HEAD}<iframe src="ours/"></iframe><iframe src="peer/"></iframe>`
/** How much later the first frame may come than from nginx, in milliseconds. */
const MOST_LATER_MS = 50
/** The least share of the throughput of Cache Storage. */
const TARGET = 0.8
const SEEKS = 20

/** Stands for what the page has from in-page.ts. */
declare function call(frame: 'ours' | 'peer', part: string, ...args: unknown[]): Promise<unknown>

/** Compares the cache worker with nginx and with Cache Storage, in each browser. Returns whether all could be measured. */
export async function benchInBrowsers(options: CacheBenchOptions): Promise<boolean> {
  const { directory, byteLength, rounds, only } = options
  const files = join(directory, 'files')
  await mkdir(files, { recursive: true })
  const clip = await longClip(byteLength)
  await writeFile(join(files, 'clip.mp4'), clip)
  const hive = join(directory, 'browser-hive')
  await comb('put', hive, 'clip.mp4', join(files, 'clip.mp4'))
  const page = await servePage(directory)
  const { origin } = new URL(page.url)
  const server = await serveComb(hive, '--allow-origin', origin)
  const nginx = await startNginx(
    join(directory, 'nginx-files'),
    '',
    `root ${files}; add_header Access-Control-Allow-Origin *;`,
  )
  let isComplete = true
  try {
    console.log(`\na video of ${(clip.byteLength / 1e6).toFixed(0)} MB in browsers, medians of ${rounds} rounds\n`)
    console.log('| engine | what | combstream | peer | ratio or difference | target | met | peer |')
    console.log('|---|---|---|---|---|---|---|---|')
    for (const engine of Object.keys(ENGINES) as EngineName[]) {
      if (!`browsers ${engine}`.includes(only)) continue
      if (!existsSync(ENGINES[engine])) {
        isComplete = false
        continue
      }
      // WebKit's is measured in memory.
      const profile = engine === 'webkit' ? undefined : join(directory, `profile-${engine}`)
      const opened = await openEnginePage(engine, page.url, profile)
      try {
        await benchEngine(engine, opened, {
          hive: server.url,
          file: `${nginx.url}clip.mp4`,
          size: clip.byteLength,
          rounds,
        })
      } finally {
        await opened.close()
      }
    }
  } finally {
    page.close()
    await Promise.all([server.close(), nginx.close()])
  }
  return isComplete
}

async function benchEngine(
  engine: EngineName,
  page: EnginePage,
  { hive, file, size, rounds }: { hive: string; file: string; size: number; rounds: number },
): Promise<void> {
  const run = async <T>(frame: 'ours' | 'peer', part: string, ...args: unknown[]): Promise<T> =>
    (await page.evaluate((...given) => call(...given), frame, part, ...args)) as T
  await run('ours', 'startOurs', hive, 4 * size)
  await run('peer', 'startPeer', file)
  const url = await run<string>('ours', 'urlOf', hive, 'clip.mp4')

  const frames = { network: [] as number[], cache: [] as number[], nginx: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    await run('ours', 'clear')
    // Another URL each time: browsers keep what a video has read by its URL.
    const network = await run<number>('ours', 'firstFrame', `${url}&round=${round}`)
    const nginx = await run<number>('peer', 'firstFrame', `${file}?round=${round}`)
    // What the video did not read.
    await run('ours', 'download', url)
    await run('ours', 'untilKept', 'clip.mp4', size)
    const cache = await run<number>('ours', 'firstFrame', `${url}&round=${round}-cached`)
    // The first round is to warm up.
    if (round === 0) continue
    frames.network.push(network)
    frames.cache.push(cache)
    frames.nginx.push(nginx)
  }
  const ms = (value: number): string => `${value.toFixed(0)} ms`
  const print = (...cells: string[]): void => console.log(`| ${[engine, ...cells].join(' | ')} |`)
  for (const [what, times] of [
    ['first frame, from the network', frames.network],
    ['first frame, from the cache', frames.cache],
  ] as const) {
    const later = median(times) - median(frames.nginx)
    const cells = [ms(median(times)), ms(median(frames.nginx)), `${ms(later)} later`, `${MOST_LATER_MS} ms later`]
    print(what, ...cells, later <= MOST_LATER_MS ? 'yes' : 'NO', 'nginx')
  }

  const downloads = { ours: [] as Download[], peer: [] as Download[] }
  for (let round = 0; round <= rounds; round++) {
    const ours = await run<Download>('ours', 'download', url)
    const peer = await run<Download>('peer', 'download', 'kept')
    for (const { byteLength } of [ours, peer])
      if (byteLength !== size) throw new Error(`${byteLength} bytes of ${size}`)
    if (round === 0) continue
    downloads.ours.push(ours)
    downloads.peer.push(peer)
  }
  const of = (side: 'ours' | 'peer', what: 'wallMs' | 'firstMs'): number =>
    median(downloads[side].map((each) => each[what]))
  const speed = (side: 'ours' | 'peer'): string => `${(size / 1_000 / of(side, 'wallMs')).toFixed(0)} MB/s`
  const ratio = of('peer', 'wallMs') / of('ours', 'wallMs')
  const second = [speed('ours'), speed('peer'), ratio.toFixed(2), TARGET.toFixed(2), ratio >= TARGET ? 'yes' : 'NO']
  print('second play, whole file', ...second, 'Cache Storage in a worker')
  const [first, peerFirst] = [of('ours', 'firstMs'), of('peer', 'firstMs')]
  const tenths = (value: number): string => `${value.toFixed(1)} ms`
  const sooner = [tenths(first), tenths(peerFirst), `${(first - peerFirst).toFixed(1)} ms later`, 'sooner']
  print('second play, first bytes', ...sooner, first < peerFirst ? 'yes' : 'NO', 'Cache Storage in a worker')

  const { network, cache } = await run<{ network: number; cache: number }>(
    'ours',
    'seekWithin',
    `${url}&seeks`,
    size,
    SEEKS,
  )
  const bytes = [`${network} bytes`, '–', `${cache} bytes from the cache`, '0 bytes', network === 0 ? 'yes' : 'NO', '–']
  print(`${SEEKS} seeks, from the network`, ...bytes)
}

/** A video with so much behind it that no player needs. */
async function longClip(byteLength: number): Promise<Uint8Array> {
  const clip = await readFile(CLIP)
  const rest = noise(Math.max(byteLength - clip.byteLength, 8), 1)
  // ISO/IEC 14496-12, section 8.1.2: a box of free space.
  new DataView(rest.buffer).setUint32(0, rest.byteLength)
  rest.set(new TextEncoder().encode('free'), 4)
  return Buffer.concat([clip, rest])
}

/** Serves the pages with what they measure, to this machine only. */
async function servePage(directory: string): Promise<{ readonly url: string; close(): void }> {
  const bundle = async (name: string): Promise<string> => {
    const outfile = join(directory, `${name}.mjs`)
    await build({
      entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
      outfile,
      bundle: true,
      format: 'esm',
      target: 'es2023',
      platform: 'browser',
      logLevel: 'warning',
      // The checkout's tsconfig resolves `combstream` to the sources. We want to measure the build.
      tsconfigRaw: {},
    })
    return outfile
  }
  const scripts: Readonly<Record<string, string>> = {
    '/bench.js': await bundle('in-page'),
    '/peer/peer-worker.js': await bundle('peer-worker'),
    '/ours/cache-worker.js': fileURLToPath(import.meta.resolve('combstream/browser/cache-worker.js')),
  }
  const pages: Readonly<Record<string, string>> = { '/': PAGE, '/ours/': HEAD, '/peer/': HEAD }
  const server = createServer(({ url = '' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const file = scripts[pathname]
    const html = pages[pathname]
    if (file !== undefined) createReadStream(file).pipe(response.setHeader('Content-Type', 'text/javascript'))
    else if (html !== undefined) response.setHeader('Content-Type', 'text/html').end(html)
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
