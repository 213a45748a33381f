import type { ByteRange } from '../../bytes/byte-range.ts'
import type { StoreContext } from '../store-context.ts'
import type { StreamPlace } from './stream-place.ts'
import type { Preloaded } from './preload-blocks.ts'
import type { BudgetShare, PassingRoom } from './read-ahead-budget.ts'

interface FetchedBlock {
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>
  /** Bytes that it takes from the budget. */
  held: number
  arrived: boolean
}

/** What a {@linkcode BlockWindow} needs. */
export interface BlockWindowOptions {
  readonly context: StoreContext
  readonly place: StreamPlace
  /** The bytes to read. */
  readonly range: ByteRange
  /** Blocks that have been read already. */
  readonly preloaded: Preloaded | undefined
  readonly share: BudgetShare
}

/**
 * The blocks of a range, in order, from one place. Those after the one that was asked for are fetched ahead: none at
 * first, then more with each block, up to `max(1, floor(inMemoryThreshold / blockSize))` at a time with the one that was
 * asked for, as far as the budget goes.
 */
export class BlockWindow {
  readonly #options: BlockWindowOptions
  readonly #abort = new AbortController()
  /** Number of blocks that may be fetched at a time, now and at most. */
  #size = 0
  readonly #maxSize: number
  /** Index of the block that was asked for last. */
  #asked: number
  /** Index of the next block to fetch. */
  #next: number
  /** Index after the last block of the range. */
  #end: number
  readonly #ahead: FetchedBlock[] = []
  #parallel = 0
  /** The next block, while it is delivered in parts. */
  #passing: { readonly bytes: Uint8Array<ArrayBuffer>; readonly room: PassingRoom } | undefined
  /** Memory of the block that was used up last. */
  #spare: Uint8Array<ArrayBuffer> | undefined

  constructor(options: BlockWindowOptions) {
    this.#options = options
    const {
      context: { inMemoryThreshold },
      place: { pages },
      range: { start, end },
    } = options
    this.#maxSize = pages.blocksIn(inMemoryThreshold)
    this.#asked = this.#next = pages.blockAt(start)
    this.#end = end > start ? pages.blockAt(end - 1) + 1 : this.#next
  }

  /**
   * The next block. Its bytes count as taken from the budget; the caller gives them back. If the budget has no room for
   * it, there is no promise, and the block stays the next one.
   */
  take(): Promise<Uint8Array<ArrayBuffer>> | undefined {
    if (this.#passing) return undefined
    if (this.#ahead.length === 0) {
      this.#asked = this.#next
      if (!this.#fetch(true)) return undefined
    }
    const { bytes } = this.#ahead.shift()!
    this.#size = Math.min(this.#maxSize, Math.max(1, 2 * this.#size))
    this.#asked = this.#next - this.#ahead.length - 1
    this.#fetchAhead()
    return bytes
  }

  /**
   * The next block while the budget has no room for it, to be delivered in parts; it stays the next one. A reader that
   * goes on at once gets all parts of the block that was fetched for the first; if others need the room meanwhile, it is
   * fetched again.
   */
  async fetchUnkept(): Promise<Uint8Array<ArrayBuffer>> {
    const { context, place } = this.#options
    const { signal } = this.#abort
    this.#passing ??= await this.#pass(context, place, signal)
    const { bytes, room } = this.#passing
    room.keep(bytes, () => {
      this.#passing = undefined
    })
    return bytes
  }

  async #pass(
    context: StoreContext,
    place: StreamPlace,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly room: PassingRoom }> {
    const room = await context.readAhead.pass(place.pages.lengthOf(this.#next), signal)
    try {
      const bytes = await place.fetch(this.#next, signal, { into: room.spare })
      signal.throwIfAborted()
      return { bytes, room }
    } catch (error) {
      room.release()
      throw error
    }
  }

  #endPassing(): void {
    this.#passing?.room.release()
    this.#passing = undefined
  }

  /**
   * The next block, read into memory of the caller, which is as long as the block: it may be returned in other memory. The
   * budget does not count it. Undefined if the block has been read already.
   */
  takeInto(memory: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> | undefined {
    const { place, preloaded } = this.#options
    if (preloaded || this.#passing || this.#ahead.length > 0) return undefined
    this.#asked = this.#next++
    return place.fetch(this.#asked, this.#abort.signal, { into: memory })
  }

  /** Takes the memory of a block that was used up, for another block of the same length. */
  reuse(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === this.#options.place.pages.lengthOf(0)) this.#spare = bytes
  }

  /** Goes past the next block. */
  skip(): void {
    this.#endPassing()
    this.#asked = ++this.#next
  }

  /** Drops blocks that have arrived and that nobody has asked for, the last ones first, and begins to grow anew. */
  drop(): void {
    while (this.#ahead.at(-1)?.arrived) {
      this.#options.share.give(this.#ahead.pop()!.held)
      this.#next--
    }
    this.#size = 1
    // With blocks that have not arrived yet, the reader keeps its place among the others: it was not read.
    if (this.#ahead.length === 0) this.#options.share.setDroppable(false)
  }

  /** Drops all blocks and gives up what is being fetched. */
  close(reason: unknown): void {
    const { share } = this.#options
    for (const block of this.#ahead.splice(0)) {
      share.give(block.held)
      block.held = 0
    }
    this.#spare = undefined
    this.#endPassing()
    share.setDroppable(false)
    this.#end = this.#next
    this.#abort.abort(reason)
  }

  #fetchAhead(): void {
    const { parallelReads } = this.#options.context.host.budget
    const end = Math.min(this.#end, this.#asked + this.#size)
    while (this.#next < end && this.#parallel < parallelReads && this.#fetch(false));
    this.#options.share.setDroppable(this.#ahead.length > 0)
  }

  /** Begins to fetch the next block if the budget has room for it. */
  #fetch(isAsked: boolean): boolean {
    const { place, preloaded, share } = this.#options
    const blockIndex = this.#next
    const byteLength = place.pages.lengthOf(blockIndex)
    const known = preloaded?.take(place, blockIndex)
    if (!(isAsked ? share.claim(byteLength) : share.take(byteLength))) return false
    this.#next++
    if (known) {
      this.#ahead.push({ held: byteLength, bytes: Promise.resolve(known), arrived: true })
      return true
    }
    const block: FetchedBlock = {
      held: byteLength,
      bytes: place.fetch(blockIndex, this.#abort.signal, { into: this.#spare, end: this.#end }),
      arrived: false,
    }
    this.#spare = undefined
    this.#ahead.push(block)
    this.#parallel++
    void this.#watch(block)
    return true
  }

  /** Notes that a block has arrived or failed, and continues. The reader sees a failure when it reaches the block. */
  async #watch(block: FetchedBlock): Promise<void> {
    try {
      await block.bytes
      block.arrived = true
    } catch {
      this.#options.share.give(block.held)
      block.held = 0
    }
    this.#parallel--
    // The share of a window that was closed may belong to the next one.
    if (!this.#abort.signal.aborted) this.#fetchAhead()
  }
}
