import { nextTask } from './promises.ts'

/** How long streams may keep the host from timers, input and network, in milliseconds. A turn costs 3 to 30 µs. */
const TURN_MS = 8

/** Bytes after which the clock is looked at: what takes less work than this never gives up a turn. */
const LOOK_BYTES = 1024 * 1024

/** What a step costs besides its bytes: without it, a thousand small steps would count for nothing. */
const STEP_BYTES = 16 * 1024

/** When the host had its last turn that is known of, and the one that it is having: the same for all streams. */
let lastTurn = 0
let turn: Promise<void> | undefined

/**
 * Gives the host its turn, for timers, input and network, while a stream has all that it needs in memory: everything
 * else in it is microtasks, which go before them until the stream has ended.
 */
export class HostTurns {
  #spent = 0

  /** Counts a step of so many bytes; a promise, to be awaited, when it is the host's turn. */
  spend(byteLength: number): Promise<void> | undefined {
    this.#spent += byteLength + STEP_BYTES
    if (this.#spent < LOOK_BYTES) return undefined
    this.#spent = 0
    if (turn || performance.now() - lastTurn >= TURN_MS) return (turn ??= takeTurn())
    return undefined
  }
}

async function takeTurn(): Promise<void> {
  await nextTask()
  turn = undefined
  lastTurn = performance.now()
}
