import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { soon } from '../node-tests/support/streams.ts'
import type { Delivery, DeliveryMessage } from '../src/service-worker.ts'
import { spreadClip } from './support/spread-clip.ts'
import { type MediaFrame, openMediaFrame, untilVideo } from './support/media-frame.ts'

const CLIPS = { 'comb.webm': 'video/webm', 'comb.mp4': 'video/mp4' }
const SECONDS = 24
/** More than any engine reads ahead; Firefox has been seen to take 21 MB. */
const GAP_BYTES = 24 * 1024 * 1024

/** A hive of another origin than the page, as its server has another port; it belongs to all tests of this run. */
const hiveUrl = inject('hiveUrl')
const PREFIX = crypto.randomUUID()
let frame: MediaFrame

beforeAll(async () => {
  frame = await openMediaFrame()
  const hive = new frame.combstream.HttpHive(hiveUrl)
  for (const [alias, type] of Object.entries(CLIPS)) {
    const clip = await (await fetch(`/examples/player/clips/${alias}`)).blob()
    await clip.stream().pipeTo(hive.sink(`${PREFIX}/${alias}`, { type }))
  }
})

afterAll(() => frame.remove())

describe('a <video>', () => {
  for (const alias of Object.keys(CLIPS)) {
    it(`plays ${alias} through the service worker, and seeks`, async () => {
      const { HttpHive, registerHiveWorker } = frame.combstream
      const worker = await soon(
        registerHiveWorker('service-worker.js', { hive: hiveUrl }),
        'the service worker',
        10_000,
      )
      const entry = await new HttpHive(hiveUrl).stat(`${PREFIX}/${alias}`)
      expect(await playsAndSeeks(frame.video(worker.url(entry)))).toEqual(['0 s', '20 s', '10 s', 'the end'])
    })

    it(`plays ${alias} straight from the server, and seeks`, async () => {
      const { HttpHive, mediaUrl } = frame.combstream
      const entry = await new HttpHive(hiveUrl).stat(`${PREFIX}/${alias}`)
      expect(await playsAndSeeks(frame.video(mediaUrl(hiveUrl, entry)))).toEqual(['0 s', '20 s', '10 s', 'the end'])
    })
  }
})

describe('a service worker', () => {
  it('lets a seek fetch what it needs, past what nobody has read', async () => {
    const { HttpHive, registerHiveWorker } = frame.combstream
    const worker = await soon(registerHiveWorker('service-worker.js', { hive: hiveUrl }), 'the service worker', 10_000)
    const clip = await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer()
    const sink = new HttpHive(hiveUrl).sink(`${PREFIX}/spread.mp4`, { type: 'video/mp4' })
    await spreadClip(new Uint8Array(clip), GAP_BYTES).stream().pipeTo(sink)
    const { etag, size } = await sink.entry
    const deliveries: Delivery[] = []
    frame.window.navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<DeliveryMessage>) => {
      if (data.type === 'combstream:delivery' && data.etag === etag) deliveries.push(data)
    })
    const video = frame.video(worker.url(await sink.entry))
    await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
    await soon(video.play(), 'play()')
    await playsFrom(video, 0)
    video.currentTime = 20
    await playsFrom(video, 20)
    const delivered = deliveries.reduce((sum, { start, end }) => sum + end - start, 0)
    expect(delivered).toBeLessThan(size * 0.8)
    expect(deliveries.some(({ start }) => start > GAP_BYTES)).toBe(true)
  })

  it('goes on when the browser cancels a body while its bytes are on their way', async () => {
    const { HttpHive, registerHiveWorker } = frame.combstream
    const worker = await soon(registerHiveWorker('gated-worker.js', { hive: hiveUrl }), 'the service worker', 10_000)
    // WebKit looks at the last byte before it goes on, where no box has it.
    const clip = await (await fetch('/examples/player/clips/comb.mp4')).blob()
    const sink = new HttpHive(hiveUrl).sink(`${PREFIX}/longer.mp4`, { type: 'video/mp4' })
    await new Blob([clip, 'x']).stream().pipeTo(sink)
    const url = worker.url(await sink.entry)
    for (let i = 0; i < 2; i++) {
      const video = frame.video(url)
      await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
      video.currentTime = 15
      await soon(video.play(), 'play()')
      await playsFrom(video, 15)
    }
    const answer = await soon(frame.window.fetch(url), 'an answer of the worker')
    expect((await answer.arrayBuffer()).byteLength).toBe(clip.size + 1)
  })
})

/** Plays from several places; gives those that it got to. */
async function playsAndSeeks(video: HTMLVideoElement): Promise<string[]> {
  const places: string[] = []
  await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
  expect(video.duration).toBeCloseTo(SECONDS, 0)
  expect([video.videoWidth, video.videoHeight]).toEqual([640, 360])
  await soon(video.play(), 'play()')
  for (const offset of [0, 20, 10]) {
    if (offset > 0) video.currentTime = offset
    await playsFrom(video, offset)
    places.push(`${offset} s`)
  }
  video.currentTime = SECONDS - 0.8
  await untilVideo(video, 'the end', ({ ended }) => ended)
  places.push('the end')
  return places
}

async function playsFrom(video: HTMLVideoElement, offset: number): Promise<void> {
  const isThere = ({ seeking, currentTime }: HTMLVideoElement): boolean =>
    !seeking && currentTime > offset + 0.2 && currentTime < offset + 5
  await untilVideo(video, `the picture to move from ${offset} s`, isThere)
}
