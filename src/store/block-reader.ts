import { equalBytes } from '../bytes/byte-order.ts'
import type { ByteRange } from '../bytes/byte-range.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { toHex } from '../bytes/byte-text.ts'
import { FormatError, IntegrityError, NotFoundError } from '../errors.ts'
import { loadChecksum } from './checksums.ts'
import { type BlockEntry, CODEC_NONE, PAGE_ENTRIES, type PageRecord, parsePage, type StreamRecord } from './format.ts'
import type { StoreContext } from './store-context.ts'

/** The stream that is read, as its row says. */
export interface ReadableRecord extends Pick<StreamRecord, 'size' | 'blockCount' | 'blockSize'> {
  readonly id: Uint8Array
  readonly streamId: string
  /** The page that was read last: small reads, one after the other, need not fetch it again. Pages never change. */
  lastPage?: { readonly index: number; readonly record: PageRecord } | undefined
}

/**
 * Streams a range of a stored stream, a block a chunk. Once a reader asks, the blocks ahead of it are fetched in
 * parallel, 16 at a time: at most `max(1, floor(inMemoryThreshold / blockSize))` blocks are being fetched, or fetched and
 * not yet asked for.
 */
export function readBlocks(
  context: StoreContext,
  stream: ReadableRecord,
  range: ByteRange,
  signals: readonly (AbortSignal | undefined)[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = new BlockReader(context, stream, range)
  const given = signals.filter((signal) => signal !== undefined)
  let failStream: (reason: unknown) => void = () => undefined

  const release = (reason: unknown): void => {
    for (const signal of given) signal.removeEventListener('abort', onAbort)
    reader.close(reason)
  }
  function onAbort(this: AbortSignal): void {
    failStream(this.reason)
    release(this.reason)
  }

  return byteStream({
    start(fail) {
      failStream = fail
      const aborted = given.find((signal) => signal.aborted)
      if (aborted) onAbort.call(aborted)
      else for (const signal of given) signal.addEventListener('abort', onAbort, { once: true })
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
  /** Index of the next block to give. */
  #giving: number
  /** Index of the block that was asked for last. */
  #asked: number
  #ahead: Promise<Uint8Array<ArrayBuffer>>[] = []
  /** How many are being fetched. */
  #parallel = 0
  #page: { readonly index: number; readonly record: Promise<PageRecord> } | undefined

  constructor(context: StoreContext, stream: ReadableRecord, range: ByteRange) {
    this.#context = context
    this.#stream = stream
    this.#range = range
    this.#window = Math.max(1, Math.floor(context.inMemoryThreshold / stream.blockSize))
    this.#asked = this.#giving = this.#fetching = Math.floor(range.start / stream.blockSize)
    this.#end = range.end > range.start ? Math.ceil(range.end / stream.blockSize) : this.#giving
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
    const offset = this.#giving++ * this.#stream.blockSize
    const from = Math.max(0, this.#range.start - offset)
    const to = Math.min(bytes.byteLength, this.#range.end - offset)
    // A view would give the rest of its buffer away with it, and a byte stream detaches the whole.
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
      // A failure shows when the stream gets there.
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
    if (!bytes) throw this.#missing(blockIndex)
    const actual = checksum(bytes)
    if (bytes.byteLength !== entry.storedLength || !equalBytes(actual, entry.checksum)) {
      throw new IntegrityError(`block ${blockIndex} of stored stream ${streamId} is damaged`, {
        expected: toHex(entry.checksum),
        actual: toHex(actual),
      })
    }
    return bytes
  }

  async #entry(blockIndex: number): Promise<BlockEntry> {
    const { blockSize, blockCount, size, streamId } = this.#stream
    const index = Math.floor(blockIndex / PAGE_ENTRIES)
    if (this.#page?.index !== index) this.#page = { index, record: this.#readPage(index, blockIndex) }
    const { byteOffset, entries } = await this.#page.record
    const entry = entries[blockIndex - index * PAGE_ENTRIES]
    // The number of blocks comes from the stream's row: a page that ends early is no end of the stream.
    const expected = blockIndex === blockCount - 1 ? size - blockIndex * blockSize : blockSize
    if (byteOffset !== index * PAGE_ENTRIES * blockSize || entry?.rawLength !== expected) {
      throw new FormatError(`page ${index} does not fit the size of stored stream ${streamId}`, { reason: 'invalid' })
    }
    return entry
  }

  async #readPage(index: number, blockIndex: number): Promise<PageRecord> {
    const { lastPage, id } = this.#stream
    if (lastPage?.index === index) return lastPage.record
    const { backend, keys } = this.#context
    const row = await backend.metadata.get(keys.page(id, index), { signal: this.#abort.signal })
    if (!row) throw this.#missing(blockIndex)
    const record = parsePage(row.value)
    this.#stream.lastPage = { index, record }
    return record
  }

  #missing(blockIndex: number): NotFoundError {
    const { streamId } = this.#stream
    return new NotFoundError(`block ${blockIndex} of stored stream ${streamId} is gone`, { streamId, blockIndex })
  }
}
