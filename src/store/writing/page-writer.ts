import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError } from '../../errors.ts'
import type { Mutation } from '../backend.ts'
import { type BlockEntry, formatPage, PAGE_ENTRIES } from '../rows/row-values.ts'
import { PageMap } from '../reading/page-map.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import type { FencedRow } from './fenced-row.ts'

/** Adds entries to the pages of a stream that is being stored. */
export class PageWriter {
  readonly #context: StoreContext
  /** Entries of the page that is not full, by the number of blocks that the stream has then. */
  readonly #lastPages = new Map<number, readonly BlockEntry[]>([[0, []]])

  constructor(context: StoreContext) {
    this.#context = context
  }

  /** The changes that add entries to the pages of a stream, after the blocks that its row says it has. */
  async with(entries: readonly BlockEntry[], { id, record }: FencedRow): Promise<Mutation[]> {
    if (entries.length === 0) return []
    const { keys } = this.#context
    const map = new PageMap(this.#context, id, record)
    const mutations: Mutation[] = []
    let index = map.pageOf(map.blockCount)
    let all = [...(await this.#lastPage(map, id)), ...entries]
    while (all.length > 0) {
      const value = formatPage({ byteOffset: map.pageOffset(index), entries: all.slice(0, PAGE_ENTRIES) })
      mutations.push({ key: keys.page(map.pageSet, index++), value })
      if (all.length < PAGE_ENTRIES) break
      all = all.slice(PAGE_ENTRIES)
    }
    // The page will have these entries once they are committed; until then it stays as it was.
    for (const blockCount of this.#lastPages.keys()) {
      if (blockCount !== map.blockCount) this.#lastPages.delete(blockCount)
    }
    this.#lastPages.set(map.blockCount + entries.length, all)
    return mutations
  }

  /** As this writer left it; of a stream that it has taken over, as it is stored. */
  async #lastPage(map: PageMap, id: Uint8Array): Promise<readonly BlockEntry[]> {
    const known = this.#lastPages.get(map.blockCount)
    if (known) return known
    const index = map.pageOf(map.blockCount)
    if (index === map.pageCount) return []
    const page = await persistently(this.#context.host, () => map.readPage(index))
    if (!page) {
      const streamId = toHex(id)
      throw new IntegrityError(`page ${index} of stream ${streamId} is missing`, { streamId })
    }
    return page.record.entries
  }
}
