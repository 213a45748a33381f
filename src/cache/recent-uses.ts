import { equalBytes } from '../bytes/byte-order.ts'
import { toMapKey } from '../bytes/byte-text.ts'
import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { PAGE_BLOCKS, useKey } from './cache-keys.ts'
import { type BlockRecord, formatNumber } from './cache-records.ts'
import { usageIn } from './cache-usage.ts'

/** How long uses stay in memory before they are written, in milliseconds. */
const WRITE_AFTER_MS = 60_000
/** So many uses are written in any case: the most that one commit takes. */
const MOST_USES = 100

/** A block that is used: what its record says of its place. */
type UsedBlock = Pick<BlockRecord, 'owner' | 'index'>

/**
 * When blocks were used last, in segments of 64 blocks of an entry. Reading must not cost a commit, so uses are written at
 * most once a minute, or when there are 100. What was not written is forgotten with the process: blocks are then evicted
 * a little too early.
 */
export class RecentUses {
  readonly #store: StreamStore
  readonly #host: StoreHost
  readonly #waiting = new Map<string, { readonly key: Uint8Array; timeMs: number; clears: number }>()
  #writtenMs: number

  constructor(store: StreamStore, host: StoreHost) {
    this.#store = store
    this.#host = host
    this.#writtenMs = host.now()
  }

  /**
   * Notes that blocks are used now, by somebody who began after the clearing with the number `clears`. Resolves at once,
   * unless this writes.
   */
  async note(partition: Uint8Array, blocks: readonly UsedBlock[], clears: number): Promise<void> {
    const timeMs = this.#host.now()
    let last: UsedBlock | undefined
    for (const block of blocks) {
      if (last && isSameSegment(block, last)) continue
      last = block
      const key = useKey(partition, block.owner, block.index)
      this.#waiting.set(toMapKey(key), { key, timeMs, clears })
    }
    if (Math.abs(timeMs - this.#writtenMs) >= WRITE_AFTER_MS || this.#waiting.size >= MOST_USES) await this.write()
  }

  /** When the segment of a block was used last, as far as that is not written yet; 0 if it was not. */
  timeOf(key: Uint8Array): number {
    return this.#waiting.get(toMapKey(key))?.timeMs ?? 0
  }

  /** Writes what waits, unless something was cleared since. */
  async write(): Promise<void> {
    this.#writtenMs = this.#host.now()
    const uses = [...this.#waiting.values()]
    this.#waiting.clear()
    for (let i = 0; i < uses.length; i += MOST_USES) {
      await this.#store.transaction(async (tx) => {
        const usage = await usageIn(tx)
        for (const { key, timeMs, clears } of uses.slice(i, i + MOST_USES)) {
          if (clears === usage.clears) tx.set(key, formatNumber(timeMs))
        }
      })
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting.clear()
  }
}

function isSameSegment(one: UsedBlock, other: UsedBlock): boolean {
  return (
    Math.floor(one.index / PAGE_BLOCKS) === Math.floor(other.index / PAGE_BLOCKS) && equalBytes(one.owner, other.owner)
  )
}
