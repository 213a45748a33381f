import { toMapKey } from '../bytes/byte-text.ts'
import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { generationKey, keysOf, partitionIn, useKey } from './cache-keys.ts'
import { type BlockRecord, parseBlock, parseNumber } from './cache-records.ts'
import { collectEvicted } from './cache-usage.ts'
import { deleteRows, listRows, parseRecord, readRow } from './cache-store.ts'
import { pinnedBlocks } from './pinned-blocks.ts'
import { MOST_REMOVED, removeBlocks, removeDamagedBlock } from './remove-blocks.ts'
import type { RecentUses } from './recent-uses.ts'
import { VersionSweeper } from './version-sweeper.ts'

/** Candidates that one look at all blocks yields. */
const CANDIDATES = 1024
/** How far the clocks of those who share a store may differ, in milliseconds. */
const MOST_AHEAD_MS = 60_000

interface Candidate {
  readonly key: Uint8Array
  readonly block: BlockRecord
  readonly usedMs: number
}

/** Removes the blocks that were not used for the longest time. */
export class Evictor {
  readonly #store: StreamStore
  readonly #uses: RecentUses
  readonly #sweeper: VersionSweeper
  /** Sorted: the one that is to go first comes last. */
  #candidates: Candidate[] = []
  /** All other blocks that may be removed were used at this time or later. */
  #othersUsedMs = -Infinity
  /** Row of the pins when the candidates were chosen. */
  #generation = ''
  readonly #host: StoreHost
  /** Whether streams may be left that nothing refers to: evicted ones, or those of an upload that failed or was killed. */
  #mustCollect = true

  constructor(store: StreamStore, uses: RecentUses, host: StoreHost) {
    this.#store = store
    this.#uses = uses
    this.#sweeper = new VersionSweeper(store, host)
    this.#host = host
  }

  /**
   * Removes blocks that were last used before a time, until that many bytes are free, or no such block is left, and gives
   * their space back. Returns the number of bytes.
   */
  async evict(bytes: number, beforeMs: number): Promise<number> {
    let freed = 0
    let count = 0
    let hasLooked = false
    const isClockSetBack = this.#othersUsedMs > this.#host.now() + MOST_AHEAD_MS
    if (isClockSetBack || (await this.#readGeneration()) !== this.#generation) this.#forget()
    while (freed < bytes) {
      const some = this.#take(beforeMs)
      const removed = some.length > 0 ? await this.#remove(some, this.#generation) : undefined
      if (removed !== undefined) {
        freed += removed
        count += some.length
        hasLooked = false
        continue
      }
      if (some.length === 0 && (hasLooked || this.#candidates.length > 0 || this.#othersUsedMs >= beforeMs)) break
      await this.#choose()
      hasLooked = true
    }
    await this.collect()
    // Faster than entries lose their last blocks.
    if (count > 0) await this.#sweeper.sweep(2 * count)
    return freed
  }

  /** Says that something may be left that nothing refers to. */
  mayHaveLeft(): void {
    this.#mustCollect = true
  }

  /** Gives the space back of what was evicted, and, the first time, of what others have left. */
  async collect(): Promise<void> {
    if (!this.#mustCollect) return
    // Not after it: more may be evicted meanwhile.
    this.#mustCollect = false
    try {
      await collectEvicted(this.#store, this.#host)
    } catch (error) {
      this.#mustCollect = true
      throw error
    }
  }

  /** Removes blocks, whatever their use. Returns the number of bytes; undefined if the pins have changed meanwhile. */
  async #remove(candidates: readonly Candidate[], generation: string): Promise<number | undefined> {
    this.#mustCollect = true
    return this.#store.transaction(async (tx) => {
      if (textOf(await tx.get(generationKey())) !== generation) return undefined
      return removeBlocks(
        tx,
        candidates.map(({ key, block: { id } }) => ({ key, id })),
      )
    })
  }

  /** The next candidates; none if those that are left were used since. */
  #take(beforeMs: number): Candidate[] {
    const taken: Candidate[] = []
    while (taken.length < MOST_REMOVED) {
      const last = this.#candidates.at(-1)
      if (!last || last.usedMs >= beforeMs) break
      this.#candidates.pop()
      // Used by this process since it was chosen.
      const usedMs = this.#uses.timeOf(useKeyOf(last.key, last.block))
      if (usedMs > last.usedMs && usedMs <= this.#host.now() + MOST_AHEAD_MS) continue
      taken.push(last)
    }
    return taken
  }

  /** Looks at all blocks, and chooses those that were not used for the longest time. Memory is bounded by the number. */
  async #choose(): Promise<void> {
    const generation = await this.#readGeneration()
    const nowMs = this.#host.now()
    const pinned = await pinnedBlocks(this.#store)
    const uses = await this.#lastUses()
    let chosen: Candidate[] = []
    const damaged: Uint8Array[] = []
    let areAll = true
    const shorten = (): void => {
      areAll &&= chosen.length <= CANDIDATES
      chosen = chosen.toSorted((a, b) => b.usedMs - a.usedMs || b.block.storedMs - a.block.storedMs).slice(-CANDIDATES)
    }
    /** Of segments of which no block is left. */
    const unused = new Set(uses.keys())
    for await (const rows of listRows(this.#store, keysOf('b'))) {
      for (const { key, value } of rows) {
        const block = parseRecord(value, parseBlock)
        if (!block) {
          if (damaged.length < CANDIDATES) damaged.push(key)
          continue
        }
        const use = useKeyOf(key, block)
        unused.delete(toMapKey(use))
        if (pinned.has(toMapKey(key))) continue
        const usedMs = Math.max(block.storedMs, uses.get(toMapKey(use)) ?? 0, this.#uses.timeOf(use))
        // From when the clock was wrong: such blocks would otherwise stay until it has caught up.
        chosen.push({ key, block, usedMs: usedMs > nowMs + MOST_AHEAD_MS ? 0 : usedMs })
      }
      if (chosen.length > 2 * CANDIDATES) shorten()
    }
    shorten()
    for (const key of damaged) {
      this.#mustCollect = true
      await removeDamagedBlock(this.#store, key)
    }
    await deleteRows(
      this.#store,
      [...unused].map((text) => Uint8Array.from(text, (unit) => unit.codePointAt(0)!)),
    )
    this.#candidates = chosen
    this.#othersUsedMs = areAll ? nowMs : chosen[0]!.usedMs
    this.#generation = generation
  }

  #forget(): void {
    this.#candidates = []
    this.#othersUsedMs = -Infinity
  }

  async #readGeneration(): Promise<string> {
    return textOf(await readRow(this.#store, generationKey()))
  }

  async #lastUses(): Promise<Map<string, number>> {
    const uses = new Map<string, number>()
    for await (const rows of listRows(this.#store, keysOf('t'))) {
      for (const { key, value } of rows) uses.set(toMapKey(key), parseRecord(value, parseNumber) ?? 0)
    }
    return uses
  }
}

function textOf(row: Uint8Array | undefined): string {
  return row ? toMapKey(row) : ''
}

function useKeyOf(key: Uint8Array, { owner, index }: BlockRecord): Uint8Array {
  return useKey(partitionIn(key), owner, index)
}
