import { type Backend, DeltaStream, LocalHive, loadSignature, PatchStream, StreamStore } from 'combstream'

/** What goes through the {@linkcode pipeline}. */
export interface PipelineInput {
  /** Where the hive lives: the choice of a runtime is the choice of a backend. */
  backend: Backend
  /** The first version of the entry. */
  file: Blob
  /** The second one. */
  edited: Blob
  /** Gets what is read from the middle of the first version on. */
  player: WritableStream<Uint8Array>
}

/** Everything that the package exists for, in one function: store, read progressively, update by a delta, twice. */
export async function pipeline({ backend, file, edited, player }: PipelineInput): Promise<void> {
  const hive = new LocalHive(new StreamStore(backend))

  await file.stream().pipeTo(hive.sink('bunny.mp4')) // cut in blocks, hash, de-duplicate, commit on close

  const entry = await hive.open('bunny.mp4') // pinned to one version: entry.etag
  await entry.stream({ start: 1_000_000 }).pipeTo(player) // progressive; ConflictError if it is updated

  const signature = await loadSignature(entry.signature()) // kept beside the version
  await edited
    .stream()
    .pipeThrough(new DeltaStream(signature)) // rdiff-compatible delta
    .pipeThrough(new PatchStream(entry)) // basis: any ByteSource, a Blob too
    .pipeTo(hive.sink('bunny.mp4', { ifMatch: entry.etag })) // a new version, atomically

  const updated = await hive.open('bunny.mp4')
  await file
    .stream()
    .pipeThrough(new DeltaStream(await loadSignature(updated.signature())))
    .pipeTo(hive.patchSink('bunny.mp4', { ifMatch: updated.etag })) // back again: here only the delta is handed over
}
