import { copyBytes, equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { digestOf } from '../checksums.ts'
import { retryTransient } from '../retry.ts'
import type { GetBlockOptions } from '../backend.ts'
import { PAGE_ENTRIES, type PageRecord } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'
import { blockDamage, fetchBlock } from './fetch-block.ts'
import type { PageMap } from './page-map.ts'

/**
 * How many blocks after the one that is fetched an engine is told. With two, OPFS reads a long stream as fast as with eight; with
 * none, a fifth slower.
 */
const TOLD_AHEAD = 2

/** Options of {@linkcode StreamPlace.fetch}. */
export interface FetchOptions {
  /** Memory that may be used for the block. */
  readonly into?: Uint8Array<ArrayBuffer> | undefined
  /**
   * Index after the last block that will probably be fetched.
   * @default 0
   */
  readonly end?: number
}

/**
 * Where the blocks of a stream currently are: the page set that the row of a stream named when it was read.
 */
export class StreamPlace {
  /** Id of the stream whose row named the page set. */
  readonly id: Uint8Array
  readonly pages: PageMap
  readonly #context: StoreContext
  /** The page that was asked for last. */
  #page: { readonly index: number; readonly found: Promise<PageRecord | undefined> } | undefined

  constructor(context: StoreContext, id: Uint8Array, pages: PageMap) {
    this.#context = context
    this.id = id
    this.pages = pages
  }

  /**
   * Fetches a block and checks it. A read that fails in a way that may be temporary is repeated.
   *
   * @throws {IntegrityError} if the block, or the page that names it, is missing or damaged.
   */
  async fetch(
    blockIndex: number,
    signal: AbortSignal,
    { into, end = 0 }: FetchOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { id, pages } = this
    if (pages.content) return this.#content(pages.content)
    const page = await this.#pageOf(blockIndex, signal)
    const entry = pages.entryIn(page, blockIndex)
    // Not for another try: a read that has failed may still be writing to the memory.
    let once: GetBlockOptions = { into, next: this.#namesAfter(blockIndex, end, page) }
    const fetch = (): Promise<Uint8Array<ArrayBuffer>> => {
      const options = { ...once, signal }
      once = {}
      return fetchBlock(this.#context, entry, { id, blockIndex }, options)
    }
    return retryTransient(this.#context.host, fetch, signal)
  }

  /** The content that the row has, checked. */
  async #content({ bytes, digest }: NonNullable<PageMap['content']>): Promise<Uint8Array<ArrayBuffer>> {
    const actual = await digestOf(this.#context.backend, bytes)
    if (equalBytes(actual, digest)) return copyBytes(bytes)
    const digests = { expected: toHex(digest), actual: toHex(actual) }
    throw blockDamage({ id: this.id, blockIndex: 0 }, 'damaged', digests)
  }

  /** The page that names a block. */
  async #pageOf(blockIndex: number, signal: AbortSignal): Promise<PageRecord> {
    const { pages } = this
    const index = pages.pageOf(blockIndex)
    if (this.#page?.index !== index) {
      const found = retryTransient(this.#context.host, () => pages.findPage(index, { signal }), signal)
      this.#page = { index, found }
    }
    const page = await this.#page.found
    if (!page) throw blockDamage({ id: this.id, blockIndex }, 'missing')
    return page
  }

  /** Names of the next objects, as far as the same page has them. */
  #namesAfter(blockIndex: number, end: number, { entries }: PageRecord): string[] {
    const next = blockIndex + 1
    const inPage = next % PAGE_ENTRIES
    if (inPage === 0 || next >= end) return []
    const count = Math.min(TOLD_AHEAD, end - next)
    return entries.slice(inPage, inPage + count).map(({ object }) => this.#context.keys.object(object))
  }
}
