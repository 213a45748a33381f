import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { aliasRowsIn, aliasRowsOf } from '../store/transactions/alias-rows.ts'
import { readAliasRow } from './alias-row.ts'
import { type EntryRecord, formatEntryRecord } from './entry-record.ts'
import { openStored } from './open-stored.ts'
import { signatureReference } from './alias-references.ts'
import { SharedSignature } from './shared-signature.ts'

/** By the id of a version, the signature that is being computed. */
export type Computing = Map<string, SharedSignature>

/** The version whose signature is wanted. */
export interface SignedVersion {
  /** Where it is stored. */
  readonly store: StreamStore
  /** The signatures that are being computed. */
  readonly computing: Computing
  /** The alias that points to it, or did. */
  readonly alias: string
  /** UTF-8 bytes of the alias that points to it, or did. */
  readonly aliasBytes: Uint8Array
  /** The version. */
  readonly record: EntryRecord
}

/**
 * Opens the rdiff signature of a version. It is computed when it is first asked for, and given as it is computed, to all
 * who ask meanwhile; then it is kept beside the version, as a stream of the same store that the alias references. A version
 * to which the alias no longer points keeps none. If it cannot be kept, or what was kept cannot be read any more, it is
 * computed whenever it is asked for.
 */
export async function openSignature(version: SignedVersion, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { computing, record } = version
  const kept = computing.has(record.id) ? undefined : await openKept(version, signal)
  return kept ? readKept(kept, version) : compute(version)
}

/** Joins the computation that is under way, or begins one. */
function compute(version: SignedVersion): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { store, computing, alias, record } = version
  const shared =
    computing.get(record.id) ??
    new SharedSignature({
      size: record.size,
      open: async (signal) => (await openStored(store, alias, record, signal)).stream({ signal }),
      keep: (signature, signal) => keep(version, signature, signal),
      onEnd: () => computing.delete(record.id),
    })
  computing.set(record.id, shared)
  return shared.stream()
}

async function openKept(
  { store, alias, aliasBytes, record }: SignedVersion,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | undefined> {
  try {
    const row = await aliasRowsOf(store).get(aliasBytes, { signal })
    const current = row && readAliasRow(alias, row)
    if (current?.id !== record.id || current.signatureId === undefined) return undefined
    return (await store.open(current.signatureId, { signal })).stream()
  } catch (error) {
    if (isLost(error)) return undefined
    throw error
  }
}

/** Reads what was kept, and, where it is damaged, goes on at the same byte with one that is computed. */
function readKept(kept: ReadableStream<Uint8Array>, version: SignedVersion): ReadableStream<Uint8Array<ArrayBuffer>> {
  let chunks = new ChunkReader(kept)
  let isKept = true
  let offset = 0
  /** Bytes of the computed one that have been given already. */
  let skipped = 0
  return byteStream({
    async next() {
      for (;;) {
        try {
          const chunk = await chunks.read()
          const fresh = chunk?.slice(Math.min(skipped, chunk.byteLength))
          skipped -= chunk ? Math.min(skipped, chunk.byteLength) : 0
          offset += fresh?.byteLength ?? 0
          return fresh
        } catch (error) {
          if (!isKept || !isLost(error)) throw error
          isKept = false
          skipped = offset
          chunks = new ChunkReader(compute(version))
        }
      }
    },
    cancel: (reason) => chunks.cancel(reason),
  })
}

async function keep(
  { store, alias, aliasBytes, record }: SignedVersion,
  signature: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const reference = signatureReference(aliasBytes)
  const sink = store.sink({
    signal,
    async onCommit(tx, { id: signatureId }) {
      const latestRow = await aliasRowsIn(tx).get(aliasBytes)
      const latest = latestRow && readAliasRow(alias, latestRow)
      if (latest?.id !== record.id) return
      if (latest.signatureId !== undefined && latest.signatureId !== signatureId) {
        await tx.unmarkAsUsed(latest.signatureId, reference, { owner: 'alias' })
      }
      aliasRowsIn(tx).set(aliasBytes, formatEntryRecord({ ...latest, signatureId }))
      await tx.markAsUsed(signatureId, reference, { owner: 'alias' })
    },
  })
  await signature.pipeTo(sink)
}

/** Whether an error says that a signature that was kept can no longer be read. */
function isLost(error: unknown): boolean {
  return ['NotFoundError', 'IntegrityError', 'FormatError'].includes((error as Error | undefined)?.name ?? '')
}
