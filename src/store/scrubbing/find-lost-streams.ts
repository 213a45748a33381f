import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError } from '../../errors.ts'
import { ID_BYTES, isUsable, parseReference } from '../rows/row-values.ts'
import { unlessDamaged } from '../rows/unless-damaged.ts'
import { parseStreamRow } from '../store-context.ts'
import { reportDamage } from './check-stream.ts'
import type { ScrubRun } from './scrub-run.ts'

/** Number of references that are read at a time; each has up to 33 KB. */
const LIST = 64

/**
 * Finds streams that nobody can read although they have references: their own row is lost, or says that they are being
 * deleted. A list of streams does not show them as damaged.
 */
export async function findLostStreams(run: ScrubRun): Promise<void> {
  const { keys } = run.context
  const prefix = keys.all('r')
  let last: { readonly id: Uint8Array; loss: Loss | undefined } | undefined
  for await (const rows of run.lists(prefix, LIST)) {
    for (const { key, value } of rows) {
      const id = key.slice(prefix.byteLength, prefix.byteLength + ID_BYTES)
      if (!last || !equalBytes(id, last.id)) {
        last = { id, loss: undefined }
        const known = last
        await run.tolerating(async () => {
          known.loss = await findLoss(run, id)
        })
      }
      const { loss } = last
      if (!loss || (loss.mayHaveExpiring && doesExpire(value))) continue
      // The reference is read again, because both may have been removed in the meantime.
      if (!(await run.get(key))) continue
      last.loss = undefined
      await reportDamage(run, id, { error: loss.error, blocks: [], damagedBlocks: 0 }, false)
    }
  }
}

/** Why nobody can read a stream. */
interface Loss {
  readonly error: IntegrityError
  /** Whether references that have expired are as they should be: they stay until the stream is gone. */
  readonly mayHaveExpiring: boolean
}

async function findLoss(run: ScrubRun, id: Uint8Array): Promise<Loss | undefined> {
  const streamId = toHex(id)
  const row = await run.get(run.context.keys.stream(id))
  if (!row) return { error: lost(streamId, `the row of stored stream ${streamId} is missing`), mayHaveExpiring: false }
  // A row that cannot be parsed is reported with the streams.
  const record = unlessDamaged(() => parseStreamRow(id, row.value))
  if (!record || isUsable(record.status)) return undefined
  return {
    error: lost(streamId, `stored stream ${streamId} is ${record.status.kind}, although it has a reference`),
    mayHaveExpiring: true,
  }
}

/** Whether a reference expires, or may do so. */
function doesExpire(value: Uint8Array): boolean {
  try {
    return parseReference(value).expiresAt !== undefined
  } catch (error) {
    // A damaged one, or one of a later version, is reported where references are listed.
    if ((error as Error).name === 'FormatError') return true
    throw error
  }
}

function lost(streamId: string, message: string): IntegrityError {
  return new IntegrityError(message, { streamId })
}
