import { toHex } from '../../bytes/byte-text.ts'
import type { Row } from '../backend.ts'
import { parseAtRest } from '../rows/at-rest.ts'
import { parseTrash } from '../rows/row-values.ts'
import type { Collection } from './collection.ts'

/** Number of pages that are read at a time; each has up to 34 KB. */
const LIST = 8

/**
 * Deletes what was in the trash for longer than the grace period: the objects of a page, then the row that names them.
 */
export async function emptyTrash(run: Collection): Promise<void> {
  for await (const rows of run.lists(run.context.keys.all('t'), LIST)) {
    for (const row of rows) await run.tolerating(() => emptyPage(run, row))
  }
}

async function emptyPage(run: Collection, { key, value, version }: Row): Promise<void> {
  const { since, page } = parseAtRest(`the trash ${toHex(key)}`, {}, value, parseTrash)
  const { entries } = page
  const bytes = entries.reduce((sum, { storedLength }) => sum + storedLength, 0)
  if (since + run.graceMs > run.context.host.now()) {
    run.keptObjects(entries.length, bytes, since)
    return
  }
  if (!run.dryRun) {
    const objects = entries.map(({ object }) => object)
    if (!(await run.deleteObjects(objects))) return
    // Another collector has deleted the row, and counted its objects.
    if (!(await run.commit([{ key, version }], [{ key, value: undefined }]))) return
  }
  run.freedObjects(entries.length, bytes)
}
