import type { BackendError } from '../../errors.ts'
import type { BackendCallOptions } from '../backend.ts'
import { blockDamage, fetchBlock } from '../reading/fetch-block.ts'
import type { PageMap } from '../reading/page-map.ts'
import type { PageRecord } from '../rows/row-values.ts'
import type { ScrubRun } from './scrub-run.ts'

/**
 * Fetches the blocks of a stream in order, as many at the same time as a reader does. What is wrong with a block does not
 * keep the others from being read.
 */
export class BlockQueue {
  readonly #run: ScrubRun
  readonly #id: Uint8Array
  readonly #pages: PageMap
  readonly #ahead: Promise<Uint8Array | Error>[] = []
  readonly #window: number
  #fetching = 0
  #page: { readonly index: number; readonly found: Promise<PageRecord | Error | undefined> } | undefined

  constructor(run: ScrubRun, id: Uint8Array, pages: PageMap) {
    this.#run = run
    this.#id = id
    this.#pages = pages
    const { inMemoryThreshold, host } = run.context
    this.#window = Math.min(pages.blocksIn(inMemoryThreshold), host.budget.parallelReads)
  }

  /** The next block, or what is wrong with it. */
  async next(): Promise<Uint8Array | Error> {
    while (this.#ahead.length < this.#window && this.#fetching < this.#pages.blockCount) {
      const fetched = this.#fetch(this.#fetching++)
      // If another block before it fails, nobody waits for this one.
      fetched.catch(() => undefined)
      this.#ahead.push(fetched)
    }
    return this.#ahead.shift()!
  }

  async #fetch(blockIndex: number): Promise<Uint8Array | Error> {
    const run = this.#run
    const place = { id: this.#id, blockIndex }
    const page = await this.#pageOf(blockIndex)
    if (!page) return blockDamage(place, 'missing')
    let storedLength = 0
    const block = await run.call((options) =>
      unlessWrong(isDamage, () => {
        if (page instanceof Error) throw page
        const entry = this.#pages.entryIn(page, blockIndex)
        storedLength = entry.storedLength
        return fetchBlock(run.context, entry, place, options)
      }),
    )
    if (!(block instanceof Error)) run.checkedBlock(storedLength)
    else if (block.name === 'FormatError') throw block
    return block
  }

  #pageOf(blockIndex: number): Promise<PageRecord | Error | undefined> {
    const index = this.#pages.pageOf(blockIndex)
    if (this.#page?.index !== index) {
      const find = (options: BackendCallOptions) => unlessWrong(isWrong, () => this.#pages.findPage(index, options))
      this.#page = { index, found: this.#run.call(find) }
    }
    return this.#page.found
  }
}

/** Resolves with an error that a repeated call would only fail with again. */
async function unlessWrong<T>(isFinal: (error: Error) => boolean, read: () => Promise<T>): Promise<T | Error> {
  try {
    return await read()
  } catch (error) {
    if (isFinal(error as Error)) return error as Error
    throw error
  }
}

/** Whether a row or block is missing or wrong, or of a later version. */
function isWrong({ name }: Error): boolean {
  return name === 'IntegrityError' || name === 'FormatError'
}

/** Whether a block cannot be read: it is wrong, or the engine fails for good. */
function isDamage(error: Error): boolean {
  return isWrong(error) || (error.name === 'BackendError' && !(error as BackendError).retryable)
}
