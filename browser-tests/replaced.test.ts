import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { rejection, soon } from '../node-tests/support/streams.ts'
import type { EntryInfo } from '../src/hive/hive.ts'
import { HttpHive } from '../src/http.ts'
import { type MediaFrame, openMediaFrame, play, untilVideo } from './support/media-frame.ts'

const hiveUrl = inject('hiveUrl')
const hive = new HttpHive(hiveUrl)
/** All tests of this run share the hive. */
const PREFIX = crypto.randomUUID()
let frame: MediaFrame
let clip: Blob

beforeAll(async () => {
  frame = await openMediaFrame('replaced')
  clip = await (await fetch('/examples/player/clips/comb.mp4')).blob()
})

afterAll(() => frame.remove())

/** Stores the clip. Each `revision` is a different version: it ends with that many empty boxes. */
async function store(alias: string, revision: number): Promise<EntryInfo> {
  const box = Uint8Array.of(0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65) // 'free'
  const sink = hive.sink(alias, { type: 'video/mp4' })
  await new Blob([clip, ...Array.from({ length: revision }, () => box)]).stream().pipeTo(sink)
  return sink.entry
}

describe('an entry that is replaced while it plays', () => {
  it('makes the <video> fail, and the hive report a conflict; the page continues with the new version', async () => {
    const alias = `${PREFIX}/replaced.mp4`
    const worker = await soon(
      frame.combstream.registerHiveWorker('gated-worker.js?hold=500000-800000', { hive: hiveUrl }),
      'the service worker',
    )
    const first = await store(alias, 0)
    const entry = await hive.open(alias)
    const video = frame.video(worker.url(first))
    await untilVideo(video, 'metadata', ({ readyState }) => readyState >= 1)
    // In WebKit the position is 0 after a media error, so a page has to remember it.
    let at = 0
    video.addEventListener('timeupdate', () => (at = video.error ? at : video.currentTime))
    await play(video)
    await untilVideo(video, 'the picture to move', () => at > 0.3)
    expect(video.buffered.end(0)).toBeLessThan(video.duration - 5)

    const failed = new Promise((resolve) => video.addEventListener('error', resolve, { once: true }))
    const second = await store(alias, 1)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
    worker.registration.active!.postMessage({ type: 'open' })
    await soon(failed, 'the media error')

    // Only the hive knows what the media error means.
    const conflict = { name: 'ConflictError', alias, expectedEtag: first.etag, actualEtag: second.etag }
    expect(await rejection(entry.stream().getReader().read())).toMatchObject(conflict)
    expect((await frame.window.fetch(worker.url(first))).status).toBe(412)
    const reopened = await entry.reopen()
    expect(reopened.etag).toBe(second.etag)

    const next = frame.video(worker.url(reopened))
    await untilVideo(next, 'metadata of the new version', ({ readyState }) => readyState >= 1)
    next.currentTime = at
    await play(next)
    await untilVideo(next, 'the picture to move on', ({ seeking, currentTime }) => !seeking && currentTime > at + 0.2)
  })

  it('makes the next seek fail with 410 when it is removed', async () => {
    frame.remove()
    frame = await openMediaFrame('removed')
    const worker = await soon(
      frame.combstream.registerHiveWorker('service-worker.js', { hive: hiveUrl }),
      'the service worker',
    )
    const alias = `${PREFIX}/removed.mp4`
    const entry = await store(alias, 0)
    const range = { headers: { Range: 'bytes=700000-' } }
    const answer = await frame.window.fetch(worker.url(entry), range)
    expect(answer.status).toBe(206)
    expect((await answer.arrayBuffer()).byteLength).toBe(entry.size - 700_000)
    await hive.remove(alias)
    expect((await frame.window.fetch(worker.url(entry), range)).status).toBe(410)
    const video = frame.video(worker.url(entry))
    await soon(new Promise((resolve) => video.addEventListener('error', resolve, { once: true })), 'the media error')
  })

  it('answers 412 to a page that began with the version before, also at a URL without a version', async () => {
    const worker = await soon(
      frame.combstream.registerHiveWorker('service-worker.js', { hive: hiveUrl }),
      'the service worker',
    )
    const alias = `${PREFIX}/pinned.mp4`
    const first = await store(alias, 0)
    const [url] = worker.url(first).split('?')
    const ask = async (range: string): Promise<[number, string | null]> => {
      const { status, headers, body } = await frame.window.fetch(url!, { headers: { Range: range } })
      await body?.cancel()
      return [status, headers.get('etag')]
    }
    expect(await ask('bytes=0-')).toEqual([206, first.etag])
    const second = await store(alias, 1)
    expect((await ask('bytes=700000-'))[0]).toBe(412)
    expect(await ask('bytes=0-')).toEqual([206, second.etag])
    expect(await ask('bytes=700000-')).toEqual([206, second.etag])
  })
})
