import { nextTask } from './promises.ts'

/**
 * What is spent before the host gets its turn, in bytes: some milliseconds of work. A turn costs about 30 µs, so more
 * often would show.
 */
const TURN_BYTES = 4 * 1024 * 1024

/** What a step costs besides its bytes: without it, a thousand small steps would count for nothing. */
const STEP_BYTES = 16 * 1024

/**
 * Gives the host its turn, for timers, input and network, while a stream has all that it needs in memory: everything
 * else in it is microtasks, which go before them until the stream has ended.
 */
export class HostTurns {
  #spent = 0

  /** Counts a step of so many bytes; a promise, to be awaited, when it is the host's turn. */
  spend(byteLength: number): Promise<void> | undefined {
    this.#spent += byteLength + STEP_BYTES
    if (this.#spent < TURN_BYTES) return undefined
    this.#spent = 0
    return nextTask()
  }
}
