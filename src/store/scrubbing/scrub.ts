import { describeValue } from '../../bytes/describe-value.ts'
import { RepairRefusedError } from '../../errors.ts'
import type { BackendCallOptions } from '../backend.ts'
import { checkGrace, DEFAULT_GRACE_MS } from '../collecting/grace.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import { checkStream } from './check-stream.ts'
import { findLostStreams } from './find-lost-streams.ts'
import { findOrphans } from './find-orphans.ts'
import type { ScrubReport } from './scrub-report.ts'
import { ScrubRun } from './scrub-run.ts'
import { trashOrphans } from './trash-orphans.ts'

/** Options of {@linkcode StreamStore.scrub}. `signal` ends the scrub between two steps, which is always safe. */
export interface ScrubOptions extends BackendCallOptions {
  /**
   * Marks damaged streams, so that storing their content again replaces their blocks, and moves objects that no row
   * names to the trash.
   * @default false
   */
  repair?: boolean | undefined
  /**
   * With `repair`: changes nothing, and reports what would be marked and moved.
   * @default false
   */
  dryRun?: boolean | undefined
  /**
   * With `repair`: moves objects to the trash even if there are more than 100 and more than 5 % of all objects, or if
   * rows that may name them are damaged. If a later version wrote such rows, nothing is moved.
   * @default false
   */
  force?: boolean | undefined
  /**
   * Milliseconds for which the objects are kept in the trash: `moved.until` of the report. It is the collection that
   * deletes them, after the grace period that it is given.
   * @default 3_600_000
   */
  graceMs?: number | undefined
  /** Called after each batch of objects, block and stream, with the report so far. */
  onProgress?: ((report: ScrubReport) => void) | undefined
}

/** A repair that would move more objects than this, and a larger share, is refused. */
const REFUSED_COUNT = 100
const REFUSED_SHARE = 0.05
/** Number of streams that are listed at a time; the row of each has up to 17 KB. */
const LIST = 64

/** Checks all that a store has, and repairs what can be repaired. */
export async function scrub(
  context: StoreContext,
  { repair = false, dryRun = false, force = false, graceMs = DEFAULT_GRACE_MS, signal, onProgress }: ScrubOptions,
): Promise<ScrubReport> {
  checkGrace(graceMs)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`onProgress must be a function, got ${describeValue(onProgress)}`)
  }
  signal?.throwIfAborted()
  await persistently(context.host, () => context.ready({ signal }), signal)
  const run = new ScrubRun(context, { repair, dryRun, force, graceMs, signal, onProgress })
  for await (const { count, bytes, orphans } of findOrphans(run)) run.foundObjects(count, bytes, orphans)
  if (repair) await sweepOrphans(run)
  const prefix = context.keys.all('s')
  for await (const rows of run.lists(prefix, LIST)) {
    for (const { key, value } of rows) {
      await run.tolerating(() => checkStream(run, key.slice(prefix.byteLength), value))
    }
  }
  await findLostStreams(run)
  return run.report
}

async function sweepOrphans(run: ScrubRun): Promise<void> {
  const { objects, orphans } = run.report
  if (orphans.count === 0 || !run.maySweep) return
  if (!run.force && orphans.count > REFUSED_COUNT && orphans.count > REFUSED_SHARE * objects.count) {
    const share = ((orphans.count / objects.count) * 100).toFixed(1)
    throw new RepairRefusedError(
      `no row names ${orphans.count} of ${objects.count} objects (${share} %), so the rows may be those of an older ` +
        'backup: nothing was changed',
      { objects: objects.count, orphans: orphans.count },
    )
  }
  if (run.dryRun) return run.wouldMoveOrphans()
  await run.call((options) => run.context.readyToWrite(options))
  // Found again, a batch at a time, because memory for all of them may not suffice.
  for await (const batch of findOrphans(run)) {
    // A row may have become unreadable since.
    if (run.maySweep) await trashOrphans(run, batch.orphans)
  }
}
