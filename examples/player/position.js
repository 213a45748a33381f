/** Remembers where a video is, and whether it plays: browsers forget both when it fails, or is loaded again. */
export class Position {
  /** In seconds. */
  at = 0
  playing = false
  #video
  /** From a load until the video is where it was to go: what it says of itself until then is not the position. */
  #isRestoring = false

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video
    for (const event of ['timeupdate', 'seeking', 'play', 'pause', 'ended']) {
      video.addEventListener(event, () => this.#note())
    }
    video.addEventListener('loadedmetadata', () => this.#go())
    video.addEventListener('seeked', () => {
      this.#isRestoring = false
      this.#note()
    })
  }

  /**
   * Goes to a place once the media that are being loaded are known.
   *
   * @param {number} at in seconds
   * @param {boolean} playing
   */
  restore(at, playing) {
    this.at = at
    this.playing = playing
    this.#isRestoring = true
  }

  #go() {
    if (this.at > 0) this.#video.currentTime = Math.min(this.at, this.#video.duration)
    else this.#isRestoring = false
  }

  #note() {
    const { currentTime, paused, ended, error } = this.#video
    if (this.#isRestoring) return
    if (error) {
      // Firefox plays what it has buffered after an error; WebKit says that it is at the start.
      this.at = Math.max(this.at, currentTime)
      return
    }
    this.at = currentTime
    this.playing = !paused && !ended
  }
}
