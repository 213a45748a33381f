/** How long something shared is kept after its last user has left, in milliseconds. */
export const LINGER_MS = 10_000

/**
 * Shares something that is costly to start, such as a worker, among all its users in one program. It is ended some time after
 * the last of them has left, so that a program which stores one file after the other starts it once.
 */
export class Lingering<T extends { end(): void }> {
  #shared: T | undefined
  #users = 0
  /** How often the last user has left: only the timer of the latest departure ends anything. */
  #departures = 0

  /** What is there now, used or not. */
  get current(): T | undefined {
    return this.#shared
  }

  /** Becomes a user of what is there, or of what `start` makes if there is none. Each call needs one of `leave`. */
  join(start: () => T): T {
    this.#shared ??= start()
    this.#users++
    return this.#shared
  }

  /** Has later users start a new one, because this one has failed. */
  forget(shared: T): void {
    if (this.#shared !== shared) return
    this.#shared = undefined
    this.#users = 0
  }

  /** Ends the use of what `join` has returned. */
  leave(shared: T): void {
    if (this.#shared !== shared || --this.#users > 0) return
    const left = ++this.#departures
    setTimeout(() => {
      if (this.#shared !== shared || this.#users > 0 || this.#departures > left) return
      this.#shared = undefined
      shared.end()
    }, LINGER_MS)
  }
}
