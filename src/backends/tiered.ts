/**
 * A backend that keeps rarely read blocks somewhere else: on a larger disk, or in an object store.
 *
 * @module
 */
import type { Backend, BackendLimits, Blocks, ListBlocksOptions, ObjectInfo } from '../store/backend.ts'

/** A backend of which only the blocks are used. */
export type BlockBackend = Pick<Backend, 'blocks' | 'limits' | 'close'>

/**
 * Puts the blocks of streams that are marked as cold on one backend, and everything else on another: all rows, and all
 * other blocks. A stream is cold if its sink or its store has the option `temperature: 'cold'`. Content that is stored
 * already stays where it is.
 *
 * A block is looked for on `hot` first. Open a store always with the same two backends: without the cold one, its blocks
 * are missing, which a check reports as damage. Stores that share a cold backend must have different names:
 * otherwise a scrub that repairs one removes the blocks of the other. Closing this backend closes both.
 *
 * @example
 * ```ts
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { tiered } from 'combstream/backends/tiered'
 * import { StreamStore } from 'combstream/store'
 *
 * const store = new StreamStore(tiered(memoryBackend(), memoryBackend()))
 * const sink = store.sink({ temperature: 'cold' })
 * await new Blob(['an old log']).stream().pipeTo(sink)
 * ```
 */
export function tiered(hot: Backend, cold: BlockBackend): Backend {
  return {
    metadata: hot.metadata,
    blocks: tieredBlocks(hot.blocks, cold.blocks),
    limits: tieredLimits(hot.limits, cold.limits),
    ...(hot.prefersNeighbours && { prefersNeighbours: true }),
    ...(hot.notices && { notices: hot.notices }),
    ...(hot.createHash && { createHash: () => hot.createHash!() }),
    async close() {
      const closed = await Promise.allSettled([hot.close(), cold.close()])
      for (const result of closed) if (result.status === 'rejected') throw result.reason
    },
  }
}

function tieredLimits(hot: BackendLimits = {}, cold: BackendLimits = {}): BackendLimits {
  return { ...hot, blockBytes: Math.min(hot.blockBytes ?? Infinity, cold.blockBytes ?? Infinity) }
}

function tieredBlocks(hot: Blocks, cold: Blocks): Blocks {
  return {
    putsMayArriveLate: hot.putsMayArriveLate === true || cold.putsMayArriveLate === true,
    put(name, bytes, options) {
      return (options?.hints?.temperature === 'cold' ? cold : hot).put(name, bytes, options)
    },
    async get(name, options) {
      return (await hot.get(name, options)) ?? cold.get(name, options)
    },
    async size(name, options) {
      return (await hot.size(name, options)) ?? cold.size(name, options)
    },
    async delete(name, options) {
      // Nothing says where it is, or whether a put that failed left something.
      await Promise.all([hot.delete(name, options), cold.delete(name, options)])
    },
    async list(options) {
      const objects: ObjectInfo[] = []
      while (objects.length < options.limit) {
        const rest = { ...options, after: objects.at(-1)?.name ?? options.after, limit: options.limit - objects.length }
        const some = merge(await Promise.all([hot.list(rest), cold.list(rest)]), rest)
        if (some.length === 0) break
        objects.push(...some)
      }
      return objects
    },
  }
}

/**
 * Merges two pages into one. A page may be shorter than its limit although there is more, so only names up to the end of
 * the page that ends first are sure to be complete.
 */
function merge(pages: readonly ObjectInfo[][], { limit }: ListBlocksOptions): ObjectInfo[] {
  const ends = pages.flatMap((page) => page.at(-1)?.name ?? [])
  const objects = pages.flat().filter(({ name }) => ends.every((end) => name <= end))
  return objects.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit)
}
