/** In every host, a timer for longer than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Tells when one wait has taken too long. It is made for thousands of short waits a second: one timer serves them all.
 */
export class StallTimer {
  readonly #timeoutMs: number
  readonly #onStall: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting = false
  #sinceMs = 0

  /** Waits may take `timeoutMs` milliseconds; `onStall` is called when one takes longer. */
  constructor(timeoutMs: number, onStall: () => void) {
    this.#timeoutMs = timeoutMs
    this.#onStall = onStall
  }

  /** A wait begins. */
  begin(): void {
    this.#waiting = true
    this.#sinceMs = performance.now()
    this.#timer ??= this.#arm(this.#timeoutMs)
  }

  /** The wait has ended. */
  end(): void {
    this.#waiting = false
  }

  /** No wait will follow: a timer that is still armed would keep a program from ending. */
  stop(): void {
    this.#waiting = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(waitMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(this.#look, Math.min(waitMs, MAX_TIMER_MS))
  }

  readonly #look = (): void => {
    this.#timer = undefined
    if (!this.#waiting) return
    const leftMs = this.#sinceMs + this.#timeoutMs - performance.now()
    if (leftMs > 0) {
      this.#timer = this.#arm(leftMs)
    } else {
      this.#waiting = false
      this.#onStall()
    }
  }
}
