/**
 * Tells when one wait has taken too long. Made for thousands of short waits a second: it arms one timer for all of
 * them, not one for each.
 */
export class StallTimer {
  readonly #timeoutMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #sinceMs = 0
  #onStall: (() => void) | undefined

  /** Waits may take `timeoutMs` milliseconds. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** A wait begins; `onStall` is called if {@linkcode StallTimer.end} does not come in time. */
  begin(onStall: () => void): void {
    this.#sinceMs = performance.now()
    this.#onStall = onStall
    this.#timer ??= setTimeout(this.#look, this.#timeoutMs)
  }

  /** The wait has ended. */
  end(): void {
    this.#onStall = undefined
  }

  /** No wait will follow: a timer that is still armed would keep a program from ending. */
  stop(): void {
    this.#onStall = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const onStall = this.#onStall
    if (!onStall) return
    const leftMs = this.#sinceMs + this.#timeoutMs - performance.now()
    if (leftMs > 0) {
      this.#timer = setTimeout(this.#look, leftMs)
    } else {
      this.#onStall = undefined
      onStall()
    }
  }
}
