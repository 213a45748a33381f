import type { StreamRecord } from '../rows/row-values.ts'
import { parseStreamRow, type StoreContext } from '../store-context.ts'
import type { FencedRow } from './fenced-row.ts'
import type { LastCommit } from './last-commit.ts'
import { deleteBlocks, findIntents, removeObjects, removeStream } from './remove-stream.ts'

/**
 * Removes all that was written of a stream that is not to be stored, or is stored already: what runs when an upload is
 * aborted, fails, or loses its client. Nothing of it may be pending any more.
 *
 * @param names Objects that no page names.
 * @param ending The last commit of the stream, if one was tried: it must be ruled out first.
 */
export async function discardStream(
  context: StoreContext,
  row: FencedRow,
  names: readonly Uint8Array[],
  ending: LastCommit | undefined,
): Promise<void> {
  try {
    await ruleOut(context, row, names, ending)
  } finally {
    // Even when nothing shows what the last commit did: if the row is gone, nothing can need the objects any more.
    if (!row.isGuarded) await remove(context, row, names)
  }
}

async function ruleOut(
  context: StoreContext,
  row: FencedRow,
  names: readonly Uint8Array[],
  ending: LastCommit | undefined,
): Promise<void> {
  const giveUp = (): Promise<unknown> => (ending ? ending.ruleOut(undefined) : row.giveUp(undefined))
  try {
    await giveUp()
  } catch (error) {
    // On a full disk not even a row can be changed, and deleting the blocks frees space. While the row is as it was, no commit
    // of ours has stored this stream, or will. Nobody else can: if uploads are ever taken over, this needs a commit first.
    const isFull = (error as Error).name === 'QuotaExceededError'
    if (!isFull || row.record.status.kind !== 'storing' || !(await row.isAsKnown())) throw error
    await deleteBlocks(context, row.id, row.record, names)
    await giveUp()
  }
}

/**
 * Deletes the objects, then the rows, of a stream only if it is marked as deleting, or gone. The writer's memory proves
 * nothing: an object whose intent is gone may belong to a page of another stream by now.
 *
 * After a heal the stream has the former pages of the one that it healed. Collection moves these to the trash, where
 * those who read them find them until the grace period ends.
 */
async function remove(context: StoreContext, row: FencedRow, names: readonly Uint8Array[]): Promise<void> {
  const found = await row.read()
  const record = found && parseStreamRow(row.id, found.value)
  if (record && (record.status.kind !== 'deleting' || hasHealed(record))) return
  const intents = await findIntents(context, names)
  if (record && row.isOwn(record)) {
    await removeStream(context, row.id, record, found.version, intents)
  } else {
    // Collection was faster, but it may have looked before the last of these was put.
    await removeObjects(context, intents)
  }
}

/** Whether the stream has given its blocks to the one that it is a duplicate of, and has the former blocks of that. */
function hasHealed({ status, pageSet }: StreamRecord): boolean {
  return status.kind === 'deleting' && status.reason === 'duplicate' && pageSet !== undefined
}
