import { nextTask } from './promises.ts'

/**
 * Milliseconds after the host's last turn at which a stream gives it the next one. A turn costs some 20 µs.
 */
const TURN_MS = 8

/** Bytes after which a stream looks at the clock: a stream with less work than this never gives the host a turn. */
const LOOK_BYTES = 1024 * 1024

/**
 * Bytes after which it is the host's turn whatever the clock says: in some hosts the clock stands still during work.
 */
const MOST_BYTES = 32 * 1024 * 1024

/** The cost of a step besides its bytes: without it, a thousand small steps would count for nothing. */
const STEP_BYTES = 16 * 1024

/** When the host had its last known turn, and the turn that it is having: shared by all streams. */
let lastTurn = 0
let turn: object | undefined

/**
 * Gives the host its turn, for timers, input and network, while a stream has everything that it needs in memory. Such a
 * stream runs only microtasks, which would keep the host from its turn until the stream has ended.
 */
export class HostTurns {
  #sinceLook = 0
  #sinceTurn = 0

  /** Counts a step of so many bytes. Returns a promise to await if it is the host's turn. */
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

/** Streams take a turn together, but each with a task of its own: if one task is lost, the other streams go on. */
async function takeTurn(): Promise<void> {
  const mine = (turn ??= {})
  await nextTask()
  if (turn !== mine) return
  turn = undefined
  lastTurn = performance.now()
}
