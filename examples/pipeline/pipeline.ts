import { type Backend, DeltaStream, LocalHive, loadSignature, PatchStream, StreamStore } from 'combstream'

/** Inputs of the {@linkcode pipeline}. */
export interface PipelineInput {
  /** The backend of the hive; which ones are available depends on the runtime. */
  backend: Backend
  /** The first version of the entry. */
  file: Blob
  /** The second version. */
  edited: Blob
  /** Receives the first version, from the middle to the end. */
  player: WritableStream<Uint8Array>
}

/** The main features of the package in one function: stores an entry, reads it progressively, and updates it by deltas, twice. */
export async function pipeline({ backend, file, edited, player }: PipelineInput): Promise<void> {
  const hive = new LocalHive(new StreamStore(backend))

  await file.stream().pipeTo(hive.sink('bunny.mp4')) // split into blocks, hash, de-duplicate, commit on close

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
    .pipeTo(hive.patchSink('bunny.mp4', { ifMatch: updated.etag })) // change it back; here only the delta is passed to the hive
}
