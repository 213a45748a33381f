/** Counts the requests that have not been answered completely, so that a server can wait for them. */
export class OpenRequests {
  #count = 0
  #onEnd: (() => void) | undefined

  /** A request has begun. */
  begin(): void {
    this.#count++
  }

  /** A request has ended. */
  end(): void {
    this.#count--
    if (this.#count === 0) this.#onEnd?.()
  }

  /** Resolves when no request is open. */
  ended(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEnd = resolve
    })
  }
}
