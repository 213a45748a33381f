import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { commands } from 'vitest/browser'
import { sample } from '../node-tests/support/sample.ts'
import { soon } from '../node-tests/support/streams.ts'
import { HttpHive } from '../src/http.ts'
import { spreadClip } from './support/spread-clip.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'

const CLIPS = { 'comb.webm': 'video/webm', 'comb.mp4': 'video/mp4' }
const SECONDS = 24
const GAP_BYTES = 3_000_000

/** A hive of another origin than the page: its server has another port. All tests of this run share it. */
const hiveUrl = inject('hiveUrl')
const PREFIX = crypto.randomUUID()
let frame: MediaFrame

beforeAll(async () => {
  frame = await openMediaFrame('video')
  const hive = new HttpHive(hiveUrl)
  for (const [alias, type] of Object.entries(CLIPS)) {
    const clip = await (await fetch(`/examples/player/clips/${alias}`)).blob()
    await clip.stream().pipeTo(hive.sink(`${PREFIX}/${alias}`, { type }))
  }
})

afterAll(() => frame.remove())

describe('a <video>', () => {
  const direct = sample(Object.keys(CLIPS))
  for (const alias of Object.keys(CLIPS)) {
    it(`plays ${alias} through the service worker, and seeks`, async () => {
      const { registerHiveWorker } = frame.combstream
      const worker = await soon(registerHiveWorker('service-worker.js', { hive: hiveUrl }), 'the service worker')
      const entry = await new HttpHive(hiveUrl).stat(`${PREFIX}/${alias}`)
      expect(await playsAndSeeks(frame.video(worker.url(entry)))).toEqual(['0 s', '20 s', '10 s', 'the end'])
    })

    it.runIf(direct.includes(alias))(`plays ${alias} directly from comb serve, and seeks`, async () => {
      const url = new URL(alias, inject('combUrl')).href
      expect(await playsAndSeeks(frame.video(url, 'anonymous'))).toEqual(['0 s', '20 s', '10 s', 'the end'])
    })
  }

  it('receives from comb serve only the range that a seek needs', async () => {
    const video = frame.video(new URL('spread.mp4', inject('combUrl')).href, 'anonymous')
    await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
    video.currentTime = 20
    await play(video)
    await playsFrom(video, 20)
    frame.video('about:blank')
    // Less than 1 MB, so without the gap. The log has the line once the transfer has ended.
    await expect.poll(() => commands.combLog()).toMatch(/ 206 read spread\.mp4 received=0 sent=\d{1,6}\n/)
  })
})

describe('a service worker', () => {
  it('lets a seek fetch what it needs, beyond bytes that have not been read', async () => {
    frame.remove()
    frame = await openMediaFrame('seek')
    const clip = new Uint8Array(await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer())
    const sink = new HttpHive(hiveUrl).sink(`${PREFIX}/spread.mp4`, { type: 'video/mp4' })
    await new Blob(spreadClip(clip, new Uint8Array(GAP_BYTES))).stream().pipeTo(sink)
    // The bytes of the gap never arrive: a player that reads through them waits forever.
    const script = `gated-worker.js?hold=${clip.byteLength}-${GAP_BYTES}`
    const registered = frame.combstream.registerHiveWorker(script, { hive: hiveUrl })
    const worker = await soon(registered, 'the service worker')
    const video = frame.video(worker.url(await sink.entry))
    await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
    await play(video)
    await playsFrom(video, 0)
    for (const offset of [20, 5, SECONDS - 0.8]) {
      video.currentTime = offset
      await untilVideo(video, `a seek to ${offset} s`, ({ seeking, currentTime }) => !seeking && currentTime >= offset)
    }
    await untilVideo(video, 'the end', ({ ended }) => ended)
    expect(video.error).toBe(null)
  })

  it('keeps working when the browser cancels a body while its bytes are on their way', async () => {
    frame.remove()
    frame = await openMediaFrame('cancel')
    const { registerHiveWorker } = frame.combstream
    const { serviceWorker } = frame.window.navigator
    const clip = new Uint8Array(await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer())
    const spread = new Blob(spreadClip(clip, new Uint8Array(GAP_BYTES)))
    const sink = new HttpHive(hiveUrl).sink(`${PREFIX}/cancelled.mp4`, { type: 'video/mp4' })
    await spread.stream().pipeTo(sink)
    // Held from the first half on, so that playing requests some of it.
    const script = `gated-worker.js?hold=200000-${GAP_BYTES}`
    const worker = await soon(registerHiveWorker(script, { hive: hiveUrl }), 'the service worker')
    const url = worker.url(await sink.entry)
    const message = (type: string): Promise<void> =>
      new Promise((resolve) => {
        serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ type?: string }>) => {
          if (data.type === type) resolve()
        })
      })
    const [held, cancelled] = [message('held'), message('cancelled')]
    const video = frame.video(url)
    await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
    await play(video)
    await soon(held, 'a request for bytes that do not come')
    video.currentTime = 15
    frame.video('about:blank')
    await soon(cancelled, 'the end of that request')
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
    worker.registration.active!.postMessage({ type: 'open' })
    const answer = await soon(frame.window.fetch(url), 'an answer of the worker')
    expect((await answer.arrayBuffer()).byteLength).toBe(spread.size)
  })
})

/** Plays from several places. Returns the places from which it played. */
async function playsAndSeeks(video: HTMLVideoElement): Promise<string[]> {
  const places: string[] = []
  await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
  expect(video.duration).toBeCloseTo(SECONDS, 0)
  expect([video.videoWidth, video.videoHeight]).toEqual([640, 360])
  await play(video)
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
