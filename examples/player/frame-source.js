/** Width of a picture, in pixels; its height follows from the video. */
const WIDTH = 160
/** Highest picture, in pixels: a video may be very narrow. */
const MAX_HEIGHT = 160
/** A browser that stops loading does not say so. */
const TIMEOUT_MS = 15_000

/** Draws pictures of a video that nobody sees. It loads the video a second time, as far as the pictures need it. */
export class FrameSource {
  #video = document.createElement('video')

  /** @param {string} url */
  constructor(url) {
    this.#video.muted = true
    this.#video.playsInline = true
    this.#video.preload = 'auto'
    this.#video.src = url
  }

  /**
   * Draws the picture at a position. Ask for one at a time.
   *
   * @param {number} at in seconds
   * @param {AbortSignal} signal
   */
  async frame(at, signal) {
    const video = this.#video
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) await eventOf(video, 'loadedmetadata', signal)
    const seeked = eventOf(video, 'seeked', signal)
    video.currentTime = at
    await seeked
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) await eventOf(video, 'loadeddata', signal)
    return pictureOf(video)
  }

  /** Stops loading. */
  close() {
    this.#video.removeAttribute('src')
    this.#video.load()
  }
}

/**
 * A small picture of what a video or an image shows; undefined if that is nothing.
 *
 * @param {HTMLVideoElement | HTMLImageElement} shown
 */
export function pictureOf(shown) {
  const isVideo = shown instanceof HTMLVideoElement
  const width = isVideo ? shown.videoWidth : shown.naturalWidth
  const height = isVideo ? shown.videoHeight : shown.naturalHeight
  if (width === 0 || height === 0) return undefined
  const picture = document.createElement('canvas')
  const scale = Math.min(WIDTH / width, MAX_HEIGHT / height)
  picture.width = Math.max(1, Math.round(width * scale))
  picture.height = Math.max(1, Math.round(height * scale))
  picture.getContext('2d')?.drawImage(shown, 0, 0, picture.width, picture.height)
  return picture
}

/**
 * Waits for an event of a video.
 *
 * @param {HTMLElement} target
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejects if the video fails, if that takes too long, or with the reason of the signal
 */
export function eventOf(target, name, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      target.removeEventListener(name, onEvent)
      target.removeEventListener('error', onError)
    }
    const onEvent = () => {
      end()
      resolve()
    }
    const onError = () => {
      end()
      reject(new Error('it cannot be loaded'))
    }
    const onAbort = () => {
      end()
      reject(signal.reason)
    }
    const timer = setTimeout(onError, TIMEOUT_MS)
    target.addEventListener(name, onEvent)
    target.addEventListener('error', onError)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
