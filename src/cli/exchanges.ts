/** Counts what is going on, so that its end can be waited for. */
export class Exchanges {
  #count = 0
  #onEnd: (() => void) | undefined

  /** One more has begun. */
  begin(): void {
    this.#count++
  }

  /** One of them has ended. */
  end(): void {
    this.#count--
    if (this.#count === 0) this.#onEnd?.()
  }

  /** Resolves when none is left. */
  ended(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEnd = resolve
    })
  }
}
