import { copyBytes, equalBytes, ownBytes } from '../../bytes/byte-order.ts'
import type { ByteRange } from '../../bytes/byte-range.ts'
import { type ByteProducer, byteStream } from '../../bytes/byte-stream.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError, NotFoundError } from '../../errors.ts'
import { retryTransient } from '../retry.ts'
import { isUsable } from '../rows/row-values.ts'
import { BlockWindow } from './block-window.ts'
import { markDamaged } from './mark-damaged.ts'
import { PageMap } from './page-map.ts'
import type { Preloaded } from './preload-blocks.ts'
import { type BudgetShare, closeWhenDropped, FREE_BYTES } from './read-ahead-budget.ts'
import type { CacheFill } from './stream-cache.ts'
import { StreamPlace } from './stream-place.ts'
import { parseDigestRow, readStream, type StoreContext, type VersionedStream } from '../store-context.ts'

/** The stream to read, as its row describes it. */
export interface ReadableRecord {
  readonly id: Uint8Array
  /** SHA-256 of its bytes. Any other stream with the same digest can be read instead. */
  readonly digest: Uint8Array
  readonly pages: PageMap
  /** Blocks that have been read already. */
  readonly preloaded?: Preloaded | undefined
}

/**
 * Streams a range of a stored stream. A chunk is a block, or the part of it that lies in the range. While the budget of
 * the store has no room for a block, a chunk is at most 32 KiB: if the reader does not go on at once, the block may be
 * fetched and checked again for the next.
 */
export function readBlocks(
  context: StoreContext,
  stream: ReadableRecord,
  range: ByteRange,
  signals: readonly (AbortSignal | undefined)[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return byteStream(openBlocks(context, stream, range, signals))
}

/** The chunks of {@linkcode readBlocks}, for callers that make the stream. */
export interface BlockSource extends ByteProducer {
  /**
   * Makes the next chunk, too, but keeps its memory: the chunk is valid until the next call, which may fill it with other
   * bytes.
   */
  lend(): Promise<Uint8Array | undefined>
  fill(buffer: Uint8Array<ArrayBuffer>): Promise<number>
}

/** Opens what {@linkcode readBlocks} reads. `start` makes it heed the signals. */
export function openBlocks(
  context: StoreContext,
  stream: ReadableRecord,
  range: ByteRange,
  signals: readonly (AbortSignal | undefined)[],
): BlockSource {
  const reader = new BlockReader(context, stream, range)
  let stop: () => void = () => undefined
  const release = (reason: unknown): void => {
    stop()
    reader.close(reason)
  }

  /** Does a step, and frees everything once there is nothing left, or it has failed. */
  const step = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      const result = await read()
      if (!result) release(undefined)
      return result
    } catch (error) {
      release(error)
      throw error
    }
  }

  return {
    start(fail) {
      stop = onAbort(signals, (reason) => {
        fail(reason)
        reader.close(reason)
      })
    },
    next: () => step(() => reader.next()),
    fill: (buffer) => step(() => reader.fill(buffer)),
    lend: () => step(() => reader.lend()),
    cancel: release,
  }
}

class BlockReader {
  readonly #share: BudgetShare
  readonly #context: StoreContext
  readonly #digest: Uint8Array
  readonly #range: ByteRange
  readonly #preloaded: Preloaded | undefined
  readonly #abort = new AbortController()
  #place: StreamPlace
  /** Not a field of its own, so that the budget, which may drop its blocks, does not refer to the reader. */
  readonly #fetching: { window: BlockWindow }
  /** Offset in the stream of the next byte to deliver. */
  #offset: number
  /** Bytes of the budget for the chunk that was delivered last. */
  #delivered = 0
  /** What is left of a chunk after a reader's buffer was filled from it. */
  #rest: Uint8Array<ArrayBuffer> | undefined
  /** The chunk that was lent. */
  #lent: Uint8Array<ArrayBuffer> | undefined
  /** Where the bytes come from: undefined before the first chunk. */
  #from: 'cache' | 'blocks' | undefined
  /** Keeps the stream in memory while it is read; undefined if it is not to be kept. */
  #fill: CacheFill | undefined
  /** What to call once all of it is closed. */
  readonly #forget: (() => void)[] = []

  constructor(context: StoreContext, { id, digest, pages, preloaded }: ReadableRecord, range: ByteRange) {
    this.#context = context
    this.#digest = digest
    this.#range = range
    this.#preloaded = preloaded
    this.#offset = range.start
    const share = context.readAhead.share(() => fetching.window.drop())
    this.#share = share
    this.#place = new StreamPlace(context, id, pages)
    const fetching = { window: this.#openWindow() }
    this.#fetching = fetching
    this.#forget.push(closeWhenDropped(this, share))
  }

  close(reason: unknown): void {
    this.#fetching.window.close(reason)
    this.#rest = undefined
    this.#lent = undefined
    this.#fill?.close()
    this.#share.close()
    this.#abort.abort(reason)
    for (const forget of this.#forget.splice(0)) forget()
  }

  /** Fills a buffer from its start, and returns the number of bytes; 0 at the end. */
  async fill(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    const filled = await this.#fillWithBlock(buffer)
    if (filled > 0) return filled
    const chunk = this.#rest ?? (await this.next())
    if (!chunk) return 0
    const piece = chunk.subarray(0, buffer.byteLength)
    buffer.set(piece)
    this.#rest = piece.byteLength < chunk.byteLength ? chunk.subarray(piece.byteLength) : undefined
    if (!this.#rest) this.#fetching.window.reuse(new Uint8Array(chunk.buffer))
    return piece.byteLength
  }

  /**
   * Reads the next block straight into a buffer if the engine has it in memory, and all of it is wanted and fits. Returns
   * the number of bytes, or 0 if the block must be read in another way.
   */
  async #fillWithBlock(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    const { pages } = this.#place
    const { start, end } = pages.rangeOf(pages.blockAt(this.#offset))
    const isWanted = start === this.#offset && start < end && end <= this.#range.end && end - start <= buffer.byteLength
    // The first chunk finds out where the bytes come from.
    const isPlain = this.#from === 'blocks' && !this.#fill && !this.#rest
    if (!isWanted || !isPlain || !this.#context.backend.blocks.isImmediate) return 0
    const memory = buffer.subarray(0, end - start)
    this.#share.give(this.#delivered)
    this.#delivered = 0
    try {
      const bytes = await this.#fetching.window.takeInto(memory)
      if (!bytes) return 0
      if (bytes.buffer !== memory.buffer) memory.set(bytes)
    } catch (error) {
      if ((error as Error | undefined)?.name !== 'IntegrityError') throw error
      await this.#moveOn(error as IntegrityError)
      return 0
    }
    this.#offset = end
    return end - start
  }

  /** The next chunk, undefined at the end. Its memory is used again after the next call. */
  async lend(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#lent) this.#fetching.window.reuse(new Uint8Array(this.#lent.buffer))
    this.#lent = undefined
    const rest = this.#rest
    this.#rest = undefined
    this.#lent = rest ?? (await this.next())
    return this.#lent
  }

  /** The next chunk, undefined at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#rest) {
      const rest = ownBytes(this.#rest)
      this.#rest = undefined
      return rest
    }
    // Whoever asks for more has used up the last chunk, or keeps it at its own cost.
    this.#share.give(this.#delivered)
    this.#delivered = 0
    const cached = this.#from === 'blocks' ? undefined : this.#nextCached()
    if (cached) return cached
    const chunk = await this.#nextRead()
    if (chunk) this.#fill?.add(chunk)
    return chunk
  }

  /** The next chunk from the cache; undefined at the end, or if the cache does not have the stream, or no longer. */
  #nextCached(): Uint8Array<ArrayBuffer> | undefined {
    const { pages } = this.#place
    const bytes = this.#offset < this.#range.end ? this.#context.cache.get(this.#digest) : undefined
    if (!bytes) return undefined
    this.#from = 'cache'
    const start = this.#offset
    const rest = this.#range.end - start
    const byteLength = Math.min(rest, pages.lengthOf(0))
    const isCounted = this.#share.claim(byteLength)
    if (isCounted) this.#delivered = byteLength
    this.#offset = start + (isCounted ? byteLength : Math.min(rest, FREE_BYTES))
    return copyBytes(bytes.subarray(start, this.#offset))
  }

  /** The next chunk from blocks, undefined at the end. */
  async #nextRead(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const filling = this.#from === 'blocks' ? undefined : this.#beginBlocks()
    if (filling) await this.#keep(filling)
    while (this.#offset < this.#range.end) {
      try {
        const kept = this.#fetching.window.take()
        return kept ? this.#cut(await kept) : this.#cutPiece(await this.#fetching.window.fetchUnkept())
      } catch (error) {
        if ((error as Error | undefined)?.name !== 'IntegrityError') throw error
        await this.#moveOn(error as IntegrityError)
      }
    }
    return undefined
  }

  /**
   * Turns to the blocks, at the first chunk, or when the cache has dropped the stream. If the cache is to keep the stream,
   * returns what will do that.
   */
  #beginBlocks(): Promise<CacheFill | undefined> | undefined {
    const { pages } = this.#place
    const isFirst = this.#from === undefined
    this.#from = 'blocks'
    if (!isFirst) {
      this.#fetching.window.close(undefined)
      this.#fetching.window = this.#openWindow()
      return undefined
    }
    const isWhole = this.#range.start === 0 && this.#range.end === pages.size && !pages.content
    return isWhole ? this.#context.cache.fill(this.#digest, pages.size) : undefined
  }

  async #keep(filling: Promise<CacheFill | undefined>): Promise<void> {
    const fill = await filling
    if (!fill) return
    if (this.#abort.signal.aborted) return fill.close()
    this.#forget.push(closeWhenDropped(this, fill))
    this.#fill = fill
  }

  /** The part of a block that lies in the range, from a block whose bytes the budget counts. */
  #cut(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const chunk = this.#deliver(block, this.#range.end)
    this.#delivered = chunk.byteLength
    this.#share.give(block.byteLength - chunk.byteLength)
    return chunk
  }

  /** A piece of a block that is not kept. It is always a copy, because other blocks are read into the memory of this one. */
  #cutPiece(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { pages } = this.#place
    const blockIndex = pages.blockAt(this.#offset)
    const piece = this.#deliver(block, Math.min(this.#range.end, this.#offset + FREE_BYTES))
    const chunk = piece === block ? copyBytes(block) : piece
    if (pages.blockAt(this.#offset) > blockIndex) this.#fetching.window.skip()
    return chunk
  }

  /** Delivers the bytes of a block up to the offset `end` in the stream. */
  #deliver(block: Uint8Array<ArrayBuffer>, end: number): Uint8Array<ArrayBuffer> {
    const { pages } = this.#place
    const start = pages.offsetOf(pages.blockAt(this.#offset))
    const from = this.#offset - start
    const to = Math.min(block.byteLength, end - start)
    this.#offset = start + to
    // A view would hand over its whole buffer, which a byte stream detaches.
    return from === 0 && to === block.byteLength ? block : block.slice(from, to)
  }

  /** Reads from the next byte to deliver on. */
  #openWindow(): BlockWindow {
    return new BlockWindow({
      context: this.#context,
      place: this.#place,
      range: { start: this.#offset, end: this.#range.end },
      preloaded: this.#preloaded,
      share: this.#share,
    })
  }

  /**
   * Continues at the same byte after a page or block was missing or damaged, if the bytes are now elsewhere: in another
   * page set of the same stream or, if the stream was collected, in another stream that has the same digest.
   *
   * @throws {IntegrityError} if the stream still names the pages that were read. This is damage, and the stream is
   * marked.
   * @throws {NotFoundError} if the stream was collected, and no other stream has its bytes.
   */
  async #moveOn(wrong: IntegrityError): Promise<void> {
    const context = this.#context
    const options = { signal: this.#abort.signal }
    const { backend, keys, host } = context
    const { pages } = this.#place
    const streamId = toHex(this.#place.id)
    const blockIndex = pages.blockAt(this.#offset)
    for (let { id } = this.#place; ;) {
      const found = await readStream(context, id, options)
      if (found && isUsable(found.record.status) && equalBytes(found.record.digest!, this.#digest)) {
        const present = new PageMap(context, id, found.record)
        if (equalBytes(present.pageSet, pages.pageSet)) {
          if (await this.#mark(id, found)) throw atBlock(wrong, streamId, blockIndex)
          continue
        }
        this.#abort.signal.throwIfAborted()
        this.#fetching.window.close(wrong)
        this.#place = new StreamPlace(context, id, present)
        this.#fetching.window = this.#openWindow()
        return
      }
      const key = keys.digest(this.#digest)
      const row = await retryTransient(host, () => backend.metadata.get(key, options), options.signal)
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

/** Adds the block to an error that names only its page. */
function atBlock(wrong: IntegrityError, streamId: string, blockIndex: number): IntegrityError {
  if (wrong.blockIndex !== undefined) return wrong
  const message = `block ${blockIndex} of stored stream ${streamId} cannot be found: ${wrong.message}`
  return new IntegrityError(message, { streamId, blockIndex, cause: wrong })
}
