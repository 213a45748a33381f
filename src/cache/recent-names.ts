import type { StoreHost } from '../store/host.ts'
import type { BlockNames } from './block-names.ts'

/** How long names are shared, in milliseconds: longer than a player takes for its first requests. */
const SHARE_MS = 10_000
/** How long a reader waits for what another one is still asking for, in milliseconds: that may never be answered. */
const WAIT_MS = 3_000
/** Largest number of versions whose names are held. */
const MOST_VERSIONS = 16

/**
 * The names of the blocks of versions that were read a moment ago: a player makes several requests for the same version,
 * and until the first block is kept, each would ask the hive for the digests again.
 */
export class RecentNames {
  readonly #host: StoreHost
  readonly #versions = new Map<
    string,
    { readonly names: Promise<BlockNames>; readonly sinceMs: number; isFound: boolean }
  >()

  constructor(host: StoreHost) {
    this.#host = host
  }

  /**
   * The names that another reader has found, or has just begun to find, under a key; otherwise those that `find` finds. Only
   * readers that already wait for it share its failure.
   */
  async get(key: string, find: () => Promise<BlockNames>): Promise<BlockNames> {
    const nowMs = this.#host.now()
    const known = this.#versions.get(key)
    if (known && Math.abs(nowMs - known.sinceMs) < (known.isFound ? SHARE_MS : WAIT_MS)) return known.names
    const names = find()
    const mine = { names, sinceMs: nowMs, isFound: false }
    this.#versions.delete(key)
    this.#versions.set(key, mine)
    for (const oldest of this.#versions.keys()) {
      if (this.#versions.size <= MOST_VERSIONS) break
      this.#versions.delete(oldest)
    }
    try {
      const found = await names
      mine.isFound = true
      return found
    } catch (error) {
      if (this.#versions.get(key) === mine) this.#versions.delete(key)
      throw error
    }
  }
}
