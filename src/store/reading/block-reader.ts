import { equalBytes } from '../../bytes/byte-order.ts'
import type { ByteRange } from '../../bytes/byte-range.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { FormatError, IntegrityError, NotFoundError } from '../../errors.ts'
import { loadChecksum } from '../checksums.ts'
import { type BlockEntry, CODEC_NONE, isUsable } from '../rows/row-values.ts'
import type { FoundPage, PageMap } from './page-map.ts'
import { parseId, readStream, type StoreContext } from '../store-context.ts'

/** The stream that is read, as its row describes it. */
export interface ReadableRecord {
  readonly streamId: string
  readonly pages: PageMap
}

/**
 * Streams a range of a stored stream; each chunk is a block. Once a reader asks, the blocks ahead of it are fetched in
 * parallel, 16 at a time: at most `max(1, floor(inMemoryThreshold / blockSize))` blocks are being fetched, or fetched
 * and not yet read.
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

class BlockReader {
  readonly #context: StoreContext
  readonly #stream: ReadableRecord
  readonly #range: ByteRange
  readonly #abort = new AbortController()
  readonly #window: number
  /** Index after the last block of the range. */
  #end: number
  /** Index of the next block to fetch. */
  #fetching: number
  /** Index of the next block to deliver. */
  #giving: number
  /** Index of the block that was requested last. */
  #asked: number
  #ahead: Promise<Uint8Array<ArrayBuffer>>[] = []
  /** Number of blocks that are being fetched. */
  #parallel = 0
  #page: { readonly index: number; readonly found: Promise<FoundPage | undefined> } | undefined

  constructor(context: StoreContext, stream: ReadableRecord, range: ByteRange) {
    this.#context = context
    this.#stream = stream
    this.#range = range
    this.#window = stream.pages.blocksIn(context.inMemoryThreshold)
    this.#asked = this.#giving = this.#fetching = stream.pages.blockAt(range.start)
    this.#end = range.end > range.start ? stream.pages.blockAt(range.end - 1) + 1 : this.#giving
  }

  close(reason: unknown): void {
    this.#end = this.#fetching
    this.#ahead = []
    this.#page = undefined
    this.#abort.abort(reason)
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#asked = this.#giving
    this.#fetchAhead()
    const bytes = await this.#ahead.shift()
    if (!bytes) return undefined
    const offset = this.#stream.pages.offsetOf(this.#giving++)
    const from = Math.max(0, this.#range.start - offset)
    const to = Math.min(bytes.byteLength, this.#range.end - offset)
    // A view would give away the rest of its buffer too, since a byte stream detaches the whole buffer.
    return from === 0 && to === bytes.byteLength ? bytes : bytes.slice(from, to)
  }

  #fetchAhead(): void {
    const goOn = (): void => {
      this.#parallel--
      this.#fetchAhead()
    }
    const { parallelReads } = this.#context.host.budget
    while (this.#fetching < Math.min(this.#end, this.#asked + this.#window) && this.#parallel < parallelReads) {
      this.#parallel++
      const fetched = this.#fetch(this.#fetching++)
      this.#ahead.push(fetched)
      // If it fails, the stream will find out when it gets there.
      fetched.then(goOn, goOn)
    }
  }

  async #fetch(blockIndex: number): Promise<Uint8Array<ArrayBuffer>> {
    const { backend, keys } = this.#context
    const { streamId } = this.#stream
    const entry = await this.#entry(blockIndex)
    if (entry.codec !== CODEC_NONE) {
      throw new FormatError(`block ${blockIndex} of stored stream ${streamId} has unknown codec ${entry.codec}`, {
        reason: 'unsupported',
      })
    }
    const [checksum, bytes] = await Promise.all([
      loadChecksum(),
      backend.blocks.get(keys.object(entry.object), { signal: this.#abort.signal }),
    ])
    if (!bytes) throw await this.#damage(blockIndex, 'missing')
    const actual = checksum(bytes)
    if (bytes.byteLength !== entry.storedLength || !equalBytes(actual, entry.checksum)) {
      const digests = { expected: toHex(entry.checksum), actual: toHex(actual) }
      throw await this.#damage(blockIndex, 'damaged', digests)
    }
    return bytes
  }

  async #entry(blockIndex: number): Promise<BlockEntry> {
    const { pages } = this.#stream
    const index = pages.pageOf(blockIndex)
    if (this.#page?.index !== index) {
      this.#page = { index, found: pages.readPage(index, { signal: this.#abort.signal }) }
    }
    const page = await this.#page.found
    if (!page) throw await this.#damage(blockIndex, 'missing')
    return pages.entryIn(page.record, blockIndex)
  }

  /** The error for a block that cannot be read: damage, unless the stream was collected while it was being read. */
  async #damage(
    blockIndex: number,
    what: 'missing' | 'damaged',
    digests: { expected?: string; actual?: string } = {},
  ): Promise<IntegrityError | NotFoundError> {
    const { streamId } = this.#stream
    const found = await readStream(this.#context, parseId(streamId), { signal: this.#abort.signal })
    if (found && isUsable(found.record.status)) {
      const message = `block ${blockIndex} of stored stream ${streamId} is ${what}`
      return new IntegrityError(message, { streamId, blockIndex, ...digests })
    }
    return new NotFoundError(`block ${blockIndex} of stored stream ${streamId} is gone`, { streamId, blockIndex })
  }
}
