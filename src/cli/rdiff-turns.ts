import { nextTask } from '../bytes/promises.ts'

/** Bytes after which the event loop gets its turn, since signals are delivered only when it runs: some 50 ms of work. */
const TURN_BYTES = 16 * 1024 * 1024

/** The cost of a step besides its bytes: without it, a thousand small steps would count for nothing. */
const STEP_BYTES = 16 * 1024

/**
 * Gives the event loop its turns while a job runs. It counts bytes, unlike `HostTurns`: in Node, `performance.now` loads a
 * dozen modules, which a short command would notice.
 */
export class RdiffTurns {
  readonly #signal: AbortSignal
  #spent = 0

  /** Creates the turns of a job that the signal ends. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Counts a step of so many bytes. Returns a promise to await if it is time for a turn; it rejects if the signal aborts. */
  spend(byteLength: number): Promise<void> | undefined {
    this.#spent += byteLength + STEP_BYTES
    if (this.#spent < TURN_BYTES) return undefined
    this.#spent = 0
    return this.#take()
  }

  async #take(): Promise<void> {
    await nextTask()
    this.#signal.throwIfAborted()
  }
}
