import type { Transaction } from '../store/transactions/transaction.ts'
import { blockReference, partitionIn, restOf, usageKey } from './cache-keys.ts'
import { formatUsage, parseBlock, parseUsage } from './cache-records.ts'
import { parseRecord } from './cache-store.ts'

/** What a block costs besides its bytes: its rows, and those of its stream. */
export const ROW_BYTES = 512
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

/** Removes the rows and references of blocks in a transaction. Returns the number of bytes that this frees. */
export async function removeBlocks(tx: Transaction, blocks: readonly RemovedBlock[]): Promise<number> {
  let freed = 0
  for (const { key, id } of blocks) {
    const row = await tx.get(key)
    const block = parseRecord(row, parseBlock)
    if (!row || (block && id !== undefined && block.id !== id)) continue
    tx.delete(key)
    if (!block) continue
    await tx.unmarkAsUsed(block.id, blockReference(partitionIn(key), restOf(key)))
    freed += block.length + ROW_BYTES
  }
  const used = parseRecord(await tx.get(usageKey()), parseUsage) ?? 0
  if (freed >= used) tx.delete(usageKey())
  else tx.set(usageKey(), formatUsage(used - freed))
  return freed
}
