import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { server } from 'vitest/browser'
import { soon } from '../node-tests/support/streams.ts'
import type { EntryInfo } from '../src/hive/hive.ts'
import { HttpHive } from '../src/http.ts'
import type { HiveWorker } from '../src/service-worker.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'
import { slowClip, spreadClip } from './support/spread-clip.ts'

const GAP_BYTES = 8_000_000

const hiveUrl = inject('hiveUrl')
let frame: MediaFrame
let worker: HiveWorker
let clip: Uint8Array<ArrayBuffer>
let entry: EntryInfo
/** What the browser has taken from the worker. */
let takenBytes = 0
/** The media requests that the worker holds. */
const held = new Set<string>()

beforeAll(async () => {
  frame = await openMediaFrame('ahead')
  clip = new Uint8Array(await (await fetch('/examples/player/clips/comb.mp4')).arrayBuffer())
  entry = await store(spreadClip(clip, new Uint8Array(GAP_BYTES)))
  const options = { hive: hiveUrl, mediaAhead: 1_000_000 }
  worker = await soon(frame.combstream.registerHiveWorker('service-worker.js', options), 'the service worker')
  frame.window.navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data.type === 'combstream:delivery') takenBytes += data.end - data.start
    if (data.type === 'combstream:hold') held.add(data.id)
    if (data.type === 'combstream:lost') held.delete(data.id)
  })
})

afterAll(() => frame.remove())

async function store(parts: BlobPart[]): Promise<EntryInfo> {
  const sink = new HttpHive(hiveUrl).sink(`${crypto.randomUUID()}/spread.mp4`, { type: 'video/mp4' })
  await new Blob(parts).stream().pipeTo(sink)
  return sink.entry
}

/** Moves a paused `<video>`. It is not played before it is there: in some runs, WebKit's then stood still with all that it needed. */
async function seek(video: HTMLVideoElement, seconds: number): Promise<void> {
  video.currentTime = seconds
  await untilVideo(video, 'the place', ({ seeking, readyState }) => !seeking && readyState >= 2)
}

/** Whether the worker holds nothing that a `<video>` has requested. */
function isFed(): boolean {
  return held.size === 0
}

it('a paused <video> takes a small part of a large entry, and all that it needs once it plays', async () => {
  const video = frame.video(worker.url(entry))
  await untilVideo(video, 'a picture', ({ readyState }) => readyState >= 2)
  // A download is not held. Once nothing but its own bytes is taken meanwhile, the `<video>` has stopped reading.
  const takenMeanwhile = async (): Promise<number> => {
    const before = takenBytes
    const answer = await soon(frame.window.fetch(worker.url(entry)), 'an answer')
    expect((await soon(answer.blob(), 'the whole entry')).size).toBe(entry.size)
    return takenBytes - before - entry.size
  }
  let downloads = 1
  for (; (await takenMeanwhile()) > 0; downloads++) expect(downloads).toBeLessThan(8)
  expect(takenBytes - downloads * entry.size).toBeLessThan(entry.size / 2)

  await seek(video, 20)
  await play(video)
  const moves = ({ seeking, currentTime }: HTMLVideoElement): boolean => !seeking && currentTime > 20.3
  await untilVideo(video, 'the picture to move', moves, isFed)
})

it('holds nothing for a <video> that has another source', async () => {
  const video = frame.video(worker.url(entry))
  await untilVideo(video, 'a picture', ({ readyState }) => readyState >= 2)
  video.removeAttribute('src')
  video.load()
  await expect.poll(() => held.size).toBe(0)
})

// In some runs, WebKit takes the gap for buffered and enough, and does not say that it waits (`watch-media.test.ts`).
it.runIf(server.browser === 'webkit')('plays on through a gap in a video that seems to have enough', async () => {
  const long = slowClip(clip, 4)
  const video = frame.video(worker.url(await store(spreadClip(long, new Uint8Array(GAP_BYTES)))))
  await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
  await seek(video, 46)
  await play(video)
  await untilVideo(video, 'the picture to move after the gap', ({ currentTime }) => currentTime > 48.2, isFed)
  expect(video.error).toBe(null)
})
