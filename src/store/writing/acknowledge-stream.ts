import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError, IntegrityError } from '../../errors.ts'
import { storedStream, type StoredStream } from '../reading/stored-stream.ts'
import { waitToRetry } from '../retry.ts'
import { type BlockEntry, isUsable, type StreamRecord } from '../rows/row-values.ts'
import { noSuchStream, readStream, type StoreContext } from '../store-context.ts'
import { addReference } from '../transactions/references.ts'
import type { RowBuffer } from '../transactions/row-buffer.ts'
import type { StoreTransaction } from '../transactions/store-transaction.ts'
import type { BlockSinkOptions } from './block-sink.ts'
import { findStored, type KnownStream } from './find-stored.ts'
import type { StreamWriter } from './stream-writer.ts'

/** An upload whose last byte has arrived. */
export interface EndedUpload {
  readonly options: BlockSinkOptions
  readonly writer: StreamWriter
  /** Number of its bytes. */
  readonly size: number
  /** All of its bytes, if it is to have no blocks. */
  readonly content: Uint8Array | undefined
  /** SHA-256 of its bytes. */
  readonly digest: Uint8Array
  readonly signal: AbortSignal
  /** Makes the transaction for one attempt at the last commit. */
  makeTransaction(): StoreTransaction
  /** Throws the reason for which the upload failed, if it did. */
  assertAlive(): void
  /**
   * Makes the stream's row, if there is none yet, and puts the blocks that are left, unless this is a duplicate.
   *
   * @param atOnce Whether the last commit may make the row.
   */
  putLast(end: { readonly duplicate: boolean; readonly atOnce: boolean }): Promise<BlockEntry[]>
  /** Runs the last commit. A failure that comes meanwhile waits for its end. */
  runLastCommit(commit: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined>
}

/**
 * Checks the digest that was given for the bytes. A wrong one fails before anything is looked up or put.
 *
 * @throws {IntegrityError} if the bytes have another digest.
 */
export function assertExpectedDigest({ digest: expected }: BlockSinkOptions, actual: Uint8Array): void {
  if (!expected || equalBytes(expected, actual)) return
  throw new IntegrityError('the bytes do not have the digest that was given for them', {
    expected: toHex(expected),
    actual: toHex(actual),
  })
}

/**
 * All that is checked before a stream is acknowledged, and the commit that stores it. If the store has the same bytes
 * already, and they look whole, that stream is acknowledged instead. Everything that was checked is a condition of the
 * commit; if any of it has changed, it is checked again.
 *
 * @throws {BackendError} if others were faster each time, or with `outcome: 'unknown'` if nothing shows what the commit
 * did.
 */
export async function acknowledgeStream(context: StoreContext, upload: EndedUpload): Promise<StoredStream> {
  const { options, writer, digest, signal } = upload
  const { prepareCommit, onCommit, reference } = options
  const { host } = context
  let known: KnownStream | undefined
  let atOnce = true
  for (let number = 0; number < host.budget.conflicts; number++) {
    await waitToRetry(host, number, signal)
    const tx = upload.makeTransaction()
    const prepared = prepareCommit?.(tx)
    if (prepared) markHandled(prepared)
    known = await findStored(context, tx.rows, digest, { signal }, known)
    upload.assertAlive()
    const { id, record, own } = await prepareEnd(upload, tx.rows, known, atOnce)
    const stored = storedStream(context, id, record)
    await prepared
    await onCommit?.(tx, stored)
    const referenceKey = reference && (await addReference(context, tx.rows, id, reference, options, writer.id))
    if (writer.isPlanned && !tx.rows.hasRoom) {
      // Making the row takes one more condition.
      atOnce = false
      tx.rows.close()
      continue
    }
    const ending = known ? own : writer.settleCandidate(tx.rows, own)
    const changes = await tx.rows.takeChanges()
    upload.assertAlive()
    const survivor = await upload.runLastCommit(() =>
      writer.commitLast({ record: ending, changes, survivor: id, referenceKey }),
    )
    if (!survivor) continue
    if (!equalBytes(survivor, writer.id)) await wipeDuplicate(writer)
    return equalBytes(survivor, id) ? stored : await openStored(context, survivor)
  }
  throw new BackendError(`the last commit lost to others ${host.budget.conflicts} times`, { retryable: true })
}

/**
 * Adds to `rows` how the upload ends: as a duplicate of the stream that has its bytes already, as the one that heals
 * this stream if its blocks are damaged, or as a new stream. Resolves with the id and record of the stream that has the
 * bytes afterwards, and with the record of the upload's own.
 */
async function prepareEnd(
  { writer, size, content, digest, assertAlive, putLast }: EndedUpload,
  rows: RowBuffer,
  known: KnownStream | undefined,
  atOnce: boolean,
): Promise<{ id: Uint8Array; record: StreamRecord; own: StreamRecord }> {
  const end = { size, content, entries: await putLast({ duplicate: known?.whole === true, atOnce: atOnce && !known }) }
  assertAlive()
  if (known?.whole) return { id: known.id, record: known.record, own: writer.endAsDuplicate(rows, known.id) }
  if (known) return { id: known.id, ...(await writer.endAsHealer(rows, end, known)) }
  const record = await writer.endAsStored(rows, end, digest)
  return { id: writer.id, record, own: record }
}

/**
 * Removes a duplicate, unless it has healed the other stream. If that fails, collection will do it: the upload itself
 * has succeeded.
 */
async function wipeDuplicate(writer: StreamWriter): Promise<void> {
  try {
    await writer.discard()
  } catch {
    return
  }
}

async function openStored(context: StoreContext, id: Uint8Array): Promise<StoredStream> {
  const found = await readStream(context, id)
  if (!found || !isUsable(found.record.status)) throw noSuchStream(toHex(id))
  return storedStream(context, id, found.record)
}
