import { nextTask } from './promises.ts'

/**
 * Milliseconds since the host's last turn after which a stream that looks at the clock gives it the next one. A turn
 * costs some 20 µs.
 */
const TURN_MS = 8

/** Bytes after which a stream looks at the clock: what takes less work than this never gives up a turn. */
const LOOK_BYTES = 1024 * 1024

/** Bytes after which it is the host's turn whatever the clock says: that of some hosts stands still during work. */
const MOST_BYTES = 32 * 1024 * 1024

/** What a step costs besides its bytes: without it, a thousand small steps would count for nothing. */
const STEP_BYTES = 16 * 1024

/** When the host had the last turn that is known of, and the one that it is having: the same for all streams. */
let lastTurn = 0
let turn: object | undefined

/**
 * Gives the host its turn, for timers, input and network, while a stream has all that it needs in memory: everything
 * else in it is microtasks, which go before them until the stream has ended.
 */
export class HostTurns {
  #sinceLook = 0
  #sinceTurn = 0

  /** Counts a step of so many bytes; a promise, to be awaited, when it is the host's turn. */
  spend(byteLength: number): Promise<void> | undefined {
    this.#sinceLook += byteLength + STEP_BYTES
    if (this.#sinceLook < LOOK_BYTES) return undefined
    this.#sinceTurn += this.#sinceLook
    this.#sinceLook = 0
    const elapsedMs = performance.now() - lastTurn
    // A clock that was put back gives less than 0.
    const isEarly = elapsedMs >= 0 && elapsedMs < TURN_MS && this.#sinceTurn < MOST_BYTES
    if (isEarly && !turn) return undefined
    this.#sinceTurn = 0
    return takeTurn()
  }
}

/** Streams take a turn together, but each by a task of its own: one whose task is lost keeps no other waiting. */
async function takeTurn(): Promise<void> {
  const mine = (turn ??= {})
  await nextTask()
  if (turn !== mine) return
  turn = undefined
  lastTurn = performance.now()
}
