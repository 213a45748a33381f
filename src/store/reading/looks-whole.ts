import { equalBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions } from '../backend.ts'
import { digestOf } from '../checksums.ts'
import { retryTransient } from '../retry.ts'
import { type BlockEntry, PAGE_ENTRIES, type StreamRecord } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'
import { PageMap } from './page-map.ts'

/**
 * Whether a stored stream can be read, as far as that shows without reading its blocks: it is not marked as damaged, its
 * pages are there and fit its row, and each object has the length that its page states. Wrong bytes of the right length
 * show only in a content that the row has.
 *
 * @param record The stream's row, read before this is called. Who finds damage later changes the row, so a commit that
 * depends on the row's version relies on nothing else.
 * @throws what the backend fails with.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote a page.
 */
export async function looksWhole(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  options: BackendCallOptions,
): Promise<boolean> {
  if (record.damaged) return false
  if (record.content) return equalBytes(await digestOf(context.backend, record.content), record.digest!)
  const pages = new PageMap(context, id, record)
  for (let index = 0; index < pages.pageCount; index++) {
    const entries = await readEntries(context, pages, index, options)
    if (!entries || !(await haveLengths(context, entries, options))) return false
  }
  return true
}

/** The entries of a page; undefined if it is missing, damaged, or does not fit the stream's row. */
async function readEntries(
  { host }: StoreContext,
  pages: PageMap,
  index: number,
  options: BackendCallOptions,
): Promise<BlockEntry[] | undefined> {
  try {
    const page = await retryTransient(host, () => pages.readPage(index, options), options.signal)
    if (!page) return undefined
    const first = index * PAGE_ENTRIES
    const count = Math.min(PAGE_ENTRIES, pages.blockCount - first)
    return Array.from({ length: count }, (_, i) => pages.entryIn(page.record, first + i))
  } catch (error) {
    if ((error as Error).name === 'IntegrityError') return undefined
    throw error
  }
}

/** Whether the objects of these blocks have the lengths that they should have; several are asked at once. */
async function haveLengths(
  { backend, keys, host }: StoreContext,
  entries: readonly BlockEntry[],
  options: BackendCallOptions,
): Promise<boolean> {
  const { parallelLookups } = host.budget
  for (let i = 0; i < entries.length; i += parallelLookups) {
    const some = entries.slice(i, i + parallelLookups)
    const sizes = await Promise.all(
      some.map(({ object }) =>
        retryTransient(host, () => backend.blocks.size(keys.object(object), options), options.signal),
      ),
    )
    if (some.some(({ storedLength }, index) => sizes[index] !== storedLength)) return false
  }
  return true
}
