import { abortable } from '../bytes/promises.ts'
import { SignatureStream } from '../rsync/signature-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { type EntryRecord, encodeEntryRecord, parseEntryRecord } from './format.ts'
import { signatureReference } from './references.ts'

/** The version whose signature is wanted. */
export interface SignedVersion {
  /** Where it is stored. */
  readonly store: StreamStore
  /** The signatures that are being computed, by the ids of their versions; each settles when it is over. */
  readonly computing: Map<string, Promise<unknown>>
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
 * Who asks while it is being computed waits for that.
 */
export async function openSignature(version: SignedVersion, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { computing, record } = version
  for (;;) {
    const kept = await openKept(version, signal)
    if (kept) return kept
    const other = computing.get(record.id)
    if (!other) break
    await abortable(other, signal)
  }
  const computed = compute(version, signal)
  const over = computed.then(
    () => undefined,
    () => undefined,
  )
  computing.set(record.id, over)
  try {
    return await computed
  } finally {
    computing.delete(record.id)
  }
}

async function openKept(
  { store, aliasBytes, record }: SignedVersion,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const row = await store.aliases.get(aliasBytes, { signal })
  const current = row && parseEntryRecord(row)
  if (current?.id !== record.id || current.signatureId === undefined) return undefined
  return (await store.open(current.signatureId, { signal })).stream()
}

async function compute(
  { store, aliasBytes, record, source }: SignedVersion,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
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
