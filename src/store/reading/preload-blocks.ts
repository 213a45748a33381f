import { equalBytes } from '../../bytes/byte-order.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { abortable } from '../../bytes/promises.ts'
import type { StoreContext } from '../store-context.ts'
import type { StreamPlace } from './stream-place.ts'
import { type BudgetShare, closeWhenDropped } from './read-ahead-budget.ts'

/** The first blocks of a stream, fetched before it is read. Each is handed out once. */
export class Preloaded {
  readonly #pageSet: Uint8Array
  readonly #blocks: Map<number, Uint8Array<ArrayBuffer>>
  readonly #share: BudgetShare

  /** @param share What the blocks take from the budget; it is closed once this object is garbage. */
  constructor(pageSet: Uint8Array, blocks: Map<number, Uint8Array<ArrayBuffer>>, share: BudgetShare) {
    this.#pageSet = pageSet
    this.#blocks = blocks
    this.#share = share
    closeWhenDropped(this, share)
  }

  /** Hands out a block, and gives its bytes back to the budget; undefined if it is not here any more. */
  take({ pages: { pageSet } }: StreamPlace, blockIndex: number): Uint8Array<ArrayBuffer> | undefined {
    const block = this.#blocks.get(blockIndex)
    if (!block || !equalBytes(pageSet, this.#pageSet)) return undefined
    this.#blocks.delete(blockIndex)
    this.#share.give(block.byteLength)
    return block
  }
}

/**
 * Fetches the first `max(1, floor(inMemoryThreshold / blockSize))` blocks of a stream, as far as the budget has room for
 * them. A block that is missing or damaged is left to the stream, which looks for it elsewhere.
 *
 * @param attempt Gives up the fetching, and drops the blocks at any time later.
 * @param signal Gives up the fetching.
 */
export async function preloadBlocks(
  context: StoreContext,
  place: StreamPlace,
  attempt: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<Preloaded> {
  const { readAhead, inMemoryThreshold, host } = context
  const { pages } = place
  const blocks = new Map<number, Uint8Array<ArrayBuffer>>()
  const share = readAhead.share(() => drop())
  const drop = (): void => {
    blocks.clear()
    share.close()
  }
  const abort = new AbortController()
  const stop = onAbort([attempt, signal], (reason) => abort.abort(reason))

  const most = Math.min(pages.blockCount, pages.blocksIn(inMemoryThreshold))
  let count = 0
  while (count < most && share.take(pages.lengthOf(count))) count++
  let next = 0
  const load = async (): Promise<void> => {
    while (next < count) {
      const blockIndex = next++
      try {
        const block = await place.fetch(blockIndex, abort.signal)
        abort.signal.throwIfAborted()
        blocks.set(blockIndex, block)
      } catch (error) {
        if ((error as Error | undefined)?.name !== 'IntegrityError') throw error
        share.give(pages.lengthOf(blockIndex))
      }
    }
  }
  try {
    const loading = Promise.all(Array.from({ length: Math.min(count, host.budget.parallelReads) }, load))
    await abortable(loading, abort.signal)
  } catch (error) {
    abort.abort(error)
    drop()
    throw error
  } finally {
    stop()
  }
  onAbort([attempt], drop)
  share.setDroppable(true)
  return new Preloaded(pages.pageSet, blocks, share)
}
