import type { StoreHost } from '../store/host.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { generationKey } from './cache-keys.ts'
import { formatNumber, parseNumber } from './cache-records.ts'
import { parseRecord } from './cache-store.ts'

/** Makes everybody who chose blocks to evict look at the pins again: gives the row of the pins a value that it never had. */
export async function changeGeneration(tx: Transaction, host: StoreHost): Promise<void> {
  const known = parseRecord(await tx.get(generationKey()), parseNumber) ?? 0
  tx.set(generationKey(), formatNumber(Math.max(known + 1, host.now())))
}
