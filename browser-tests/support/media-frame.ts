import { server } from 'vitest/browser'
import type * as combstream from '../../src/browser/page.ts'
import { soon } from '../../node-tests/support/streams.ts'

/** A window of the media page, with combstream in it. */
export interface MediaFrame {
  /** What the page bundle exports. */
  readonly combstream: typeof combstream
  /** The window of the frame. */
  readonly window: Window
  /**
   * Makes a `<video>` in the frame, muted so that it may play without a user. A hive of another origin that does not
   * allow every page needs `crossOrigin`.
   */
  video(src: string, crossOrigin?: 'anonymous'): HTMLVideoElement
  /** Removes the frame. */
  remove(): void
}

/** Opens the media page in a frame. Each name is a separate page with its own service workers. */
export async function openMediaFrame(name: string): Promise<MediaFrame> {
  const frame = document.createElement('iframe')
  frame.width = '360'
  frame.height = '220'
  frame.src = `/media-page/${name}/`
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  document.body.append(frame)
  await soon(loaded, 'the media page')
  const inner = frame.contentWindow as Window & { combstream?: typeof combstream }
  if (!inner.combstream) throw new Error('the media page did not load its bundle')
  return {
    combstream: inner.combstream,
    window: inner,
    video(src, crossOrigin) {
      const video = inner.document.createElement('video')
      video.muted = true
      video.playsInline = true
      video.width = 320
      if (crossOrigin !== undefined) video.crossOrigin = crossOrigin
      video.src = src
      inner.document.body.replaceChildren(video)
      return video
    },
    remove: () => frame.remove(),
  }
}

/** Far longer than a browser needs to continue playing. */
const HANG_MS = 30_000
/** How long WebKit's video may stand still before it is started again. */
const STILL_MS = 4_000

/**
 * Waits until a `<video>` satisfies `done`. Rejects with its media error if it has one.
 *
 * WebKitGTK's video sometimes stops to buffer as it starts, and does not notice that it has enough: also if a plain HTTP
 * server gives it a file, without a service worker (docs/service-worker.md). It continues once it is paused and played.
 *
 * @param isFed Whether the video has been given what it requested. One that has not is left standing.
 */
export async function untilVideo(
  video: HTMLVideoElement,
  what: string,
  done: (video: HTMLVideoElement) => boolean,
  isFed: () => boolean = () => true,
): Promise<void> {
  const deadline = performance.now() + HANG_MS
  let still = { at: video.currentTime, since: performance.now() }
  while (!done(video)) {
    const { error, currentTime, readyState, networkState } = video
    if (error) throw new Error(`waiting for ${what}: media error ${error.code} ${error.message}`)
    if (performance.now() > deadline) {
      throw new Error(`still waiting for ${what}: ${JSON.stringify({ currentTime, readyState, networkState })}`)
    }
    if (video.paused || video.ended || video.currentTime !== still.at || !isFed()) {
      still = { at: video.currentTime, since: performance.now() }
    } else if (server.browser === 'webkit' && performance.now() - still.since > STILL_MS) {
      still.since = performance.now()
      video.pause()
      video.play().catch(() => undefined)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * Starts a `<video>`. WebKit does not always settle the promise of `play()`, so only its rejection counts; an AbortError
 * only says that {@link untilVideo} has started the video again.
 */
export async function play(video: HTMLVideoElement): Promise<void> {
  const never = new Promise<never>(() => undefined)
  const refusal = video.play().then(
    () => never,
    (error: unknown) => {
      if ((error as Error).name !== 'AbortError') throw error
      return never
    },
  )
  await Promise.race([refusal, untilVideo(video, 'play()', ({ paused, readyState }) => !paused && readyState >= 3)])
}
