import { equalBytes } from '../../bytes/byte-order.ts'
import type { ByteRange } from '../../bytes/byte-range.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { type IntegrityError, NotFoundError } from '../../errors.ts'
import { type BlockEntry, isUsable, type PageRecord } from '../rows/row-values.ts'
import { blockDamage, fetchBlock } from './fetch-block.ts'
import { markDamaged } from './mark-damaged.ts'
import { PageMap } from './page-map.ts'
import { parseDigestRow, readStream, type StoreContext, type VersionedStream } from '../store-context.ts'

/** The stream to read, as its row describes it. */
export interface ReadableRecord {
  readonly id: Uint8Array
  /** SHA-256 of its bytes. Any other stream with the same digest can be read instead. */
  readonly digest: Uint8Array
  readonly pages: PageMap
}

/**
 * Streams a range of a stored stream; each chunk is a block. Once a reader asks for a chunk, the next blocks are
 * fetched in parallel, up to 16 at a time. At most `max(1, floor(inMemoryThreshold / blockSize))` blocks are being
 * fetched, or have been fetched but not read.
 */
export function readBlocks(
  context: StoreContext,
  stream: ReadableRecord,
  range: ByteRange,
  signals: readonly (AbortSignal | undefined)[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = new BlockReader(context, stream, range)
  let stop: () => void = () => undefined
  const release = (reason: unknown): void => {
    stop()
    reader.close(reason)
  }

  return byteStream({
    start(fail) {
      stop = onAbort(signals, (reason) => {
        fail(reason)
        reader.close(reason)
      })
    },
    async next() {
      try {
        const bytes = await reader.next()
        if (!bytes) release(undefined)
        return bytes
      } catch (error) {
        release(error)
        throw error
      }
    },
    cancel: release,
  })
}

/** Where the blocks currently come from. */
interface Place {
  readonly id: Uint8Array
  readonly pages: PageMap
  /** The page that was read last. */
  page: { readonly index: number; readonly found: Promise<PageRecord | undefined> } | undefined
}

class BlockReader {
  readonly #context: StoreContext
  readonly #digest: Uint8Array
  readonly #range: ByteRange
  readonly #abort = new AbortController()
  #place: Place
  /** Offset in the stream of the next byte to deliver. */
  #offset: number
  /** Index after the last block of the range. */
  #end = 0
  /** Index of the next block to fetch. */
  #fetching = 0
  /** Index of the next block to deliver. */
  #giving = 0
  /** Index of the block that the reader asked for last. */
  #asked = 0
  #ahead: Promise<Uint8Array<ArrayBuffer>>[] = []
  /** Number of blocks that are being fetched. */
  #parallel = 0

  constructor(context: StoreContext, { id, digest, pages }: ReadableRecord, range: ByteRange) {
    this.#context = context
    this.#digest = digest
    this.#range = range
    this.#offset = range.start
    this.#place = this.#enter(id, pages)
  }

  close(reason: unknown): void {
    this.#end = this.#fetching
    this.#ahead = []
    this.#place.page = undefined
    this.#abort.abort(reason)
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      this.#asked = this.#giving
      this.#fetchAhead()
      const block = this.#ahead.shift()
      if (!block) return undefined
      try {
        return this.#cut(await block)
      } catch (error) {
        if ((error as Error | undefined)?.name !== 'IntegrityError') throw error
        await this.#moveOn(error as IntegrityError)
      }
    }
  }

  /** The part of the next block that lies within the range. */
  #cut(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const start = this.#place.pages.offsetOf(this.#giving++)
    const from = this.#offset - start
    const to = Math.min(bytes.byteLength, this.#range.end - start)
    this.#offset = start + to
    // A view would hand over its whole buffer, which a byte stream detaches.
    return from === 0 && to === bytes.byteLength ? bytes : bytes.slice(from, to)
  }

  /** Starts reading at the next byte to deliver, from the pages of a stream that has the same bytes. */
  #enter(id: Uint8Array, pages: PageMap): Place {
    const { end } = this.#range
    this.#asked = this.#giving = this.#fetching = pages.blockAt(this.#offset)
    this.#end = end > this.#offset ? pages.blockAt(end - 1) + 1 : this.#giving
    this.#ahead = []
    return { id, pages, page: undefined }
  }

  #fetchAhead(): void {
    const goOn = (): void => {
      this.#parallel--
      this.#fetchAhead()
    }
    const { parallelReads } = this.#context.host.budget
    const window = this.#place.pages.blocksIn(this.#context.inMemoryThreshold)
    while (this.#fetching < Math.min(this.#end, this.#asked + window) && this.#parallel < parallelReads) {
      this.#parallel++
      const fetched = this.#fetch(this.#place, this.#fetching++)
      this.#ahead.push(fetched)
      // If it fails, the stream sees the error when it reaches this block.
      fetched.then(goOn, goOn)
    }
  }

  async #fetch(place: Place, blockIndex: number): Promise<Uint8Array<ArrayBuffer>> {
    const entry = await this.#entry(place, blockIndex)
    return fetchBlock(this.#context, entry, { id: place.id, blockIndex }, { signal: this.#abort.signal })
  }

  async #entry(place: Place, blockIndex: number): Promise<BlockEntry> {
    const { pages } = place
    const index = pages.pageOf(blockIndex)
    if (place.page?.index !== index) {
      place.page = { index, found: pages.findPage(index, { signal: this.#abort.signal }) }
    }
    const page = await place.page.found
    if (!page) throw blockDamage({ id: place.id, blockIndex }, 'missing')
    return pages.entryIn(page, blockIndex)
  }

  /**
   * Continues at the same byte after a page or block was missing or damaged, if the bytes are now elsewhere: in another
   * page set of the same stream or, if the stream was collected, in another stream that has the same digest.
   *
   * @throws {IntegrityError} the error `wrong`, if the stream still names the pages that were read, which means damage:
   * the stream is marked then.
   * @throws {NotFoundError} if the stream was collected, and no other stream has its bytes.
   */
  async #moveOn(wrong: IntegrityError): Promise<void> {
    const context = this.#context
    const options = { signal: this.#abort.signal }
    const { backend, keys } = context
    const { pages } = this.#place
    const streamId = toHex(this.#place.id)
    const blockIndex = this.#giving
    for (let { id } = this.#place; ;) {
      const found = await readStream(context, id, options)
      if (found && isUsable(found.record.status) && equalBytes(found.record.digest!, this.#digest)) {
        const present = new PageMap(context, id, found.record)
        if (equalBytes(present.pageSet, pages.pageSet)) {
          if (await this.#mark(id, found)) throw wrong
          continue
        }
        this.#abort.signal.throwIfAborted()
        this.#place = this.#enter(id, present)
        return
      }
      const row = await backend.metadata.get(keys.digest(this.#digest), options)
      const other = row && parseDigestRow(this.#digest, row.value)
      if (!other || equalBytes(other, id)) {
        throw new NotFoundError(`block ${blockIndex} of stored stream ${streamId} is gone`, { streamId, blockIndex })
      }
      id = other
    }
  }

  /** Marks the stream as damaged if that is possible; false if its row has changed, so that it must be read again. */
  async #mark(id: Uint8Array, row: VersionedStream): Promise<boolean> {
    try {
      return await markDamaged(this.#context, id, row, this.#abort.signal)
    } catch {
      // Reading never needs writing: the reader is told of the damage, not of a backend that cannot be written.
      return true
    }
  }
}
