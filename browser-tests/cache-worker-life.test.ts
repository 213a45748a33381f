import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { randomBytes, soon } from '../node-tests/support/streams.ts'
import type { EntryInfo } from '../src/hive/hive.ts'
import { HttpHive } from '../src/http.ts'
import type { HiveWorker } from '../src/service-worker.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'
import { spreadClip } from './support/spread-clip.ts'

/** All tests of this run share the hive. */
const PREFIX = crypto.randomUUID()
const GAP = randomBytes(3_000_000)
const PAGE = 'cache-life'

const hiveUrl = inject('hiveUrl')
const hive = new HttpHive(hiveUrl)
const frames: MediaFrame[] = []
let principal = 'alice'
let frame: MediaFrame
let worker: HiveWorker
let clip: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  clip = new Uint8Array(await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer())
  frame = await open()
  worker = await register(frame)
  // Another run may have left something in this browser.
  await worker.cache.clear({ everyone: true })
  await worker.cache.setOffline(false)
})

// What still plays takes CPU time.
afterEach(() => {
  for (const { window } of frames) window?.document.body.replaceChildren()
})

afterAll(() => {
  for (const each of frames) each.remove()
})

/** Opens one more page, as another tab does. */
async function open(): Promise<MediaFrame> {
  const opened = await openMediaFrame(PAGE)
  frames.push(opened)
  return opened
}

/** Each `mediaAhead` is another worker. */
function register({ combstream }: MediaFrame, mediaAhead?: number): Promise<HiveWorker> {
  const token = (): Promise<{ token: string; principal: string }> =>
    Promise.resolve({ token: `secret-of-${principal}`, principal })
  const options = { hive: hiveUrl, cache: { bytes: 20_000_000 }, mediaAhead, token }
  return soon(combstream.registerHiveWorker('cache-worker.js', options), 'the service worker')
}

async function store(alias: string, parts: BlobPart[], type = 'application/octet-stream'): Promise<EntryInfo> {
  const sink = hive.sink(`${PREFIX}/${alias}`, { type })
  await new Blob(parts).stream().pipeTo(sink)
  return sink.entry
}

/** Stores a clip whose second half a browser fetches only when it is wanted. */
function storeSpread(alias: string, gap = GAP): Promise<EntryInfo> {
  return store(alias, spreadClip(clip, gap), 'video/mp4')
}

async function get({ window }: MediaFrame, url: string): Promise<{ status: number; bytes: Uint8Array }> {
  const answer = await soon(window.fetch(url), 'an answer')
  return { status: answer.status, bytes: new Uint8Array(await soon(answer.arrayBuffer(), 'its body')) }
}

/** While the worker asks the hive, it may answer with the version once more: with all its bytes, or an answer that breaks off. */
async function expectRefusal(entry: EntryInfo, content: Blob, refusal: number): Promise<void> {
  const expected = await digest(new Uint8Array(await content.arrayBuffer()))
  const answered = async (): Promise<number | string> => {
    const { status, bytes } = await get(frame, worker.url(entry))
    return status === 200 ? digest(bytes) : status
  }
  for (let last: number | string = expected; last !== refusal; last = await answered().catch(() => expected)) {
    expect(last).toBe(expected)
  }
}

async function playsFrom(video: HTMLVideoElement, at: number): Promise<void> {
  await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
  video.currentTime = at
  await play(video)
  await untilVideo(
    video,
    `the picture to move from ${at} s`,
    ({ seeking, currentTime }) => !seeking && currentTime > at + 0.2,
  )
}

/** Plays on at the same second if the `<video>` has failed, as a page does. */
async function playsOn(video: HTMLVideoElement, url: string, at: number): Promise<void> {
  const move = ({ error, seeking, currentTime }: HTMLVideoElement): boolean =>
    error !== null || (!seeking && currentTime > at + 0.2)
  await untilVideo(video, 'the picture to move, or a media error', move)
  if (video.error) await playsFrom(frame.video(url), at)
}

describe('a service worker with a cache', () => {
  it('serves an <img>, the worker of a page and another tab, also without the network', async () => {
    const canvas = document.createElement('canvas')
    const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve))
    const url = worker.url(await store('bee.png', [picture!], 'image/png'))
    const decoded = async ({ window }: MediaFrame): Promise<number> => {
      const image = window.document.createElement('img')
      image.src = url
      await soon(image.decode(), 'the picture')
      return image.naturalWidth
    }
    expect(await decoded(frame)).toBe(canvas.width)
    await expect.poll(() => worker.cache.cached(`${PREFIX}/bee.png`)).toMatchObject({ bytes: picture!.size })
    await worker.cache.setOffline(true)
    const other = await open()
    await register(other)
    expect(await decoded(other)).toBe(canvas.width)
    expect(await inWorker(other, url)).toBe(`200 ${picture!.size}`)
    other.remove()
    await worker.cache.setOffline(false)
  })

  it('never mixes versions of an entry that is replaced or removed while it is read', async () => {
    const first = await storeSpread('replaced.mp4')
    const video = frame.video(worker.url(first))
    await playsFrom(video, 1)
    const failed = new Promise((resolve) => video.addEventListener('error', resolve, { once: true }))
    const second = await storeSpread('replaced.mp4', GAP.toReversed())
    // WebKit may have read the second half already.
    video.currentTime = 20
    const moved = untilVideo(video, 'the picture to move', ({ seeking, currentTime }) => !seeking && currentTime > 20.2)
    await Promise.race([failed, moved.catch(() => failed)])
    await expectRefusal(first, new Blob(spreadClip(clip, GAP)), 412)
    const { bytes } = await get(frame, worker.url(second))
    expect(bytes.byteLength).toBe(second.size)
    expect(await digest(bytes)).toBe(await digest(await collected(second)))
    await playsFrom(frame.video(worker.url(second)), 20)
    await hive.remove(second.alias)
    await expectRefusal(second, new Blob(spreadClip(clip, GAP.toReversed())), 410)
    expect((await get(frame, worker.base + second.alias)).status).toBe(404)
  })

  it('plays on when its worker is replaced, and when its data are deleted in another tab', async () => {
    const entry = await storeSpread('updated.mp4')
    const url = worker.url(entry)
    const video = frame.video(url)
    await playsFrom(video, 1)
    worker = await register(frame, 9_000_000)
    await playsOn(video, url, video.currentTime)
    const paused = frame.video(url)
    await playsFrom(paused, 2)
    paused.pause()
    worker = await register(frame, 10_000_000)
    paused.currentTime = 20
    void paused.play().catch(() => undefined)
    await playsOn(paused, url, 20)

    await worker.cache.pin(entry.alias)
    const deleted = new Promise((resolve, reject) => {
      const request = frame.window.indexedDB.deleteDatabase('combstream:combstream-cache')
      request.addEventListener('success', resolve)
      request.addEventListener('error', reject)
    })
    await soon(deleted, 'the end of the data')
    await playsFrom(frame.video(url), 20)
    expect((await get(frame, url)).bytes.byteLength).toBe(entry.size)
    await worker.cache.pin(entry.alias)
    expect(await worker.cache.cached(entry.alias)).toMatchObject({ bytes: entry.size, pinned: true })
    await worker.cache.clear()
  })

  it('finishes a pin during which its worker is replaced', async () => {
    const entry = await store('long.bin', [randomBytes(6_000_000)])
    let replacing: Promise<HiveWorker> | undefined
    const onProgress = (): void => void (replacing ??= register(frame, 11_000_000))
    await soon(worker.cache.pin(entry.alias, { onProgress }), 'the pin')
    worker = await replacing!
    expect(await worker.cache.cached(entry.alias)).toMatchObject({ bytes: entry.size, pinned: true })
    expect((await worker.cache.usage()).bytes).toBeLessThanOrEqual(20_000_000)
    await worker.cache.clear()
    expect(await worker.cache.usage()).toMatchObject({ bytes: 0, pinnedBytes: 0 })
  })

  it('does not give the worker of a page what belongs to a user who has signed out', async () => {
    const entry = await store('secret.bin', [GAP.slice(0, 1_000)])
    const url = worker.url(entry)
    expect(await inWorker(frame, url)).toBe('200 1000')
    await worker.cache.pin(entry.alias)
    await worker.cache.setOffline(true)
    expect(await inWorker(frame, url)).toBe('200 1000')
    principal = 'bob'
    await worker.renew()
    expect(await inWorker(frame, url)).toBe('503 0')
    principal = 'alice'
    await worker.renew()
    await worker.cache.setOffline(false)
    await worker.cache.clear({ everyone: true })
  })
})

/** What a dedicated worker of a page gets: the status, and the number of bytes. */
async function inWorker({ window }: MediaFrame, url: string): Promise<string> {
  const script = `onmessage = async ({ data }) => {
    try {
      const answer = await fetch(data)
      postMessage(answer.status + ' ' + (answer.ok ? (await answer.blob()).size : 0))
    } catch (error) {
      postMessage(String(error))
    }
  }`
  const inner = window as Window & { Worker: typeof Worker; URL: typeof URL; Blob: typeof Blob }
  const source = inner.URL.createObjectURL(new inner.Blob([script], { type: 'text/javascript' }))
  const dedicated = new inner.Worker(source)
  try {
    const answer = new Promise<string>((resolve) =>
      dedicated.addEventListener('message', ({ data }: MessageEvent<string>) => resolve(data)),
    )
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
    dedicated.postMessage(url)
    return await soon(answer, 'the answer in a worker')
  } finally {
    dedicated.terminate()
    inner.URL.revokeObjectURL(source)
  }
}

async function collected({ alias }: EntryInfo): Promise<Uint8Array> {
  return new Uint8Array(await new Response((await hive.open(alias)).stream()).arrayBuffer())
}

async function digest(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).join()
}
