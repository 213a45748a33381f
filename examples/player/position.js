/** Remembers the position of a video, and whether it plays. Browsers forget both when it fails or is reloaded. */
export class Position {
  /** In seconds. */
  at = 0
  playing = false
  #video
  /** Set from a load until the video reaches its target; until then, its own currentTime is not the position. */
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
   * Seeks to a position once the metadata of the new media has been loaded.
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
      // After an error, Firefox plays what it has buffered; WebKit reports that it is at the start.
      this.at = Math.max(this.at, currentTime)
      return
    }
    this.at = currentTime
    this.playing = !paused && !ended
  }
}
