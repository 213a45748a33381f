import type { FormatError } from '../../errors.ts'
import type { Row } from '../backend.ts'
import { parseReference } from '../rows/row-values.ts'
import type { Collection } from './collection.ts'

/** What the references of a stream say. */
export interface References {
  /** Whether one keeps the stream alive now. */
  readonly live: boolean
  /** Whether the stream need not be looked at again before a reference is removed: one never expires, and no other does. */
  readonly settled: boolean
}

/** References that are read at a time: each may have 33 KB. */
const LIST = 64
/** References that are removed at a time: each is a condition of the commit. */
const PRUNE = 10

type Kind = 'permanent' | 'expiring' | 'expired'

/** Whether a reference keeps a stream alive, page by page until one is found that does. */
export async function hasLiveReference(run: Collection, id: Uint8Array): Promise<boolean> {
  for await (const rows of run.lists(run.context.keys.references(id), LIST)) {
    if (rows.some((row) => kindOf(row, run.context.host.now()) !== 'expired')) return true
  }
  return false
}

/** Looks at all references of a stream, and removes those that have expired. */
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
      // One that was renewed meanwhile is alive.
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

/** A reference that cannot be parsed counts as alive, and the stream stays a candidate. */
function kindOf({ value }: Row, now: number): Kind {
  try {
    const { expiresAt } = parseReference(value)
    return expiresAt === undefined ? 'permanent' : expiresAt > now ? 'expiring' : 'expired'
  } catch (error) {
    if ((error as FormatError).name !== 'FormatError') throw error
    return 'expiring'
  }
}
