import { onAbort } from '../../bytes/on-abort.ts'

/** What a reader may keep without asking: the budget only counts larger chunks. */
export const FREE_BYTES: number = 64 * 1024

/** Blocks that are fetched for their part of a budget only, and not kept, may take its limit divided by this. */
const PASSING_SHARE = 8

/** What one reader holds of a {@linkcode ReadAheadBudget}. */
export interface BudgetShare {
  /** Takes bytes for a block that is fetched ahead, if so many are free. */
  take(byteLength: number): boolean
  /** Takes bytes for a block that is needed now; for that, other readers drop blocks that they need later. */
  claim(byteLength: number): boolean
  /** Gives bytes back. */
  give(byteLength: number): void
  /** Says whether the reader has blocks to drop, and that it was read just now. */
  setDroppable(droppable: boolean): void
  /** Gives everything back; after that the share takes nothing more. It may be called twice. */
  close(): void
}

/**
 * The bytes that all readers of one store may keep in memory. A reader keeps the blocks that it has fetched ahead, and
 * the chunk that it gave out last, since whoever reads it may not have used it up.
 */
export class ReadAheadBudget {
  readonly #limit: number
  #held = 0
  /** How readers drop blocks that nobody has asked for; the reader that was read least recently is the first. */
  readonly #droppers = new Set<() => void>()
  #passing = 0
  /** Who waits to fetch a block that is not kept, in the order in which they came. */
  readonly #waiting: Turn[] = []

  /** @param limit Number of bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Number of bytes that are taken. */
  get held(): number {
    return this.#held
  }

  /** Makes the share of a reader. `drop` drops blocks that nobody has asked for, and gives their bytes back. */
  share(drop: () => void): BudgetShare {
    let mine = 0
    let closed = false
    const take = (byteLength: number): boolean => {
      if (closed || this.#held + byteLength > this.#limit) return false
      this.#held += byteLength
      mine += byteLength
      return true
    }
    const give = (byteLength: number): void => {
      const given = Math.min(byteLength, mine)
      this.#held -= given
      mine -= given
    }
    return {
      take,
      claim: (byteLength) => {
        if (byteLength > this.#limit) return false
        if (this.#held + byteLength > this.#limit) this.#makeRoom(byteLength)
        return take(byteLength)
      },
      give,
      setDroppable: (droppable) => {
        this.#droppers.delete(drop)
        if (droppable && !closed) this.#droppers.add(drop)
      },
      close: () => {
        closed = true
        this.#droppers.delete(drop)
        give(mine)
      },
    }
  }

  /** Drops every block that nobody has asked for. */
  dropAll(): void {
    this.#makeRoom(Infinity)
  }

  /** Has readers drop blocks until so many bytes are free, or each has been asked. */
  #makeRoom(byteLength: number): void {
    // A copy: a reader that adds itself again while it is asked would be asked for ever.
    const droppers = [...this.#droppers]
    for (const drop of droppers) {
      if (this.#held + byteLength <= this.#limit) return
      drop()
    }
  }

  /**
   * Waits until a block may be fetched that is not kept: such blocks take at most an eighth of the limit, or else one
   * block. Call the function that it resolves with once the block has been dropped.
   */
  async pass(byteLength: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#mayPass(byteLength)) this.#passing += byteLength
    else await this.#turn(byteLength, signal)
    return () => {
      this.#passing -= byteLength
      // Only those who may pass now: with a thousand waiting readers, to wake all of them each time took seconds.
      while (this.#waiting.length > 0 && this.#mayPass(this.#waiting[0]!.byteLength)) {
        const { byteLength: next, go } = this.#waiting.shift()!
        this.#passing += next
        go()
      }
    }
  }

  #mayPass(byteLength: number): boolean {
    return this.#passing === 0 || this.#passing + byteLength <= this.#limit / PASSING_SHARE
  }

  #turn(byteLength: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = onAbort([signal], (reason) => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1)
        reject(reason)
      })
      const go = (): void => {
        stop()
        resolve()
      }
      const turn: Turn = { byteLength, go }
      this.#waiting.push(turn)
    })
  }
}

/** A reader that waits for its turn. */
interface Turn {
  readonly byteLength: number
  go(): void
}

let registry: FinalizationRegistry<{ close(): void }> | undefined

/**
 * Closes something, such as a share, once its owner is garbage: what a stream reads from, if it was neither read to its end nor cancelled.
 * The owner must not be the stream itself, whose object browsers collect although its reader is still used.
 */
export function closeWhenDropped(owner: object, held: { close(): void }): void {
  // Cloudflare's workers had none before 2025.
  if (typeof FinalizationRegistry === 'undefined') return
  registry ??= new FinalizationRegistry((dropped) => dropped.close())
  registry.register(owner, held)
}
