/** In every host, a timer for longer than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** What timers of Node, Deno and Bun have: a timer that is not referenced lets a program end. */
interface ReferencedTimer {
  ref?(): void
  unref?(): void
}

/**
 * Tells when one wait has taken too long. It is made for thousands of short waits a second: one timer serves them all.
 */
export class StallTimer {
  readonly #timeoutMs: number
  readonly #onStall: () => void
  readonly #keepsAlive: boolean
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting = false
  #sinceMs = 0

  /**
   * Waits may take `timeoutMs` milliseconds; `onStall` is called when one takes longer. Without `keepsAlive`, a program may
   * end during a wait.
   */
  constructor(timeoutMs: number, onStall: () => void, keepsAlive = true) {
    this.#timeoutMs = timeoutMs
    this.#onStall = onStall
    this.#keepsAlive = keepsAlive
  }

  /** A wait begins. */
  begin(): void {
    this.#waiting = true
    this.#sinceMs = performance.now()
    if (this.#timer === undefined) this.#timer = this.#arm(this.#timeoutMs)
    else if (this.#keepsAlive) (this.#timer as ReferencedTimer).ref?.()
  }

  /** The wait has ended. A program may end before another one begins. */
  end(): void {
    this.#waiting = false
    ;(this.#timer as ReferencedTimer | undefined)?.unref?.()
  }

  /** No wait will follow. */
  stop(): void {
    this.#waiting = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(waitMs: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(this.#look, Math.min(waitMs, MAX_TIMER_MS))
    if (!this.#keepsAlive) (timer as ReferencedTimer).unref?.()
    return timer
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
