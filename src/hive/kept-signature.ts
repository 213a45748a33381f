import { SignatureStream } from '../rsync/signature-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { type EntryRecord, encodeEntryRecord, parseEntryRecord } from './format.ts'
import { signatureReference } from './references.ts'

/** The version whose signature is wanted. */
export interface SignedVersion {
  /** Where it is stored. */
  readonly store: StreamStore
  /** UTF-8 bytes of the alias that points to it, or did. */
  readonly aliasBytes: Uint8Array
  /** The version. */
  readonly record: EntryRecord
  /** Reads the version. */
  source(): ReadableStream<Uint8Array>
}

/**
 * Opens the rdiff signature of a version. It is computed when it is first asked for and then kept beside the version,
 * as a stream of the same store that the alias references; a version to which the alias no longer points keeps none.
 */
export async function openSignature(
  { store, aliasBytes, record, source }: SignedVersion,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const row = await store.aliases.get(aliasBytes, { signal })
  const current = row && parseEntryRecord(row)
  if (current?.id === record.id && current.signatureId !== undefined) {
    return (await store.open(current.signatureId, { signal })).stream()
  }

  const sink = store.sink({
    signal,
    async onCommit(tx, signature) {
      const latestRow = await tx.aliases.get(aliasBytes)
      const latest = latestRow && parseEntryRecord(latestRow)
      if (latest?.id !== record.id) return
      tx.aliases.set(aliasBytes, encodeEntryRecord({ ...latest, signatureId: signature.id }))
      await tx.markAsUsed(signature.id, signatureReference(aliasBytes), { owner: 'alias' })
    },
  })
  await source()
    .pipeThrough(new SignatureStream({ sourceLength: record.size }))
    .pipeTo(sink)
  return (await sink.stored).stream()
}
