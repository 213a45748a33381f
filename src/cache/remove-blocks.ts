import { referencedStreams } from '../store/reading/referenced-streams.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { blockReference, partitionIn, restOf } from './cache-keys.ts'
import { parseBlock } from './cache-records.ts'
import { parseRecord } from './cache-store.ts'
import { ROW_BYTES, setUsage, usageIn } from './cache-usage.ts'

/** Blocks that one commit removes: it may depend on ten rows, and needs two for each block. */
export const MOST_REMOVED = 4

/** A block to remove. */
export interface RemovedBlock {
  /** Key of its row. */
  readonly key: Uint8Array
  /**
   * Id of the stream; if it has another, the block is left alone.
   * @default any
   */
  readonly id?: string
}

/**
 * Removes the rows and references of blocks in a transaction. Returns the number of bytes that a collection frees then.
 * Rows that are damaged are left alone.
 */
export async function removeBlocks(tx: Transaction, blocks: readonly RemovedBlock[]): Promise<number> {
  let freed = 0
  for (const { key, id } of blocks) {
    const block = parseRecord(await tx.get(key), parseBlock)
    if (!block || (id !== undefined && block.id !== id)) continue
    tx.delete(key)
    await tx.unmarkAsUsed(block.id, blockReference(partitionIn(key), restOf(key)))
    freed += block.length + ROW_BYTES
  }
  const usage = await usageIn(tx)
  if (freed > 0) setUsage(tx, usage, { kept: Math.max(usage.kept - freed, 0), evicted: usage.evicted + freed })
  return freed
}

/**
 * Removes a block whose row is damaged: all streams with its reference, wherever they are. If there are some, the first one
 * is taken for what the usage counts.
 */
export async function removeDamagedBlock(store: StreamStore, key: Uint8Array): Promise<void> {
  const reference = blockReference(partitionIn(key), restOf(key))
  const ids = await referencedStreams(store, reference)
  await store.transaction(async (tx) => {
    const row = await tx.get(key)
    if (!row || parseRecord(row, parseBlock)) return
    const usage = await usageIn(tx)
    const [first] = ids
    const freed = first === undefined ? 0 : (await tx.open(first)).size + ROW_BYTES
    for (const id of ids.slice(0, MOST_REMOVED)) await tx.unmarkAsUsed(id, reference)
    tx.delete(key)
    setUsage(tx, usage, { kept: Math.max(usage.kept - freed, 0), evicted: usage.evicted + freed })
  })
}
