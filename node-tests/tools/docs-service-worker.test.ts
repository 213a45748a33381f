import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { ElementHandle, Page } from 'playwright'
import { serve, type Server } from 'srvx'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { createHiveHandler } from '../../src/http.ts'
import { LocalHive, StreamStore } from '../../src/index.ts'
import { docBlocks } from '../support/doc-blocks.ts'
import { sharedPage } from '../support/shared-chromium.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The policy that docs/service-worker.md requires, and nothing more. */
const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; media-src 'self'; connect-src 'self'"
/** A worker with a cache computes digests with WebAssembly. */
const CACHE_POLICY = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
const HELD_FROM_BYTES = 300_000

const blocks = docBlocks('docs/service-worker.md')
const clip = new Uint8Array(readFileSync(`${ROOT}examples/player/clips/comb.mp4`))
/** The page of docs/service-worker.md that continues playback. */
const GO_ON_PAGE = `
import { HttpHive, registerHiveWorker } from './combstream/page.js'
import { keepPlaying } from './go-on.js'

const hive = new HttpHive('/hive/')
const worker = await registerHiveWorker('/service-worker.js', { hive: '/hive/' })
keepPlaying(document.getElementById('video'), hive, worker, await hive.stat('bunny.mp4'))
`

/** A page that keeps its hive in the browser, and whose functions the test calls. */
const KEEPING_PAGE = `
import * as keeper from './keep.js'

globalThis.keeper = keeper
`

let page: Page
let server: Server
let hive: LocalHive
/** Contents of files by path. */
let files: Map<string, string | Uint8Array<ArrayBuffer>>
let policy: string
let isAway: boolean
/** What the hive wants to be told in `Authorization`; undefined for nothing. */
let wanted: string | undefined
/** Breaks off the bodies that are held. Undefined unless bodies are to be held. */
let breakOff: (() => void) | undefined

beforeEach(async () => {
  hive = new LocalHive(new StreamStore(memoryBackend()))
  await store('')
  policy = POLICY
  isAway = false
  wanted = undefined
  breakOff = undefined
  const bundle = (name: string): string => readFileSync(`${ROOT}dist/browser/${name}`, 'utf8')
  files = new Map<string, string | Uint8Array<ArrayBuffer>>([
    ['/', blocks.get('index.html')!],
    ['/player.js', blocks.get('player.js')!],
    ['/go-on.js', blocks.get('go-on.js')!],
    ['/combstream/page.js', bundle('page.js')],
    ['/service-worker.js', bundle('service-worker.js')],
    ['/keep.js', blocks.get('keep.js')!],
    ['/browser-hive.js', bundle('browser-hive.js')],
    ['/browser-hive-worker.js', bundle('browser-hive-worker.js')],
    ['/cache-worker.js', bundle('cache-worker.js')],
    ['/page.js', bundle('page.js')],
    ['/offline.html', docBlocks('README.md').get('offline.html')!],
    ['/token', 'secret'],
  ])
  const handler = createHiveHandler(hive, { base: '/hive/' })
  server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (!pathname.startsWith('/hive/')) return fileAnswer(pathname)
      if (wanted !== undefined && request.headers.get('authorization') !== wanted)
        return new Response(null, { status: 401 })
      return isAway ? new Response(null, { status: 503 }) : held(await handler(request))
    },
  })
  await server.ready()
  page = await sharedPage()
})

afterEach(async () => {
  await server.close(true)
})

describe('the code in docs/service-worker.md', () => {
  it('plays a clip through the ready-made worker, with the policy given there', async () => {
    await page.goto(server.url!)
    await play()
    expect(await video('currentSrc')).toBe(`${server.url}media/bunny.mp4?v=${encodeURIComponent(await etag())}`)
    const corner = page.evaluate(() => {
      const canvas = document.createElement('canvas').getContext('2d')!
      canvas.drawImage(document.querySelector('video')!, 0, 0)
      return canvas.getImageData(0, 0, 1, 1).data[3]
    })
    expect(await corner).toBe(255)
  })

  it('plays it through a custom worker', async () => {
    files.set('/service-worker.js', await bundled(blocks.get('service-worker.js')!))
    await page.goto(server.url!)
    await play()
    expect(await video('currentSrc')).toContain(`${server.url}media/bunny.mp4?v=`)
  })

  it('keeps a clip in the browser, and plays it through the ready-made worker without a server', async () => {
    await openKeepingPage()
    await page.evaluate(`keeper.play(document.querySelector('video'), 'a.mp4')`)
    await server.close(true)
    await page.reload()
    await keeperReady()
    await page.evaluate(`keeper.play(document.querySelector('video'), 'a.mp4')`)
    await play()
    expect(await video('currentSrc')).toContain(`${page.url()}media/a.mp4?v=`)
    await page.evaluate(`keeper.hive.remove('a.mp4').then(() => keeper.freeSpace())`)
    expect(await page.evaluate(`keeper.hive.list().then(({ entries }) => entries.length)`)).toBe(0)
  })

  it('plays offline after one play, with the page of the README', async () => {
    // The script of this page is in its HTML.
    policy = CACHE_POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")
    await page.goto(`${server.url!}offline.html`)
    await play()
    await untilCached()
    await server.close(true)
    await page.reload()
    await play()
    await page.evaluate(() => (document.querySelector('video')!.currentTime = 18))
    await until((element) => !element.seeking && element.currentTime > 18.2)
    expect(await video('currentSrc')).toBe(new URL('media/bunny.mp4', page.url()).href)
  })

  it('pins a clip, which opens without a server', async () => {
    policy = CACHE_POLICY
    files.set('/offline.js', blocks.get('offline.js')!)
    files.set('/player.js', `import './offline.js'`)
    await page.goto(server.url!)
    await untilCached()
    await server.close(true)
    const size = `fetch('/media/bunny.mp4').then((answer) => answer.blob()).then((blob) => blob.size)`
    expect(await page.evaluate(size)).toBe(clip.byteLength)
  })

  it('sends the token of the page, and asks for another one when it is refused', async () => {
    policy = CACHE_POLICY
    wanted = 'Bearer secret'
    files.set('/player.js', `${blocks.get('signed-in.js')}\nvideo.src = worker.base + 'bunny.mp4'`)
    await page.goto(server.url!)
    await play()
    files.set('/token', 'renewed')
    wanted = 'Bearer renewed'
    expect(await page.evaluate(`fetch('/media/bunny.mp4', { method: 'HEAD' }).then(({ status }) => status)`)).toBe(200)
  })

  it('plays a clip that is kept in the browser through a custom worker', async () => {
    files.set('/browser-hive-worker.js', await bundled(blocks.get('own-hive-worker.js')!))
    await openKeepingPage()
    await page.evaluate(`keeper.play(document.querySelector('video'), 'a.mp4')`)
    await play()
    expect(await video('currentSrc')).toContain(`${page.url()}media/a.mp4?v=`)
  })

  it('continues with the new version when the entry is replaced', async () => {
    await playHeld()
    await store('another version')
    breakOff!()
    await page.locator(`video[src*="${encodeURIComponent(await etag())}"]`).waitFor()
    await until((element) => element.currentTime > 1 && !element.paused)
    expect(await video('error')).toBe(null)
  })

  it('continues at the same position when the server is back', async () => {
    await playHeld()
    isAway = true
    breakOff!()
    await until((element) => element.error !== null)
    const at = await video('currentTime')
    isAway = false
    await until((element) => element.error === null && !element.paused && element.readyState > 2)
    expect(Number(await video('currentTime'))).toBeGreaterThan(Number(at) - 1)
  })
})

/** Waits until the worker has all of the clip, and the page. */
async function untilCached(): Promise<void> {
  const ask = `navigator.serviceWorker.ready.then((registration) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = ({ data }) => data.accepted || resolve(data.value?.bytes)
    registration.active.postMessage({ type: 'combstream:call', id: 'x', call: 'cached', alias: 'bunny.mp4' }, [port2])
  }))`
  await expect.poll(() => page.evaluate(ask), { timeout: 30_000 }).toBe(clip.byteLength)
}

/** Opens the page that keeps its hive in the browser, and stores the clip there. */
async function openKeepingPage(): Promise<void> {
  policy = CACHE_POLICY
  files.set('/player.js', KEEPING_PAGE)
  files.set('/clip', clip)
  await page.goto(server.url!)
  await keeperReady()
  // Browsers give a file of an unknown kind no type.
  await page.evaluate(`keeper.keep(new File(['?'], 'a.unknown')).then(() => keeper.hive.remove('a.unknown'))`)
  await page.evaluate(`fetch('/clip')
    .then((answer) => answer.blob())
    .then((blob) => keeper.keep(new File([blob], 'a.mp4', { type: 'video/mp4' })))`)
}

/** Waits until the scripts of the page have run: a `load` event does not wait for an `await` in a module. */
async function keeperReady(): Promise<void> {
  // The policy of the page refuses `waitForFunction`, which evaluates a string there if it has to wait.
  await expect.poll(() => page.evaluate('globalThis.keeper !== undefined')).toBe(true)
}

async function bundled(contents: string): Promise<string> {
  const stdin = { contents, resolveDir: ROOT }
  const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'esm' })
  return outputFiles[0]!.text
}

function fileAnswer(path: string): Response {
  const file = files.get(path)
  if (file === undefined) return new Response(null, { status: 404 })
  const type = path.endsWith('.js') ? 'text/javascript' : 'text/html'
  return new Response(file, { headers: { 'Content-Type': type, 'Content-Security-Policy': policy } })
}

/** Sends the first bytes of an answer, and holds the rest until the test breaks it off, if `breakOff` is set. */
function held(answer: Response): Response {
  if (!breakOff || !answer.body) return answer
  const broken = new Promise<never>((_, reject) => (breakOff = () => reject(new Error('broken off'))))
  broken.catch(() => undefined)
  let passed = 0
  const hold = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, Math.max(0, HELD_FROM_BYTES - passed)))
      passed += chunk.byteLength
      return passed > HELD_FROM_BYTES ? broken : undefined
    },
  })
  return new Response(answer.body.pipeThrough(hold), { status: answer.status, headers: answer.headers })
}

/** Opens the page that continues playback, and plays what the server lets through. */
async function playHeld(): Promise<void> {
  files.set('/player.js', GO_ON_PAGE)
  breakOff = () => undefined
  await page.goto(server.url!)
  await play()
  // Far enough from the start to distinguish the same position from the start.
  await until((element) => element.currentTime > 3)
  const cut = breakOff
  breakOff = () => {
    breakOff = undefined
    cut()
  }
}

async function play(): Promise<void> {
  await until((element) => element.readyState > 2)
  await page.evaluate(() => document.querySelector('video')!.play())
  await until((element) => element.currentTime > 1)
}

async function until(done: (element: HTMLVideoElement) => boolean): Promise<void> {
  await page.waitForFunction(done, (await page.locator('video').elementHandle()) as ElementHandle<HTMLVideoElement>)
}

function video(property: string): Promise<unknown> {
  return page.evaluate(`document.querySelector('video').${property}`)
}

async function store(appended: string): Promise<void> {
  await new Blob([clip, appended]).stream().pipeTo(hive.sink('bunny.mp4', { type: 'video/mp4' }))
}

async function etag(): Promise<string> {
  return (await hive.stat('bunny.mp4')).etag
}
