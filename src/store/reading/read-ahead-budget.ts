import { onAbort } from '../../bytes/on-abort.ts'
import { nextTask } from '../../bytes/promises.ts'

/** What a reader may keep without asking: the budget only counts larger chunks. */
export const FREE_BYTES: number = 32 * 1024

/** While the budget has no room for a block, it is delivered in parts. All such blocks may take the limit divided by this. */
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

/** The room of a block that is delivered in parts. */
export interface PassingRoom {
  /** Memory that a block of the same length had, to be filled again. */
  readonly spare: Uint8Array<ArrayBuffer> | undefined
  /**
   * Keeps the block while its reader goes on: unless this is called again before two tasks have passed, the next block
   * that needs the room takes it and the memory, and `drop` is called.
   */
  keep(block: Uint8Array<ArrayBuffer>, drop: () => void): void
  /** Gives the room back, and the memory of the block that was kept; may be called twice. */
  release(): void
}

interface Waiting {
  readonly byteLength: number
  readonly go: () => void
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
  /** Drops blocks whose readers have not gone on; the first one has waited longest. */
  readonly #idle = new Set<() => void>()
  /** Readers that wait for room, in turn. */
  #waiting: Waiting[] = []
  /** Memory of blocks that were delivered in parts, as long as others may need it. */
  #spares: Uint8Array<ArrayBuffer>[] = []

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
   * Waits until a block may be fetched that is delivered in parts: such blocks take at most an eighth of the limit, or
   * else one block.
   */
  async pass(byteLength: number, signal: AbortSignal): Promise<PassingRoom> {
    signal.throwIfAborted()
    if (this.#waiting.length > 0 || !this.#admit(byteLength)) await this.#turn(byteLength, signal)
    let isHeld = true
    let kept: Uint8Array<ArrayBuffer> | undefined
    let dropKept: (() => void) | undefined
    const free = (): void => {
      isHeld = false
      if (dropKept) this.#idle.delete(dropKept)
      if (kept?.byteLength === kept?.buffer.byteLength && kept?.byteLength === byteLength) this.#spares.push(kept)
      this.#passing -= byteLength
    }
    return {
      spare: this.#takeSpare(byteLength),
      release: () => {
        if (!isHeld) return
        free()
        this.#wake()
      },
      keep: (block, drop) => {
        if (dropKept) this.#idle.delete(dropKept)
        kept = block
        const mine = (): void => {
          free()
          drop()
        }
        dropKept = mine
        void this.#idleLater(mine, () => isHeld && dropKept === mine)
      },
    }
  }

  /** A reader that goes on at once does so within two tasks: a chunk, and the turn of the host after it. */
  async #idleLater(drop: () => void, isIdle: () => boolean): Promise<void> {
    await nextTask()
    await nextTask()
    if (!isIdle()) return
    this.#idle.add(drop)
    this.#wake()
  }

  /** Takes room for a block, if there is so much, or idle blocks make it. */
  #admit(byteLength: number): boolean {
    const fits = (): boolean => this.#passing === 0 || this.#passing + byteLength <= this.#limit / PASSING_SHARE
    for (const drop of this.#idle) {
      if (fits()) break
      drop()
    }
    if (!fits()) return false
    this.#passing += byteLength
    return true
  }

  #takeSpare(byteLength: number): Uint8Array<ArrayBuffer> | undefined {
    const spare = this.#spares.pop()
    // Blocks of another length: their memory is of no use now.
    if (spare?.byteLength !== byteLength) this.#spares = []
    return spare?.byteLength === byteLength ? spare : undefined
  }

  #wake(): void {
    for (let [first] = this.#waiting; first && this.#admit(first.byteLength); [first] = this.#waiting) {
      this.#waiting.shift()
      first.go()
    }
    if (this.#passing === 0) this.#spares = []
  }

  #turn(byteLength: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = onAbort([signal], (reason) => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(reason)
        // The next one may need less room.
        this.#wake()
      })
      const waiting = {
        byteLength,
        go: () => {
          stop()
          resolve()
        },
      }
      this.#waiting.push(waiting)
    })
  }
}

let registry: FinalizationRegistry<{ close(): void }> | undefined

/**
 * Closes something, such as a share, once its owner is garbage: what a stream reads from, if it was neither read to its
 * end nor cancelled. The owner must not be the stream itself, whose object browsers collect although its reader is still
 * used. Returns a function to call once the owner has closed it. Until then, nothing that it refers to may refer to the
 * owner, or both are kept for ever; an error does that, whose stack V8 keeps with the objects whose methods were running.
 */
export function closeWhenDropped(owner: object, held: { close(): void }): () => void {
  // Cloudflare's workers had none before 2025.
  if (typeof FinalizationRegistry === 'undefined') return () => undefined
  const known = (registry ??= new FinalizationRegistry((dropped) => dropped.close()))
  known.register(owner, held, held)
  return () => void known.unregister(held)
}
