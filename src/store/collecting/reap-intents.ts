import { toHex } from '../../bytes/byte-text.ts'
import type { Row } from '../backend.ts'
import { parseAtRest } from '../rows/at-rest.ts'
import { ID_BYTES, isUsable, parseStreamId, type StreamRecord } from '../rows/row-values.ts'
import { parseStreamRow } from '../store-context.ts'
import { isDead } from './collect-stream.ts'
import type { Collection } from './collection.ts'

/** Number of intents that are read at a time. */
const LIST = 256

/** Deletes objects that no page names, and that were intended for a stream which is no longer being stored. */
export async function reapIntents(run: Collection): Promise<void> {
  const prefix = run.context.keys.all('i')
  for await (const rows of run.lists(prefix, LIST)) {
    for (const row of rows) await run.tolerating(() => reapIntent(run, row, row.key.slice(prefix.byteLength)))
  }
}

async function reapIntent(run: Collection, { key, value }: Row, object: Uint8Array): Promise<void> {
  const { context } = run
  const name = toHex(object)
  const id = parseAtRest(`the intent of object ${name}`, {}, value, parseStreamId)
  const streamRow = await run.get(context.keys.stream(id))
  const stream = streamRow && parseStreamRow(id, streamRow.value)
  if (stream && !(await isOver(run, id, stream))) return
  // Read again after the stream's row: the commit that stored the stream removed the intents of objects in its pages.
  const intent = await run.get(key)
  if (!intent || object.byteLength !== ID_BYTES) return
  const size = await run.sizeOf(context.keys.object(object))
  if (!run.dryRun) {
    if (!(await run.deleteObjects([object]))) return
    if (!(await run.commit([{ key, version: intent.version }], [{ key, value: undefined }]))) return
  }
  if (size !== undefined) run.freedObjects(1, size)
}

/** Whether a stream is no longer being stored; in a dry run, whether it would not be after the collection. */
async function isOver(run: Collection, id: Uint8Array, record: StreamRecord): Promise<boolean> {
  if (isUsable(record.status) || record.status.kind === 'deleting') return true
  return run.dryRun && isDead(run, id, record)
}
