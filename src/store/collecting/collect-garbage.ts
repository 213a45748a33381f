import { describeValue } from '../../bytes/describe-value.ts'
import type { BackendCallOptions } from '../backend.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import { collectStream } from './collect-stream.ts'
import { Collection, type GarbageReport } from './collection.ts'
import { emptyTrash } from './empty-trash.ts'
import { checkGrace, DEFAULT_GRACE_MS } from './grace.ts'
import { reapIntents } from './reap-intents.ts'

/**
 * Options of {@linkcode StreamStore.collectGarbage}. `signal` ends the collection between two steps, which is always
 * safe.
 */
export interface CollectGarbageOptions extends BackendCallOptions {
  /**
   * Changes nothing, and reports what would be freed.
   * @default false
   */
  dryRun?: boolean | undefined
  /**
   * Milliseconds for which the blocks of a collected stream are kept, so that current readers can finish.
   * @default 3_600_000
   */
  graceMs?: number | undefined
  /** Called after each stream and each page of blocks, with the report so far. */
  onProgress?: ((report: GarbageReport) => void) | undefined
}

/** Number of candidates that are read at a time. */
const LIST = 256

/** Collects the garbage of a store. */
export async function collectGarbage(
  context: StoreContext,
  { dryRun = false, graceMs = DEFAULT_GRACE_MS, signal, onProgress }: CollectGarbageOptions,
): Promise<GarbageReport> {
  checkGrace(graceMs)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`onProgress must be a function, got ${describeValue(onProgress)}`)
  }
  signal?.throwIfAborted()
  await persistently(context.host, () => context.ready({ signal }), signal)
  const run = new Collection(context, { dryRun, graceMs, signal, onProgress })
  await collectCandidates(run)
  await reapIntents(run)
  await emptyTrash(run)
  return run.report
}

async function collectCandidates(run: Collection): Promise<void> {
  const { keys, host } = run.context
  const prefix = keys.all('c')
  const { parallelDeletes } = host.budget
  for await (const rows of run.lists(prefix, LIST)) {
    run.beginBatch()
    for (let i = 0; i < rows.length; i += parallelDeletes) {
      const ids = rows.slice(i, i + parallelDeletes).map(({ key }) => key.slice(prefix.byteLength))
      const results = await Promise.allSettled(ids.map((id) => run.tolerating(() => collectStream(run, id))))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    }
  }
}
