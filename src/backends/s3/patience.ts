import { BackendError } from '../../errors.ts'

/** Ends a wait during which nothing happens for too long. */
export class Patience {
  readonly #timeoutMs: number
  readonly #giveUp: () => void
  #timer: ReturnType<typeof setTimeout>

  /** `act` is called with an error, at most once. */
  constructor(timeoutMs: number, act: (error: BackendError) => void) {
    this.#timeoutMs = timeoutMs
    this.#giveUp = () => act(new BackendError(`nothing has arrived for ${timeoutMs} ms`, { retryable: true }))
    this.#timer = setTimeout(this.#giveUp, timeoutMs)
  }

  /** Something has happened. */
  renew(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#giveUp, this.#timeoutMs)
  }

  /** The wait is over. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
