import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { server } from 'vitest/browser'
import { randomBytes, rejection, soon } from '../node-tests/support/streams.ts'
import type { EntryInfo } from '../src/hive/hive.ts'
import { HttpHive } from '../src/http.ts'
import type { HiveWorker } from '../src/service-worker.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'

const BUDGET = 8_000_000
/** All tests of this run share the hive. */
const PREFIX = crypto.randomUUID()
const BYTES = randomBytes(2_500_000)

const hiveUrl = inject('hiveUrl')
const hive = new HttpHive(hiveUrl)
let frame: MediaFrame
/** The user of the page. */
let principal = 'alice'
let asked = 0
let worker: HiveWorker

beforeAll(async () => {
  frame = await openMediaFrame('cache')
  worker = await register()
  // Another run may have left something in this browser.
  await worker.cache.clear({ everyone: true })
  await worker.cache.setOffline(false)
})

afterAll(() => frame.remove())

function register(): Promise<HiveWorker> {
  const token = (): Promise<{ token: string; principal: string }> => {
    asked++
    return Promise.resolve({ token: `secret-of-${principal}`, principal })
  }
  return soon(
    frame.combstream.registerHiveWorker('cache-worker.js', { hive: hiveUrl, cache: { bytes: BUDGET }, token }),
    'the service worker',
  )
}

async function store(alias: string, blob: Blob, type: string): Promise<EntryInfo> {
  const sink = hive.sink(`${PREFIX}/${alias}`, { type })
  await blob.stream().pipeTo(sink)
  return sink.entry
}

/** What a page gets, as it would with any URL. */
async function get(url: string, range?: string): Promise<{ status: number; bytes: Uint8Array }> {
  const answer = await soon(frame.window.fetch(url, range ? { headers: { Range: range } } : {}), 'an answer')
  return { status: answer.status, bytes: new Uint8Array(await soon(answer.arrayBuffer(), 'its body')) }
}

describe('a service worker with a cache', () => {
  it('plays a video without the network after one play, and seeks in it without a byte from there', async () => {
    const clip = await (await fetch('/examples/player/clips/comb.mp4')).blob()
    const entry = await store('comb.mp4', clip, 'video/mp4')
    const url = worker.url(entry)
    const first = frame.video(url)
    await untilVideo(first, 'metadata', ({ readyState }) => readyState >= 1)
    await play(first)
    first.currentTime = 20
    await untilVideo(first, 'the end', ({ ended }) => ended)
    await expect.poll(async () => (await worker.cache.cached(entry.alias))?.bytes).toBe(clip.size)

    await worker.cache.setOffline(true)
    const before = await worker.cache.usage()
    expect(before.offline).toBe(true)
    const second = frame.video(url)
    await untilVideo(second, 'metadata', ({ readyState }) => readyState >= 1)
    await play(second)
    for (let seek = 0; seek < 20; seek++) {
      const at = seek % 2 === 0 ? 18 - seek / 2 : 1 + seek / 2
      second.currentTime = at
      await untilVideo(second, `a seek to ${at} s`, ({ seeking, currentTime }) => !seeking && currentTime >= at)
    }
    const after = await worker.cache.usage()
    expect(after.networkBytes).toBe(before.networkBytes)
    expect(after.bytes).toBeLessThanOrEqual(BUDGET)
    frame.video('about:blank')
    await worker.cache.setOffline(false)
  })

  it('keeps a part, says so, and fails for the rest without a network', async () => {
    const entry = await store('part.bin', new Blob([BYTES]), 'application/octet-stream')
    const url = worker.url(entry)
    expect(await worker.cache.cached(entry.alias)).toBe(undefined)
    expect(await get(url, 'bytes=1000000-1000009')).toEqual({ status: 206, bytes: BYTES.slice(1_000_000, 1_000_010) })
    // The rest of the block arrives after the bytes that were asked for.
    await expect
      .poll(() => worker.cache.cached(entry.alias))
      .toMatchObject({
        etag: entry.etag,
        size: BYTES.byteLength,
        ranges: [{ start: 1_000_000, end: 2_000_000 }],
        pinned: false,
      })
    await worker.cache.setOffline(true)
    expect((await get(url, 'bytes=1500000-1500009')).bytes).toEqual(BYTES.slice(1_500_000, 1_500_010))
    expect(await rejection(get(url))).toMatchObject({ name: expect.any(String) as string })
    await worker.cache.setOffline(false)
  })

  it('pins an entry with progress, for its user only, and lets it go', async () => {
    const { alias, etag } = await store('pinned.bin', new Blob([BYTES]), 'application/octet-stream')
    const url = worker.url({ alias, etag })
    const progress: number[] = []
    const onProgress = ({ bytes }: { bytes: number }): void => void progress.push(bytes)
    expect(await worker.cache.pin(alias, { onProgress })).toMatchObject({ alias, etag, size: BYTES.byteLength })
    expect(progress.at(-1)).toBe(BYTES.byteLength)
    expect(await worker.cache.cached(alias)).toMatchObject({ bytes: BYTES.byteLength, pinned: true })

    await worker.cache.setOffline(true)
    expect(await get(url)).toEqual({ status: 200, bytes: BYTES })
    const times = asked
    principal = 'bob'
    await worker.renew()
    expect((await get(url)).status).toBe(503)
    expect(asked).toBe(times + 1)
    expect(await worker.cache.cached(alias)).toBe(undefined)
    principal = 'alice'
    await worker.renew()
    expect((await get(url)).bytes).toEqual(BYTES)

    await worker.cache.unpin(alias)
    expect(await worker.cache.cached(alias)).toMatchObject({ pinned: false })
    await worker.cache.clear()
    expect((await get(url)).status).toBe(503)
    await worker.cache.setOffline(false)
  })

  it('answers with what it keeps in one piece, and with exact bytes or none while that is removed', async () => {
    const { alias, etag } = await store('whole.bin', new Blob([BYTES]), 'application/octet-stream')
    const url = worker.url({ alias, etag })
    const pieces: unknown[] = []
    const listen = ({ data }: MessageEvent<{ type?: unknown; alias?: unknown; start: number; end: number }>): void => {
      if (data.type === 'combstream:delivery' && data.alias === alias) pieces.push([data.start, data.end])
    }
    const { serviceWorker } = frame.window.navigator
    serviceWorker.addEventListener('message', listen)
    await worker.cache.pin(alias)
    await worker.cache.setOffline(true)
    // The worker reads and checks everything once after that.
    expect((await get(url)).bytes).toEqual(BYTES)
    // The messages about that read may arrive after its bytes.
    await expect.poll(() => pieces.at(-1)).toEqual([expect.any(Number), BYTES.byteLength])
    for (const [start, end] of [
      [0, BYTES.byteLength],
      [999_990, 1_000_010],
    ] as const) {
      pieces.length = 0
      const { cacheBytes } = await worker.cache.usage()
      expect((await get(url, `bytes=${start}-${end - 1}`)).bytes).toEqual(BYTES.slice(start, end))
      expect((await worker.cache.usage()).cacheBytes - cacheBytes).toBe(end - start)
      // WebKit sends what the worker reads.
      if (server.browser !== 'webkit') await expect.poll(() => pieces).toEqual([[start, end]])
    }
    serviceWorker.removeEventListener('message', listen)

    const answers = await Promise.all([0, 1, 2].map(() => soon(frame.window.fetch(url), 'an answer')))
    await worker.renew()
    await worker.cache.clear()
    for (const answer of answers) {
      const bytes = await soon(answer.arrayBuffer(), 'its body').catch(() => undefined)
      if (bytes) expect(new Uint8Array(bytes)).toEqual(BYTES)
    }
    expect((await get(url)).status).toBe(503)
    await worker.cache.setOffline(false)
  })

  it('fails with typed errors, and with the reason of a signal', async () => {
    expect(await rejection(worker.cache.pin(`${PREFIX}/missing`))).toMatchObject({ name: 'NotFoundError' })
    expect(await rejection(worker.cache.cached('../x'))).toMatchObject({ name: 'TypeError' })
    const { alias } = await store('large.bin', new Blob([new Uint8Array(BUDGET)]), 'application/octet-stream')
    expect(await rejection(worker.cache.pin(alias))).toMatchObject({ name: 'QuotaExceededError' })
    const signal = AbortSignal.abort('stop')
    expect(await rejection(worker.cache.usage({ signal }))).toBe('stop')
  })
})
