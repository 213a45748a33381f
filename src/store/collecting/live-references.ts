import type { FormatError } from '../../errors.ts'
import type { Row } from '../backend.ts'
import { parseReference } from '../rows/row-values.ts'
import type { Collection } from './collection.ts'

/** What the references of a stream mean for it. */
export interface References {
  /** Whether a reference keeps the stream alive now. */
  readonly live: boolean
  /** Whether the stream cannot die before a reference is removed: it has references, and none of them expires. */
  readonly settled: boolean
}

/** Number of references that are read at a time; each has up to 33 KB. */
const LIST = 64
/** Number of references that are removed in one commit; the commit checks the version of each. */
const PRUNE = 10

type Kind = 'permanent' | 'expiring' | 'expired'

/** Whether a reference keeps a stream alive. Stops reading at the first one that does. */
export async function hasLiveReference(run: Collection, id: Uint8Array): Promise<boolean> {
  for await (const rows of run.lists(run.context.keys.references(id), LIST)) {
    if (rows.some((row) => kindOf(row, run.context.host.now()) !== 'expired')) return true
  }
  return false
}

/** Reads all references of a stream, and removes those that have expired. */
export async function tidyReferences(run: Collection, id: Uint8Array): Promise<References> {
  let permanent = false
  let expiring = false
  for await (const rows of run.lists(run.context.keys.references(id), LIST)) {
    const now = run.context.host.now()
    const expired: Row[] = []
    for (const row of rows) {
      const kind = kindOf(row, now)
      if (kind === 'permanent') permanent = true
      else if (kind === 'expiring') expiring = true
      else expired.push(row)
    }
    for (let i = 0; i < expired.length; i += PRUNE) {
      // A reference that was renewed meanwhile is live.
      if (!(await prune(run, expired.slice(i, i + PRUNE)))) expiring = true
    }
  }
  return { live: permanent || expiring, settled: permanent && !expiring }
}

async function prune(run: Collection, rows: readonly Row[]): Promise<boolean> {
  if (run.dryRun) return true
  const checks = rows.map(({ key, version }) => ({ key, version }))
  const mutations = rows.map(({ key }) => ({ key, value: undefined }))
  return (await run.commit(checks, mutations)) !== false
}

/** A reference that cannot be parsed counts as live, and the stream remains a candidate. */
function kindOf({ value }: Row, now: number): Kind {
  try {
    const { expiresAt } = parseReference(value)
    return expiresAt === undefined ? 'permanent' : expiresAt > now ? 'expiring' : 'expired'
  } catch (error) {
    if ((error as FormatError).name !== 'FormatError') throw error
    return 'expiring'
  }
}
