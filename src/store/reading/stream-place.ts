import { copyBytes, equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { digestOf } from '../checksums.ts'
import { retryTransient } from '../retry.ts'
import type { BlockEntry, PageRecord } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'
import { blockDamage, fetchBlock } from './fetch-block.ts'
import type { PageMap } from './page-map.ts'

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
   * @param into Memory that may be used for it.
   * @throws {IntegrityError} if the block, or the page that names it, is missing or damaged.
   */
  async fetch(
    blockIndex: number,
    signal: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { id, pages } = this
    if (pages.content) return this.#content(pages.content)
    const entry = await this.#entry(blockIndex, signal)
    let memory = into
    const fetch = (): Promise<Uint8Array<ArrayBuffer>> => {
      const options = { signal, into: memory }
      // A read that has failed may still be writing to it.
      memory = undefined
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

  async #entry(blockIndex: number, signal: AbortSignal): Promise<BlockEntry> {
    const { pages } = this
    const index = pages.pageOf(blockIndex)
    if (this.#page?.index !== index) {
      const found = retryTransient(this.#context.host, () => pages.findPage(index, { signal }), signal)
      this.#page = { index, found }
    }
    const page = await this.#page.found
    if (!page) throw blockDamage({ id: this.id, blockIndex }, 'missing')
    return pages.entryIn(page, blockIndex)
  }
}
