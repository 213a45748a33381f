import { equalBytes } from '../../bytes/byte-order.ts'
import type { VersionedValue } from '../backend.ts'
import { PageMap } from '../reading/page-map.ts'
import { waitToRetry } from '../retry.ts'
import { formatCandidate, formatStream, formatTrash, type StreamRecord } from '../rows/row-values.ts'
import { parseDigestRow, parseStreamRow } from '../store-context.ts'
import type { Collection } from './collection.ts'
import { hasLiveReference, tidyReferences } from './live-references.ts'

/** The result of a step: another step follows, none does, or somebody else has changed what the step depended on. */
type Step = 'next' | 'done' | 'lost'

/** Number of references of a dead stream that are removed in one commit. */
const DELETE_ROWS = 64

/**
 * Collects one candidate if it is dead, following the protocol in `docs/formats.md`, "Collection". Each step reads the
 * stream's row again, and its commit depends on the version that it read. Others may therefore collect, mark or store
 * at the same time, and an earlier collection may have ended at any step.
 */
export async function collectStream(run: Collection, id: Uint8Array): Promise<void> {
  if (run.dryRun) return countStream(run, id)
  const { host } = run.context
  for (let conflicts = 0; conflicts < host.budget.conflicts;) {
    const step = await nextStep(run, id)
    if (step === 'done') return
    if (step === 'lost') await waitToRetry(host, ++conflicts, run.signal)
  }
}

/**
 * Whether a stream would be collected now. A mark cannot bring back a stream that is being stored or deleted, so the
 * references of such a stream are not read.
 */
export async function isDead(run: Collection, id: Uint8Array, record: StreamRecord): Promise<boolean> {
  const { status, leaseUntil } = record
  const leased = leaseUntil > run.context.host.now()
  switch (status.kind) {
    case 'storing':
      return !leased
    case 'stored':
      return !leased && !(await hasLiveReference(run, id))
    case 'condemned':
      return status.former === 'storing' || !(await hasLiveReference(run, id))
    case 'deleting':
  }
  return true
}

async function nextStep(run: Collection, id: Uint8Array): Promise<Step> {
  const { keys, host } = run.context
  const key = keys.stream(id)
  // Read before the references, because adding a reference that expires, or removing any, writes this row.
  const candidate = { key: keys.candidate(id), row: await run.get(keys.candidate(id)) }
  const row = await run.get(key)
  const own = { key, version: row?.version }
  if (!row) {
    if (candidate.row) {
      const stale = { key: candidate.key, version: candidate.row.version }
      await run.commit([own, stale], [{ key: candidate.key, value: undefined }])
    }
    return 'done'
  }
  const record = parseStreamRow(id, row.value)
  const { status, leaseUntil } = record
  const leased = leaseUntil > host.now()
  switch (status.kind) {
    case 'stored': {
      const { live, settled } = await tidyReferences(run, id)
      if (settled && candidate.row) {
        const known = { key: candidate.key, version: candidate.row.version }
        await run.commit([known, own], [{ key: candidate.key, value: undefined }])
      }
      return live || leased ? 'done' : condemn(run, id, record, row)
    }
    case 'storing':
      return leased ? 'done' : condemn(run, id, record, row)
    case 'condemned': {
      // Listed again after condemning: an earlier mark is seen here, and a later one changes the stream's row.
      const kept = status.former === 'stored' && (await hasLiveReference(run, id))
      if (!kept) return condemnForGood(run, id, record, row)
      const stored = formatStream({ ...record, status: { kind: 'stored' } })
      return (await run.commit([own], [{ key, value: stored }])) ? 'next' : 'lost'
    }
    case 'deleting':
  }
  return remove(run, id, record, row)
}

/** Marks a stream as condemned. Setting a reference on the stream undoes this. */
async function condemn(
  run: Collection,
  id: Uint8Array,
  record: StreamRecord,
  { version }: VersionedValue,
): Promise<Step> {
  const { keys, host } = run.context
  const former = record.status.kind === 'storing' ? 'storing' : 'stored'
  const key = keys.stream(id)
  const committed = await run.commit(
    [{ key, version }],
    [
      { key, value: formatStream({ ...record, status: { kind: 'condemned', former } }) },
      { key: keys.candidate(id), value: formatCandidate(host.now()) },
    ],
  )
  return committed ? 'next' : 'lost'
}

/** Marks a condemned stream as deleting and removes its digest row in the same commit. This cannot be undone. */
async function condemnForGood(
  run: Collection,
  id: Uint8Array,
  record: StreamRecord,
  { version }: VersionedValue,
): Promise<Step> {
  const { keys } = run.context
  const key = keys.stream(id)
  const checks = [{ key, version }]
  const deleting = formatStream({ ...record, status: { kind: 'deleting', reason: 'collected' } })
  const mutations: { key: Uint8Array; value: Uint8Array | undefined }[] = [{ key, value: deleting }]
  if (record.digest) {
    const digestKey = keys.digest(record.digest)
    const digestRow = await run.get(digestKey)
    if (digestRow && equalBytes(parseDigestRow(record.digest, digestRow.value), id)) {
      checks.push({ key: digestKey, version: digestRow.version })
      mutations.push({ key: digestKey, value: undefined })
    }
  }
  return (await run.commit(checks, mutations)) ? 'next' : 'lost'
}

/** Moves the pages of a stream that is being deleted to the trash, one commit for each, and then removes its rows. */
async function remove(
  run: Collection,
  id: Uint8Array,
  record: StreamRecord,
  { version }: VersionedValue,
): Promise<Step> {
  const { keys, host } = run.context
  const key = keys.stream(id)
  // The pages that this row names; they may belong to another id.
  const pages = new PageMap(run.context, id, record)
  for (let index = 0; index < pages.pageCount; index++) {
    const pageKey = keys.page(pages.pageSet, index)
    const page = await run.get(pageKey)
    // Another collector has moved it, or the writer has removed it.
    if (!page) continue
    pages.parse(index, page.value)
    const moved = await run.commit(
      [{ key: pageKey, version: page.version }],
      [
        { key: pageKey, value: undefined },
        { key: keys.trash(pages.pageSet, index), value: formatTrash(host.now(), page.value) },
      ],
    )
    if (!moved) return 'lost'
  }
  const own = { key, version }
  // No mark can add a reference any more, so those that are left have expired.
  for await (const rows of run.lists(keys.references(id), DELETE_ROWS)) {
    const mutations = rows.map((row) => ({ key: row.key, value: undefined }))
    if (!(await run.commit([own], mutations))) return 'lost'
  }
  await run.announceRemoval()
  const rows = [key, keys.candidate(id)].map((each) => ({ key: each, value: undefined }))
  if (!(await run.commit([own], rows))) return 'lost'
  run.freedStream()
  return 'done'
}

/** Counts what collecting a stream would free, without changing anything. */
async function countStream(run: Collection, id: Uint8Array): Promise<void> {
  const { keys, host } = run.context
  const row = await run.get(keys.stream(id))
  const record = row && parseStreamRow(id, row.value)
  if (!record || !(await isDead(run, id, record))) return
  const pages = new PageMap(run.context, id, record)
  for (let index = 0; index < pages.pageCount; index++) {
    const page = await run.get(keys.page(pages.pageSet, index))
    if (!page) continue
    const { entries } = pages.parse(index, page.value)
    const bytes = entries.reduce((sum, { storedLength }) => sum + storedLength, 0)
    if (run.graceMs > 0) run.keptObjects(entries.length, bytes, host.now())
    else run.freedObjects(entries.length, bytes)
  }
  run.freedStream()
}
