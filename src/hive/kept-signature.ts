import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { aliasRowsIn, aliasRowsOf } from '../store/transactions/alias-rows.ts'
import { readAliasRow } from './alias-row.ts'
import { type EntryRecord, formatEntryRecord } from './entry-record.ts'
import { openStored } from './open-stored.ts'
import { signatureReference } from './alias-references.ts'
import { SharedSignature } from './shared-signature.ts'

/** The signatures that are being computed, by the id of the version's stream. */
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
 * Opens the rdiff signature of a version. It is computed at the first request, and delivered as it is computed, to all
 * who ask in the meantime. Then it is kept beside the version, as a stream of the same store that the alias references,
 * unless the alias points to another version by then. If it cannot be kept, or no longer be read, it is computed at
 * each request.
 */
export async function openSignature(version: SignedVersion, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { computing, record } = version
  const kept = computing.has(record.id) ? undefined : await openKept(version, signal)
  return kept ? readKept(kept, version) : compute(version)
}

/** Joins the computation that is running, or starts one. */
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

/** Reads the kept signature. Where that is damaged, it continues at the same byte with a computed one. */
function readKept(kept: ReadableStream<Uint8Array>, version: SignedVersion): ReadableStream<Uint8Array<ArrayBuffer>> {
  let chunks = new ChunkReader(kept)
  let isKept = true
  let offset = 0
  /** Bytes of the computed signature to skip, since the kept one has delivered them. */
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

/** Whether an error means that a kept signature can no longer be read. */
function isLost(error: unknown): boolean {
  return ['NotFoundError', 'IntegrityError', 'FormatError'].includes((error as Error | undefined)?.name ?? '')
}
