import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError } from '../../errors.ts'
import { ID_BYTES } from '../rows/row-values.ts'
import { reportDamage } from './check-stream.ts'
import type { ScrubRun } from './scrub-run.ts'

/** Number of references that are read at a time; each has up to 33 KB. */
const LIST = 64

/**
 * Finds streams whose own row is lost: it is removed only after the last reference. Nobody can read such a stream, and
 * a list of streams does not show it.
 */
export async function findLostStreams(run: ScrubRun): Promise<void> {
  const { keys } = run.context
  const prefix = keys.all('r')
  let last: Uint8Array | undefined
  for await (const rows of run.lists(prefix, LIST)) {
    for (const { key } of rows) {
      const id = key.slice(prefix.byteLength, prefix.byteLength + ID_BYTES)
      if (last && equalBytes(id, last)) continue
      last = id
      // The reference is read again, because both may have been removed in the meantime.
      if ((await run.get(keys.stream(id))) || !(await run.get(key))) continue
      await reportDamage(run, id, { error: lostRow(id), blocks: [], damagedBlocks: 0 }, false)
    }
  }
}

function lostRow(id: Uint8Array): IntegrityError {
  const streamId = toHex(id)
  return new IntegrityError(`the row of stored stream ${streamId} is missing`, { streamId })
}
