import type { ByteRange } from '../../bytes/byte-range.ts'
import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError } from '../../errors.ts'
import { parseAtRest } from '../rows/at-rest.ts'
import type { Backend, BackendCallOptions } from '../backend.ts'
import {
  type BlockEntry,
  PAGE_ENTRIES,
  type PageRecord,
  parsePage,
  parseTrash,
  type StreamRecord,
} from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'

/** A page whose row exists. */
export interface FoundPage {
  /** Key of its row. */
  readonly key: Uint8Array
  readonly record: PageRecord
}

/** Number of pages that readers share. */
const SHARED_PAGES = 16

interface SharedPage {
  readonly page: FoundPage
  /** The row that it was parsed from. */
  readonly value: Uint8Array
}

/** For each backend, the pages that were parsed last. */
let shared: WeakMap<Backend, SharedPage[]> | undefined

/**
 * The page of a row. A page takes four times the memory of its row, so those who read the same stream at the same time
 * share it.
 */
function sharedPage(backend: Backend, key: Uint8Array, value: Uint8Array, parse: () => PageRecord): FoundPage {
  shared ??= new WeakMap()
  const pages = shared.get(backend) ?? []
  const known = pages.find(({ page, value: other }) => equalBytes(page.key, key) && equalBytes(other, value))
  if (known) return known.page
  const page = { key, record: parse() }
  shared.set(backend, [{ page, value }, ...pages.slice(0, SHARED_PAGES - 1)])
  return page
}

/**
 * Maps an offset in a stream to a block, and a block to its entry, through the pages of the page set that the stream's
 * row names. Only that row says which page set belongs to the stream, so a map is made from the row as it was read. If
 * the row later names another page set, a new map is needed.
 */
export class PageMap {
  /** Id of the page set. */
  readonly pageSet: Uint8Array
  /**
   * Number of blocks. It comes from the stream's row, so that a missing page does not look like the end of the stream.
   */
  readonly blockCount: number
  /** All bytes of a stream that has no blocks, because its row has its content. */
  readonly content: { readonly bytes: Uint8Array; readonly digest: Uint8Array } | undefined
  readonly #context: Pick<StoreContext, 'backend' | 'keys'>
  /** Number of bytes of the stream. */
  readonly size: number
  readonly #streamId: string
  readonly #blockSize: number
  /** The page that was read last, kept so that small sequential reads do not fetch it again. Pages never change. */
  #last: { readonly index: number; readonly page: FoundPage } | undefined

  /** The map of the stream `id`, whose row is `record`. */
  constructor(
    context: Pick<StoreContext, 'backend' | 'keys'>,
    id: Uint8Array,
    {
      pageSet = id,
      size,
      blockCount,
      blockSize,
      content,
      digest,
    }: Pick<StreamRecord, 'pageSet' | 'size' | 'blockCount' | 'blockSize' | 'content' | 'digest'>,
  ) {
    this.#context = context
    this.#streamId = toHex(id)
    this.pageSet = pageSet
    this.blockCount = blockCount
    this.size = size
    // A content without blocks is read as if it were one.
    this.#blockSize = content ? size : blockSize
    this.content = content && digest && { bytes: content, digest }
  }

  /** Number of pages. */
  get pageCount(): number {
    return Math.ceil(this.blockCount / PAGE_ENTRIES)
  }

  /** Index of the block that contains the byte at `offset`; one past the last block if `offset` is the end. */
  blockAt(offset: number): number {
    return Math.floor(offset / this.#blockSize)
  }

  /** Offset in the stream of a block's first byte. */
  offsetOf(blockIndex: number): number {
    return blockIndex * this.#blockSize
  }

  /** Number of bytes of a block. */
  lengthOf(blockIndex: number): number {
    return Math.min(this.#blockSize, this.size - this.offsetOf(blockIndex))
  }

  /** The bytes of the stream that a block has; none past the last block. */
  rangeOf(blockIndex: number): ByteRange {
    const start = this.offsetOf(blockIndex)
    return { start, end: Math.max(start, start + this.lengthOf(blockIndex)) }
  }

  /** Number of blocks of this stream that fit in `byteLength` bytes, at least one. */
  blocksIn(byteLength: number): number {
    return Math.max(1, Math.floor(byteLength / this.#blockSize))
  }

  /** Index of the page that names a block. */
  pageOf(blockIndex: number): number {
    return Math.floor(blockIndex / PAGE_ENTRIES)
  }

  /** Offset in the stream of the first byte that a page names. */
  pageOffset(page: number): number {
    return this.offsetOf(page * PAGE_ENTRIES)
  }

  /**
   * Reads a page; undefined if it does not exist.
   *
   * @throws {IntegrityError} if its row is damaged.
   */
  async readPage(index: number, options?: BackendCallOptions): Promise<FoundPage | undefined> {
    if (this.#last?.index === index) return this.#last.page
    const { backend, keys } = this.#context
    const key = keys.page(this.pageSet, index)
    const row = await backend.metadata.get(key, options)
    if (!row) return undefined
    const page = sharedPage(backend, key, row.value, () => this.parse(index, row.value))
    this.#last = { index, page }
    return page
  }

  /**
   * Parses the row of a page.
   *
   * @throws {IntegrityError} if it is damaged.
   */
  parse(index: number, value: Uint8Array): PageRecord {
    const streamId = this.#streamId
    return parseAtRest(`page ${index} of stored stream ${streamId}`, { streamId }, value, parsePage)
  }

  /**
   * Reads a page, wherever it is. One commit moves a page of a collected stream to the trash, where it stays until the
   * grace period ends, so the trash is searched second.
   *
   * @throws {IntegrityError} if its row is damaged.
   */
  async findPage(index: number, options?: BackendCallOptions): Promise<PageRecord | undefined> {
    const page = await this.readPage(index, options)
    if (page) return page.record
    const { backend, keys } = this.#context
    const row = await backend.metadata.get(keys.trash(this.pageSet, index), options)
    if (!row) return undefined
    const streamId = this.#streamId
    return parseAtRest(`page ${index} of collected stream ${streamId}`, { streamId }, row.value, parseTrash).page
  }

  /**
   * The entry of a block, in the page that names it.
   *
   * @throws {IntegrityError} if the page does not match the stream's row.
   */
  entryIn({ byteOffset, entries }: PageRecord, blockIndex: number): BlockEntry {
    const page = this.pageOf(blockIndex)
    const entry = entries[blockIndex - page * PAGE_ENTRIES]
    if (byteOffset !== this.pageOffset(page) || entry?.rawLength !== this.lengthOf(blockIndex)) {
      const streamId = this.#streamId
      throw new IntegrityError(`page ${page} does not fit the size of stored stream ${streamId}`, {
        streamId,
        blockIndex,
      })
    }
    return entry
  }
}
