import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { IntegrityError } from '../../errors.ts'
import { createDigest } from '../checksums.ts'
import { markDamaged } from '../reading/mark-damaged.ts'
import { PageMap } from '../reading/page-map.ts'
import { isUsable, type StreamRecord } from '../rows/row-values.ts'
import { parseStreamRow } from '../store-context.ts'
import { BlockQueue } from './block-queue.ts'
import { listReferences } from './list-references.ts'
import type { ScrubRun } from './scrub-run.ts'

/** What is wrong with a stream. */
export interface Damage {
  /** What was found first. */
  readonly error: Error
  /** The first blocks that are missing, wrong or unreadable. */
  readonly blocks: number[]
  /** Number of such blocks. */
  damagedBlocks: number
}

/** What a second look at the stream's row says about damage. */
type Verdict =
  | { readonly kind: 'damaged'; readonly marked: boolean }
  | { readonly kind: 'healed'; readonly record: StreamRecord }
  | { readonly kind: 'gone' }

const MAX_BLOCKS = 100

/**
 * Reads a stream and checks every block against its checksum, and all bytes against the digest. If something is wrong,
 * the stream's row is read again: a stream that was collected meanwhile is not damaged, and one that names another page
 * set was healed, and is checked again.
 *
 * @param value The stream's row.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote a part of it.
 */
export async function checkStream(run: ScrubRun, id: Uint8Array, value: Uint8Array): Promise<void> {
  let record: StreamRecord
  try {
    record = parseStreamRow(id, value)
  } catch (error) {
    if ((error as Error).name !== 'IntegrityError') throw error
    return reportDamage(run, id, { error: error as Error, blocks: [], damagedBlocks: 0 }, false)
  }
  while (isUsable(record.status)) {
    const damage = await findDamage(run, id, record)
    if (!damage) return run.checkedStream()
    const verdict = await lookAgain(run, id, record)
    if (verdict.kind === 'gone') return
    if (verdict.kind === 'damaged') return reportDamage(run, id, damage, verdict.marked)
    record = verdict.record
  }
}

/** Reports a damaged stream, and what it is used for. */
export async function reportDamage(run: ScrubRun, id: Uint8Array, damage: Damage, marked: boolean): Promise<void> {
  run.checkedStream({ id: toHex(id), ...damage, ...(await listReferences(run, id)), marked })
}

/** Reads the row of a damaged stream again. If it names the same pages, marks it in a repair. */
async function lookAgain(run: ScrubRun, id: Uint8Array, { pageSet = id }: StreamRecord): Promise<Verdict> {
  const { context, signal } = run
  for (;;) {
    const row = await run.get(context.keys.stream(id))
    const record = row && parseStreamRow(id, row.value)
    if (!record || !isUsable(record.status)) return { kind: 'gone' }
    if (!equalBytes(record.pageSet ?? id, pageSet)) return { kind: 'healed', record }
    if (!run.repair || run.dryRun) return { kind: 'damaged', marked: run.repair || record.damaged === true }
    const marked = await markDamaged(context, id, { record, version: row.version }, signal)
    if (marked) return { kind: 'damaged', marked }
  }
}

/** Reads all blocks; undefined if they are what was stored. */
async function findDamage(run: ScrubRun, id: Uint8Array, record: StreamRecord): Promise<Damage | undefined> {
  const { context } = run
  const { blockCount } = record
  const blocks = new BlockQueue(run, id, new PageMap(context, id, record))
  const hash = await createDigest(context.backend)
  if (record.content) hash.update(record.content)
  let damage: Damage | undefined
  for (let blockIndex = 0; blockIndex < blockCount; blockIndex++) {
    const block = await blocks.next()
    if (block instanceof Uint8Array) {
      if (!damage) hash.update(block)
      continue
    }
    damage ??= { error: block, blocks: [], damagedBlocks: 0 }
    if (damage.damagedBlocks++ < MAX_BLOCKS) damage.blocks.push(blockIndex)
  }
  if (damage) return damage
  const [expected, actual] = [record.digest!, hash.digest()]
  return equalBytes(actual, expected)
    ? undefined
    : { error: wrongDigest(id, expected, actual), blocks: [], damagedBlocks: 0 }
}

function wrongDigest(id: Uint8Array, expected: Uint8Array, actual: Uint8Array): IntegrityError {
  const streamId = toHex(id)
  return new IntegrityError(`the bytes of stored stream ${streamId} do not match its digest`, {
    streamId,
    expected: toHex(expected),
    actual: toHex(actual),
  })
}
