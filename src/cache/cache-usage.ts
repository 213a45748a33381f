import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { keysOf, usageKey } from './cache-keys.ts'
import { formatNumber, formatUsage, parseBlock, parseNumber, parseUsage, type UsageRecord } from './cache-records.ts'
import { listRows, parseRecord, readRow } from './cache-store.ts'

/** What a block costs besides its bytes: its rows, and those of its stream. */
export const ROW_BYTES = 512
const NOTHING: UsageRecord = { kept: 0, evicted: 0, collected: 0, clears: 0, allClears: 0 }

/** Bytes that the cache occupies: what was evicted counts until it was collected, whoever has evicted it. */
export function occupiedBytes({ kept, evicted, collected }: UsageRecord): number {
  return kept + evicted - collected
}

/** Bytes of all blocks that were ever stored. It grows with each of them. */
export function storedBytes({ kept, evicted }: UsageRecord): number {
  return kept + evicted
}

/**
 * Reads the usage in a transaction, which then depends on it.
 *
 * @throws {FormatError} if the row is damaged.
 */
export async function usageIn(tx: Transaction): Promise<UsageRecord> {
  const row = await tx.get(usageKey())
  return row ? parseUsage(row) : NOTHING
}

/** Changes some numbers of the usage. */
export function setUsage(tx: Transaction, usage: UsageRecord, changed: Partial<UsageRecord>): void {
  tx.set(usageKey(), formatUsage({ ...usage, ...changed }))
}

/** Reads the usage. If its row is damaged, all blocks are counted, and the row is written again. */
export async function readUsage(store: StreamStore, host: StoreHost): Promise<UsageRecord> {
  for (;;) {
    const row = await readRow(store, usageKey())
    const usage = row ? parseRecord(row, parseUsage) : NOTHING
    if (usage) return usage
    await recount(store, host, row!)
  }
}

/** While the row is damaged, nobody adds or removes a block. */
async function recount(store: StreamStore, host: StoreHost, damaged: Uint8Array): Promise<void> {
  // How much was evicted is not known any more.
  await store.collectGarbage({ graceMs: 0 })
  let kept = 0
  for await (const rows of listRows(store, keysOf('b'))) {
    for (const { value } of rows) kept += (parseRecord(value, parseBlock)?.length ?? 0) + ROW_BYTES
  }
  await store.transaction(async (tx) => {
    const row = await tx.get(usageKey())
    if (!row || row.byteLength !== damaged.byteLength || row.some((byte, i) => byte !== damaged[i])) return
    // Nor is it known what was cleared, so nobody who is reading keeps anything.
    const clears = host.now()
    setUsage(tx, NOTHING, { kept, clears, allClears: clears })
  })
}

/** Gives the space back of what was evicted, by whomever. */
export async function collectEvicted(store: StreamStore, host: StoreHost, signal?: AbortSignal): Promise<void> {
  const { evicted } = await readUsage(store, host)
  await store.collectGarbage({ graceMs: 0, signal })
  await store.transaction(
    async (tx) => {
      const usage = await usageIn(tx)
      // Others may have collected later, or counted anew.
      if (evicted > usage.collected && evicted <= usage.evicted) setUsage(tx, usage, { collected: evicted })
    },
    { signal },
  )
}

/** Notes that a partition, or everything, is being cleared: who read before keeps nothing of it any more. */
export async function noteClearing(tx: Transaction, host: StoreHost, partition: Uint8Array | undefined): Promise<void> {
  const usage = await usageIn(tx)
  const clears = Math.max(usage.clears + 1, host.now())
  setUsage(tx, usage, partition ? { clears } : { clears, allClears: clears })
  if (partition) tx.set(keysOf('c', partition), formatNumber(clears))
}

/** Whether a partition was cleared after the clearing with this number. */
export async function isCleared(
  tx: Transaction,
  usage: UsageRecord,
  partition: Uint8Array,
  clears: number,
): Promise<boolean> {
  if (usage.clears === clears) return false
  return usage.allClears > clears || (parseRecord(await tx.get(keysOf('c', partition)), parseNumber) ?? 0) > clears
}
