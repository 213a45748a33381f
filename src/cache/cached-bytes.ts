import type { ByteRange } from '../bytes/byte-range.ts'
import { copyBytes } from '../bytes/byte-order.ts'
import { markHandled } from '../bytes/promises.ts'
import type { VersionBytes } from '../hive/version-bytes.ts'
import type { BlockNames } from './block-names.ts'
import type { BlockRecord } from './cache-records.ts'
import type { HiveCache } from './hive-cache.ts'
import type { HeldBlock, NetworkRun } from './network-run.ts'

/** Blocks that are looked up to find how far a run from the network goes. */
const MOST_LOOKUPS = 256
/** Most blocks that are read ahead of a reader. */
const MOST_AHEAD = 3
/** Blocks that are looked up at the same time. */
const PARALLEL_LOOKUPS = 16
/** Most blocks of which less than half has arrived that are fetched to their ends at a time, though nobody reads them. */
const MOST_ABANDONED = 2

/** What {@linkcode CachedBytes} reads. */
export interface CachedBytesOptions {
  readonly cache: HiveCache
  readonly partition: Uint8Array
  readonly names: BlockNames
  readonly range: ByteRange
  /** Number of the last clearing when the entry was opened. */
  readonly clears: number | undefined
  /** Whether another version of the entry is in the cache, so that some of the blocks may be there already. */
  readonly hasFormer: boolean
  /** The runs and blocks of this version that are in memory, and the start of a run over blocks. */
  sharing(): { readonly runs: Iterable<NetworkRun>; readonly storing: ReadonlyMap<number, HeldBlock> } | undefined
  startRun(first: number, end: number): NetworkRun
  /** Called with the index of each block that comes from the store, and its row. */
  onHit(index: number, record: BlockRecord): void
}

/** A block that is read before it is needed. */
interface Ahead {
  readonly bytes: Promise<Uint8Array<ArrayBuffer> | undefined>
  isHere: boolean
}

/**
 * Reads a range of a version: blocks that the cache has from there, all others from the network. It holds one block, and
 * the one after it; the next three if the reader is faster than the store.
 */
export class CachedBytes implements VersionBytes {
  readonly #options: CachedBytesOptions
  #offset: number
  #block: HeldBlock | undefined
  #run: NetworkRun | undefined
  /** The next blocks, while this one is being read. */
  readonly #ahead = new Map<number, Ahead>()
  /** How many they are. */
  #depth = 1
  #isCancelled = false
  /** Whether the chunk that was read last came over the network just now. */
  isFresh = false
  /** Number of reads. */
  reads = 0

  constructor(options: CachedBytesOptions) {
    this.#options = options
    this.#offset = options.range.start
  }

  async read(lent: boolean): Promise<Uint8Array | undefined> {
    const { range, names, cache } = this.#options
    this.reads++
    if (this.#offset >= range.end) {
      this.#leave()
      return undefined
    }
    const index = Math.floor(this.#offset / names.version.blockLength)
    if (this.#block?.index !== index) this.#block = await this.#open(index)
    const block = this.#block
    const { start } = names.rangeOf(index)
    this.isFresh = false
    while (block.filled <= this.#offset - start) {
      await this.#run!.pull()
      this.isFresh = true
    }
    const end = Math.min(block.filled, range.end - start)
    const piece = block.bytes.subarray(this.#offset - start, end)
    this.#offset += piece.byteLength
    if (!this.isFresh) cache.statistics.cacheBytes += piece.byteLength
    if (this.#offset >= range.end) this.#leave()
    return lent ? piece : copyBytes(piece)
  }

  cancel(): void {
    this.#isCancelled = true
    this.#ahead.clear()
    this.#leave()
  }

  /**
   * Leaves the run. A block of which half has arrived is fetched to its end, and so is one in which the range ends: many
   * short ranges would otherwise fetch its beginning again and again. Chromium gives up its first request for a video as soon
   * as it has seen where the index is, and asks for that, which is often in the same block: so the last few blocks of which
   * less has arrived are fetched to their ends, too. More of them would take the network from what is wanted now.
   */
  #leave(): void {
    const run = this.#run
    const block = this.#block
    this.#run = undefined
    if (!run) return
    const { abandoned } = this.#options.cache
    const isEnd = this.#offset >= this.#options.range.end
    const rest = block ? block.bytes.byteLength - block.filled : 0
    if (!block || rest === 0 || block.filled === 0) {
      run.leave()
    } else if (isEnd || rest <= block.filled) {
      markHandled(complete(run, block).finally(() => run.leave()))
    } else {
      const leave = (): void => void (abandoned.delete(leave) && run.leave())
      abandoned.add(leave)
      markHandled(complete(run, block).finally(leave))
      for (const leaveOldest of abandoned) if (abandoned.size > MOST_ABANDONED) leaveOldest()
    }
  }

  /** Makes a block ready to be read. */
  async #open(index: number): Promise<HeldBlock> {
    const run = this.#run
    const ahead = this.#ahead.get(index)
    this.#ahead.delete(index)
    if (run?.offers(index)) return run.block(index)
    // What is arriving for another reader is not in the store yet.
    const arriving = ahead ? undefined : this.#findRun((other) => other.holds(index))
    if (arriving) {
      this.#switchTo(arriving)
      return arriving.block(index)
    }
    if (ahead && !ahead.isHere) this.#depth = Math.min(this.#depth + 1, MOST_AHEAD)
    // While it was looked for in the store, it may have arrived for another reader.
    const bytes = (await ahead?.bytes) ?? (await this.#find(index)) ?? this.#held(index)
    this.#throwIfCancelled()
    if (bytes) return this.#whole(index, bytes)
    const offers = (other: NetworkRun): boolean => other.offers(index)
    let found = this.#findRun(offers)
    if (!found) {
      const end = await this.#findEnd(index)
      this.#throwIfCancelled()
      const held = this.#held(index)
      if (held) return this.#whole(index, held)
      // Another reader may have begun one meanwhile.
      found = this.#findRun(offers) ?? this.#options.startRun(index, end)
    }
    this.#switchTo(found)
    return found.block(index)
  }

  /** Makes a block of bytes that are here, and begins to read the next ones. */
  #whole(index: number, bytes: Uint8Array<ArrayBuffer>): HeldBlock {
    this.#switchTo(undefined)
    for (let next = index + 1; next <= index + this.#depth; next++) this.#fetchAhead(next)
    return { index, bytes, filled: bytes.byteLength }
  }

  /** A run of another reader that can deliver what is wanted. */
  #findRun(canDeliver: (run: NetworkRun) => boolean): NetworkRun | undefined {
    for (const run of this.#options.sharing()?.runs ?? []) if (canDeliver(run)) return run
    return undefined
  }

  /** The bytes of a block that has arrived, and is being stored. */
  #held(index: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#options.sharing()?.storing.get(index)?.bytes
  }

  #switchTo(run: NetworkRun | undefined): void {
    run?.join()
    this.#run?.leave()
    this.#run = run
  }

  #fetchAhead(index: number): void {
    const { names, range } = this.#options
    if (this.#ahead.has(index) || index >= names.count || names.rangeOf(index).start >= range.end) return
    const bytes = this.#find(index)
    const ahead: Ahead = { bytes, isHere: false }
    this.#ahead.set(index, ahead)
    markHandled(
      bytes.finally(() => {
        ahead.isHere = true
      }),
    )
  }

  /** The bytes of a block, if they are in memory or in the store. */
  async #find(index: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { cache, partition, names } = this.#options
    const held = this.#held(index)
    if (held) return held
    const name = await this.#nameOf(index)
    const record = name && (await cache.blocks.find(partition, name, names.rangeOf(index)))
    const bytes = record && (await cache.blocks.read(partition, record, this.#options.clears))
    if (record && bytes) this.#options.onHit(index, record)
    return bytes
  }

  /** The name of a block. If the hive does not tell it now, its bytes are just not looked for. */
  async #nameOf(index: number): Promise<Uint8Array | undefined> {
    const { names } = this.#options
    return names.find(index).catch(() => undefined)
  }

  /**
   * How far the blocks from `index` on have to come from the network. Of blocks whose names are not known yet, this is
   * assumed, unless another version is in the cache.
   */
  async #findEnd(index: number): Promise<number> {
    const { names, range, cache, partition, hasFormer, sharing } = this.#options
    const end = Math.ceil(range.end / names.version.blockLength)
    for (let from = index + 1; from < end; from += PARALLEL_LOOKUPS) {
      if (from > index + MOST_LOOKUPS) return from
      const some = Array.from({ length: Math.min(PARALLEL_LOOKUPS, end - from) }, (_, i) => from + i)
      const states = await Promise.all(
        some.map(async (each) => {
          const name = await cache.blocks.attempt(() => names.known(each))
          if (!name) return 'unknown'
          if (sharing()?.storing.has(each)) return 'here'
          return (await cache.blocks.find(partition, name, names.rangeOf(each))) ? 'here' : 'absent'
        }),
      )
      const stop = states.findIndex((state) => state === 'here' || (hasFormer && state === 'unknown'))
      if (stop >= 0) return from + stop
    }
    return end
  }

  #throwIfCancelled(): void {
    if (this.#isCancelled) throw new DOMException('the reader has gone', 'AbortError')
  }
}

async function complete(run: NetworkRun, block: HeldBlock): Promise<void> {
  while (block.filled < block.bytes.byteLength) await run.pull()
}
