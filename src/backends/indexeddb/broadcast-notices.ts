import type { Notices } from '../../store/backend.ts'

/** Notices to all tabs and workers of the origin, by a BroadcastChannel, which does not deliver to its sender. */
export class BroadcastNotices implements Notices {
  readonly #channel: BroadcastChannel
  readonly #listeners = new Set<(notice: string) => void>()
  #isClosed = false

  constructor(name: string) {
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') this.#deliver(data)
    }
  }

  publish(notice: string): void {
    if (this.#isClosed) return
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is not a window
    this.#channel.postMessage(notice)
    this.#deliver(notice)
  }

  subscribe(listener: (notice: string) => void): () => void {
    const own = (notice: string): void => listener(notice)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Sends and delivers nothing from now on. */
  close(): void {
    this.#isClosed = true
    this.#channel.close()
  }

  #deliver(notice: string): void {
    for (const listener of this.#listeners) listener(notice)
  }
}
