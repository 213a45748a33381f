import { expect, inject, it } from 'vitest'
import { describeMedia } from '../examples/mediabunny/describe-media.ts'
import { type DrawnFrame, drawFrames } from '../examples/mediabunny/draw-frames.ts'
import { openMedia } from '../examples/mediabunny/open-media.ts'
import { HttpHive, openUrl } from '../src/http.ts'

const SECONDS = 24

/** The pixels of a frame. */
function pixelsOf({ canvas }: DrawnFrame): Uint32Array {
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
  return new Uint32Array(data.buffer)
}

it('mediabunny reads the metadata of an entry, and draws frames of it', async () => {
  const root = `${inject('hiveUrl')}-/hives/mediabunny-${Date.now()}/`
  const hive = new HttpHive(root)
  const clip = await (await fetch('/examples/player/clips/comb.webm')).blob()
  await clip.stream().pipeTo(hive.sink('comb.webm', { type: 'video/webm' }))

  for (const entry of [await hive.open('comb.webm'), await openUrl(`${root}comb.webm`)]) {
    const input = openMedia(entry)
    expect(await describeMedia(input)).toEqual([
      `WebM, ${SECONDS}.0 s`,
      'video vp8, 640 × 360',
      'audio opus, 48000 Hz, channels: 1',
    ])
    // WebKitGTK may have no decoder for pages.
    if (await (await input.getPrimaryVideoTrack())!.canDecode()) {
      const frames: DrawnFrame[] = []
      for await (const frame of drawFrames(input, { count: 2, width: 64 })) frames.push(frame)
      expect(frames.map(({ seconds }) => Math.round(seconds))).toEqual([0, SECONDS / 2])
      const [first, middle] = frames.map(pixelsOf)
      // A picture, not a blank canvas; and not the same picture.
      expect(new Set(first).size).toBeGreaterThan(100)
      expect(first).not.toEqual(middle)
    } else {
      expect(navigator.userAgent).not.toMatch(/Chrome|Firefox/)
    }
    input.dispose()
  }
})
