import { type Codec, codecTransform } from '../../bytes/codec-transform.ts'
import { canShareBlocks, PooledSignature } from './pooled-signature.ts'
import { type MakeJob, PooledJob } from './pooled-job.ts'
import { type SignatureOptions, signatureParameters } from '../parameters.ts'
import type { Signature } from '../signature.ts'
import type { DeltaOptions } from '../delta-job.ts'
import {
  type DeltaStatistics,
  deltaStatistics,
  type JobStatistics,
  type SignatureStatistics,
  signatureStatistics,
} from '../statistics.ts'
import { crewOf, type WorkerPool } from './worker-pool.ts'

/** A codec whose work is done by a pool. */
export interface PooledCodec<Statistics extends JobStatistics> extends Codec {
  /** What has been counted so far; the same object at all times. */
  readonly statistics: Statistics
  /** Waits until it may be worth while to go on. */
  serve(): Promise<void>
  /** Drops what the workers still do. */
  release(): void
}

/** Drives such a codec as a `{ readable, writable }` pair. */
export function pooledTransform(
  codec: PooledCodec<JobStatistics>,
  signal: AbortSignal | undefined,
): { readable: ReadableStream<Uint8Array<ArrayBuffer>>; writable: WritableStream<Uint8Array> } {
  return codecTransform({
    open: () => codec,
    serve: () => codec.serve(),
    release: () => codec.release(),
    signal,
  })
}

/**
 * A signature that a pool makes.
 *
 * @throws {TypeError} if `pool` is no WorkerPool, or an option is of the wrong type.
 * @throws {RangeError} if an option is out of its range.
 */
export function pooledSignature(pool: WorkerPool, options: SignatureOptions): PooledCodec<SignatureStatistics> {
  const crew = crewOf(pool)
  const parameters = signatureParameters(options)
  if (canShareBlocks(parameters)) return new PooledSignature(crew, parameters)
  const { blockLength, strongLength, format } = parameters
  const job = { type: 'signature', parameters: { blockLength, strongLength, sum: format.name } } as const
  return new PooledJob(crew, () => ({ job, transfer: [] }), signatureStatistics(blockLength))
}

/**
 * A delta that one worker of a pool makes.
 *
 * @throws {TypeError} if `pool` is no WorkerPool.
 */
export function pooledDelta(
  pool: WorkerPool,
  signature: Signature,
  { literalLimit, mode }: DeltaOptions,
): PooledCodec<DeltaStatistics> {
  const makeJob = (): ReturnType<MakeJob> => {
    const { blockLength, strongLength, sum } = signature
    // Copies, of these parts only: they may be parts of larger buffers, and the signature keeps them.
    const weakSums = new Uint32Array(signature.weakSums)
    const strongSums = new Uint8Array(signature.strongSums)
    const parts = { blockLength, strongLength, sum, weakSums, strongSums }
    const options = { literalLimit, mode }
    return { job: { type: 'delta', signature: parts, options }, transfer: [weakSums.buffer, strongSums.buffer] }
  }
  return new PooledJob(crewOf(pool), makeJob, deltaStatistics(signature.blockLength))
}
