/**
 * librsync as streams: signatures, deltas and patches, byte-compatible with rdiff.
 *
 * @example
 * ```ts
 * import { DeltaStream, loadSignature, PatchStream, SignatureStream } from 'combstream/rsync'
 *
 * const basis = new Blob(['the first version'])
 * const edited = new Blob(['the second version'])
 *
 * const signature = await loadSignature(basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size })))
 * const delta = edited.stream().pipeThrough(new DeltaStream(signature))
 * const patched = delta.pipeThrough(new PatchStream(basis))
 * console.log(await new Response(patched).text()) // the second version
 * ```
 *
 * @module
 */
export type { Codec, CodecStep } from './bytes/codec-transform.ts'
export * from './errors.ts'
export { applyDelta, type ApplyDeltaOptions } from './rsync/apply-delta.ts'
export { DeltaJob, type DeltaOptions } from './rsync/delta-job.ts'
export { DeltaStream, type DeltaStreamOptions } from './rsync/delta-stream.ts'
export { type Kernel, loadKernel } from './rsync/kernel.ts'
export { LoadSignatureJob, type LoadSignatureJobOptions, type SignatureLimits } from './rsync/load-signature-job.ts'
export { loadSignature, type LoadSignatureOptions } from './rsync/load-signature.ts'
export { makeDelta, type MakeDeltaOptions } from './rsync/make-delta.ts'
export { makeSignature, type MakeSignatureOptions } from './rsync/make-signature.ts'
export type { SignatureOptions } from './rsync/parameters.ts'
export { type BasisRequest, PatchJob } from './rsync/patch-job.ts'
export type { ExpectedSize, PatchOptions } from './rsync/patch-options.ts'
export { type ExpectedResult, PatchStream, type PatchStreamOptions } from './rsync/patch-stream.ts'
export type { PoolWorker, PoolWorkerEvent } from './rsync/pool/pool-worker.ts'
export type { RangePiece } from './rsync/range/range-pieces.ts'
export { rangePlan, type RangePlan, type RangePlanOptions } from './rsync/range/range-plan.ts'
export { rebuild, type RebuildOptions } from './rsync/range/rebuild.ts'
export { SignatureJob } from './rsync/signature-job.ts'
export { SignatureSink, type SignatureSinkConstructor } from './rsync/signature-sink.ts'
export { SignatureStream, type SignatureStreamOptions } from './rsync/signature-stream.ts'
export { Signature, type SignatureParts } from './rsync/signature.ts'
export type {
  CommandStatistics,
  DeltaStatistics,
  JobStatistics,
  PatchStatistics,
  SignatureStatistics,
} from './rsync/statistics.ts'
export type { SumName } from './rsync/sum-formats.ts'
export type { ByteInput } from './rsync/to-byte-stream.ts'
export { WorkerPool, type WorkerPoolOptions } from './rsync/pool/worker-pool.ts'
