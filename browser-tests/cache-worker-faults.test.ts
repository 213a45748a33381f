import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { cdp, server } from 'vitest/browser'
import { randomBytes, rejection, soon } from '../node-tests/support/streams.ts'
import type { CachedRanges } from '../src/cache.ts'
import type { EntryInfo } from '../src/hive/hive.ts'
import { HttpHive } from '../src/http.ts'
import type { CacheFailureMessage, HiveWorker } from '../src/service-worker.ts'
import { fillStorage, limitStorage } from './support/fill-storage.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'
import type { WorkerCounts } from './support/observe-host.ts'
import { spreadClip } from './support/spread-clip.ts'
import type { Watched } from './support/watched-hive.ts'

const PAGE = 'cache-faults'
const GAP = randomBytes(3_000_000)
/** What Chromium may store in these tests. */
const ROOM_BYTES = 16_000_000
/** What the cache fetches and keeps at a time. */
const BLOCK_BYTES = 1_000_000
/** A manifest is smaller. */
const MANIFEST_BYTES = 1_000
/** What the slow server sends at a time. */
const STEP_BYTES = 50_000

const hiveUrl = inject('watchedUrl')
const hive = new HttpHive(hiveUrl)
const frames: MediaFrame[] = []
let frame: MediaFrame
let worker: HiveWorker
let clip: Uint8Array<ArrayBuffer>
let entry: EntryInfo
let endLimit: (() => Promise<void>) | undefined

beforeAll(async () => {
  endLimit = await limitStorage(ROOM_BYTES)
  clip = new Uint8Array(await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer())
  entry = await store()
  frame = await open()
  worker = await register()
  // Another run may have left something in this browser.
  await worker.cache.clear({ everyone: true })
})

afterEach(async () => {
  // What still plays takes CPU time.
  for (const { window } of frames) window?.document.body.replaceChildren()
  await tell('go')
})

afterAll(async () => {
  await endLimit?.()
  for (const each of frames) each.remove()
})

async function open(page = PAGE): Promise<MediaFrame> {
  const opened = await openMediaFrame(page)
  frames.push(opened)
  return opened
}

/** Each script and each `mediaAhead` is another worker. */
function register(script = 'observed-worker.js', mediaAhead?: number, { window } = frame): Promise<HiveWorker> {
  // The page may have been loaded again.
  const { combstream } = window as Window & Pick<MediaFrame, 'combstream'>
  const options = { hive: hiveUrl, cache: { bytes: 20_000_000 }, mediaAhead }
  return soon(combstream.registerHiveWorker(script, options), 'the service worker')
}

/** Stores another clip, whose second half a browser fetches only when it is wanted. */
async function store(): Promise<EntryInfo> {
  const gap = GAP.slice()
  crypto.getRandomValues(gap.subarray(0, 16))
  const sink = hive.sink(`${crypto.randomUUID()}.mp4`, { type: 'video/mp4' })
  await new Blob(spreadClip(clip, gap)).stream().pipeTo(sink)
  return sink.entry
}

/** Commands the server, and returns what it has open. */
async function tell(command: string): Promise<Watched> {
  return (await soon(fetch(new URL(`/-/${command}`, hiveUrl)), 'the server')).json() as Promise<Watched>
}

/** What the worker has open. */
async function countsOf({ registration }: HiveWorker): Promise<WorkerCounts> {
  const { port1, port2 } = new MessageChannel()
  const told = new Promise<WorkerCounts>((resolve) => (port1.onmessage = ({ data }) => resolve(data as WorkerCounts)))
  registration.active!.postMessage('count', [port2])
  return soon(told, 'the counts of the worker')
}

function isAt(from: number): (video: HTMLVideoElement) => boolean {
  return ({ seeking, currentTime }) => !seeking && currentTime > from + 0.2
}

/** Plays from a time, after a media error too, as a page does. */
async function playsFrom(url: string, at: number, page = frame): Promise<HTMLVideoElement> {
  const video = page.video(url)
  await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
  video.currentTime = at
  await play(video)
  await untilVideo(video, `the picture to move from ${at} s`, isAt(at))
  return video
}

/** Reads all of a URL, and returns the number of bytes; undefined if it fails. */
async function read(url: string, signal?: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await frame.window.fetch(url, signal ? { signal } : {})
    return (await answer.blob()).size
  } catch {
    return undefined
  }
}

/** Pins an entry. When the server has sent a part of it, it sends no more until `interrupt` has ended. */
async function pinDuring(interrupt: () => Promise<void>): Promise<void> {
  const other = await store()
  // Clips have blocks in common.
  await worker.cache.clear()
  await tell('stop')
  await tell(`allow?bytes=${BLOCK_BYTES + BLOCK_BYTES / 2}`)
  const progress: number[] = []
  const pin = worker.cache.pin(other.alias, { onProgress: ({ bytes }) => progress.push(bytes) })
  await expect.poll(() => progress.at(-1)).toBeGreaterThan(0)
  await interrupt()
  await tell('go')
  expect(await soon(pin, 'the pin')).toMatchObject({ alias: other.alias, size: other.size })
  expect(await worker.cache.cached(other.alias)).toMatchObject({ bytes: other.size, pinned: true })
  await worker.cache.clear()
}

async function untilNothingIsOpen(): Promise<void> {
  await expect.poll(() => tell('counts')).toMatchObject({ answers: 0, sockets: 0 })
  await expect.poll(() => countsOf(worker)).toEqual({ timers: 0, bodies: 0 })
}

describe('a service worker with a cache', () => {
  it('plays while a slow server sends, and takes at most a block from it twice', async () => {
    const before = await tell('stop')
    let allowedBytes = 0
    const video = frame.video(worker.url(entry))
    const untilSent = async (what: string, done: (video: HTMLVideoElement) => boolean): Promise<void> => {
      const waiting = untilVideo(video, what, done).then(() => true)
      const pause = (): Promise<boolean> => new Promise((resolve) => setTimeout(resolve, 20, false))
      do {
        await tell(`allow?bytes=${STEP_BYTES}`)
        allowedBytes += STEP_BYTES
      } while (!(await Promise.race([waiting, pause()])))
    }
    await untilSent('metadata', ({ readyState }) => readyState >= 1)
    void video.play().catch(() => undefined)
    await untilSent('the picture to move', isAt(0.3))
    // It plays long before all is there.
    expect((await tell('counts')).sentBytes - before.sentBytes).toBeLessThan(entry.size)
    video.currentTime = 20
    await untilSent('the picture to move after a seek', isAt(20))
    const { sentBytes } = await tell('go')
    // A block that a seek interrupts is fetched again.
    expect(sentBytes - before.sentBytes).toBeLessThanOrEqual(Math.min(allowedBytes, entry.size + BLOCK_BYTES))
    frame.video('about:blank')
  })

  it('leaves no request, connection, body or timer after a removed video, an aborted fetch, and an ended worker', async () => {
    await untilNothingIsOpen()
    const other = await store()
    const before = await tell('stop')
    frame.video(worker.url(other))
    const abort = new AbortController()
    const aborted = read(worker.url(other), abort.signal)
    await expect.poll(async () => (await tell('counts')).answers).toBeGreaterThan(0)
    await expect.poll(async () => (await countsOf(worker)).bodies).toBeGreaterThan(1)
    abort.abort('enough')
    expect(await aborted).toBe(undefined)
    frame.window.document.body.replaceChildren()
    // A browser tells the worker that nobody reads a body any more when more of it comes.
    await tell('go')
    await untilNothingIsOpen()
    expect((await tell('counts')).sentBytes - before.sentBytes).toBeLessThanOrEqual(other.size + MANIFEST_BYTES)

    await tell('stop')
    const cut = read(worker.url(await store()))
    await expect.poll(async () => (await tell('counts')).answers).toBeGreaterThan(0)
    await endWorker()
    // Firefox takes the body for complete, although it is shorter than its Content-Length.
    expect(await cut).toBe(server.browser === 'firefox' ? 0 : undefined)
    await expect.poll(() => tell('counts')).toMatchObject({ answers: 0, sockets: 0 })
  })

  // The other engines let a worker that is replaced finish a pin, and have no other way to end it.
  it.runIf(server.browser === 'chromium')('finishes a pin during which the browser has ended the worker', async () => {
    const lost: string[] = []
    frame.window.navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ type: string }>) => {
      if (data.type === 'combstream:lost') lost.push(data.type)
    })
    await pinDuring(async () => {
      await endWorker()
      // It has ended: nobody reads from the server any more, and no worker knows the call until the page makes it again.
      await expect.poll(() => tell('counts')).toMatchObject({ answers: 0, sockets: 0 })
      await expect.poll(() => lost).toEqual(['combstream:lost'])
    })
    expect(await worker.cache.usage()).toMatchObject({ bytes: 0, pinnedBytes: 0 })
  })

  it('is replaced while the server does not send what a page pins, and its successor finishes the pin', async () => {
    await pinDuring(async () => {
      worker = await register('observed-worker.js', 11_000_000)
    })
    expect(await worker.cache.usage()).toMatchObject({ bytes: 0, pinnedBytes: 0 })
  })

  it('plays on when the browser has no more room, keeps nothing, and tells its pages why', async () => {
    const other = await store()
    const failures: string[] = []
    frame.window.navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<CacheFailureMessage>) => {
      if (data.type === 'combstream:cache-failure') failures.push(data.name)
    })
    // WebKitGTK does not say how much room there is; it has no limit within what a test can write.
    if (server.browser === 'webkit') worker = await register('observed-worker.js?room=0')
    const makeRoom = server.browser === 'webkit' ? undefined : await fillStorage(frame.window, GAP)
    try {
      await playsFrom(worker.url(other), 20)
      expect(await read(worker.url(other))).toBe(other.size)
      expect(await rejection(worker.cache.pin(other.alias))).toMatchObject({ name: 'QuotaExceededError' })
      expect(failures).toContain('QuotaExceededError')
    } finally {
      await makeRoom?.()
    }
    worker = await register('observed-worker.js', 10_000_000)
    await worker.cache.pin(other.alias)
    expect(await worker.cache.cached(other.alias)).toMatchObject({ bytes: other.size, pinned: true })
  })

  it('plays at the same second, and keeps what it reads, after another tab has cleared the data of the site', async () => {
    const url = worker.url(entry)
    const video = await playsFrom(url, 1)
    await worker.cache.pin(entry.alias)
    const other = await open()
    expect((await other.window.fetch('clear')).status).toBe(200)
    other.remove()
    // Chromium takes the worker away, too, so the page may have to register it again.
    const at = video.currentTime
    await untilVideo(video, 'the picture to move', isAt(at)).catch(() => undefined)
    worker = await register('observed-worker.js', 10_000_000)
    if (video.error) await playsFrom(url, at)
    const readAgain = async (): Promise<CachedRanges | undefined> => {
      expect(await read(url)).toBe(entry.size)
      return worker.cache.cached(entry.alias)
    }
    // The read that finds the cache gone keeps nothing.
    await expect.poll(readAgain).toMatchObject({ bytes: entry.size, pinned: false })
  })

  it('answers for a page after a hard reload, which bypasses it', async () => {
    const reloaded = await open('cache-reload')
    const { window } = reloaded
    if (server.browser === 'firefox') {
      await register('observed-worker.js', undefined, reloaded)
      const loaded = new Promise((resolve) => window.frameElement!.addEventListener('load', resolve, { once: true }))
      // Only Firefox has this parameter.
      ;(window.location as unknown as { reload(bypass: boolean): void }).reload(true)
      await soon(loaded, 'the page')
    } else {
      // No page can reload like that here. It is uncontrolled as it is then: its worker is active, and has not claimed it.
      const { registration } = await register('observed-worker.js?claims=later', undefined, reloaded)
      const script = registration.active!.scriptURL
      await registration.unregister()
      window.location.reload()
      await soon(
        new Promise((resolve) => window.frameElement!.addEventListener('load', resolve, { once: true })),
        'the page',
      )
      await window.navigator.serviceWorker.register(script, { type: 'module' })
      await soon(window.navigator.serviceWorker.ready, 'the worker')
    }
    const container = window.navigator.serviceWorker
    await expect.poll(async () => (await container.getRegistration())?.active?.state).toBe('activated')
    expect(container.controller).toBe(null)
    const script = server.browser === 'firefox' ? 'observed-worker.js' : 'observed-worker.js?claims=later'
    const again = await register(script, undefined, reloaded)
    expect(container.controller?.scriptURL).toBe(again.registration.active?.scriptURL)
    const { networkBytes } = await again.cache.usage()
    await playsFrom(again.url(await store()), 20, reloaded)
    expect((await again.cache.usage()).networkBytes).toBeGreaterThan(networkBytes)
  })
})

/** Ends the worker, as browsers may do at any time. */
async function endWorker(): Promise<void> {
  if (server.browser === 'chromium') {
    const session = cdp() as unknown as { send(method: string): Promise<void> }
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
  } else {
    // The other engines end a worker that is replaced while it answers.
    worker = await register('observed-worker.js', 9_000_000)
  }
}
