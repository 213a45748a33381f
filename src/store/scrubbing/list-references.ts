import { toHex } from '../../bytes/byte-text.ts'
import { parseAtRest } from '../rows/at-rest.ts'
import { INLINE, OWNERS, type ReferenceOwner } from '../rows/row-keys.ts'
import { parseReference } from '../rows/row-values.ts'
import type { DamagedStream, StreamReference } from './scrub-report.ts'
import type { ScrubRun } from './scrub-run.ts'

/** Number of references that are read at a time; each has up to 33 KB. */
const LIST = 64
const MAX_REFERENCES = 100

const NAMES = Object.keys(OWNERS) as ReferenceOwner[]

/** The references of a stream, as many as the report has room for. */
export async function listReferences(
  run: ScrubRun,
  id: Uint8Array,
): Promise<Pick<DamagedStream, 'references' | 'moreReferences'>> {
  const prefix = run.context.keys.references(id)
  const references: StreamReference[] = []
  for await (const rows of run.lists(prefix, LIST)) {
    for (const { key, value } of rows) {
      let found: StreamReference | undefined
      await run.tolerating(async () => {
        found = referenceIn(key.slice(prefix.byteLength), value)
      })
      if (!found) continue
      if (references.length === MAX_REFERENCES || !run.takeReference(found.reference.byteLength)) {
        return { references, moreReferences: true }
      }
      references.push(found)
    }
  }
  return { references, moreReferences: false }
}

/** The reference in a row; undefined if only a later version knows who set it. */
function referenceIn(key: Uint8Array, value: Uint8Array): StreamReference | undefined {
  const owner = NAMES.find((name) => OWNERS[name] === key[0])
  const bytes = key.slice(2)
  const reference =
    key[1] === INLINE ? bytes : parseAtRest(`the reference ${toHex(bytes)}`, {}, value, parseReference).reference
  return owner && reference && { owner, reference }
}
