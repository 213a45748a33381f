import { abortable, markHandled } from '../bytes/promises.ts'
import { SignatureStream } from '../rsync/signature-stream.ts'
import type { StoredStream } from '../store/stored-stream.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { readAliasRow } from './alias-row.ts'
import { type EntryRecord, encodeEntryRecord } from './format.ts'
import { signatureReference } from './references.ts'

/** By the id of a version, the signature that is being computed; undefined if who had asked for it gave up. */
export type Computing = Map<string, Promise<StoredStream | undefined>>

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
  /** Reads the version. */
  source(): ReadableStream<Uint8Array>
}

/**
 * Opens the rdiff signature of a version. It is computed when it is first asked for and then kept beside the version,
 * as a stream of the same store that the alias references; a version to which the alias no longer points keeps none.
 * Who asks while it is being computed gets what comes of that.
 */
export async function openSignature(version: SignedVersion, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { computing, record } = version
  for (;;) {
    const other = computing.get(record.id)
    if (other) {
      const computed = await abortable(other, signal)
      if (computed) return computed.stream()
      continue
    }
    const kept = await openKept(version, signal)
    if (kept) return kept
    if (!computing.has(record.id)) return (await computeForAll(version, signal)).stream()
  }
}

async function computeForAll(version: SignedVersion, signal: AbortSignal): Promise<StoredStream> {
  const { computing, record } = version
  const computed = compute(version, signal)
  const shared = computed.catch((error: unknown) => {
    if (signal.aborted) return undefined
    throw error
  })
  markHandled(shared)
  computing.set(record.id, shared)
  try {
    return await computed
  } finally {
    computing.delete(record.id)
  }
}

async function openKept(
  { store, alias, aliasBytes, record }: SignedVersion,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const row = await store.aliases.get(aliasBytes, { signal })
  const current = row && readAliasRow(alias, row)
  if (current?.id !== record.id || current.signatureId === undefined) return undefined
  return (await store.open(current.signatureId, { signal })).stream()
}

async function compute(
  { store, alias, aliasBytes, record, source }: SignedVersion,
  signal: AbortSignal,
): Promise<StoredStream> {
  const sink = store.sink({
    signal,
    async onCommit(tx, signature) {
      const latestRow = await tx.aliases.get(aliasBytes)
      const latest = latestRow && readAliasRow(alias, latestRow)
      if (latest?.id !== record.id) return
      tx.aliases.set(aliasBytes, encodeEntryRecord({ ...latest, signatureId: signature.id }))
      await tx.markAsUsed(signature.id, signatureReference(aliasBytes), { owner: 'alias' })
    },
  })
  await source()
    .pipeThrough(new SignatureStream({ sourceLength: record.size }))
    .pipeTo(sink)
  return sink.stored
}
