import { codecTransform } from '../../bytes/codec-transform.ts'
import type { DeltaOptions } from '../delta-job.ts'
import { type SignatureOptions, signatureParameters } from '../parameters.ts'
import type { Signature } from '../signature.ts'
import {
  type DeltaStatistics,
  deltaStatistics,
  type JobStatistics,
  type SignatureStatistics,
  signatureStatistics,
} from '../statistics.ts'
import { PooledCodec } from './pooled-codec.ts'
import { type MakeJob, PooledJob } from './pooled-job.ts'
import { canShareBlocks, PooledSignature } from './pooled-signature.ts'
import { crewOf, type WorkerPool } from './worker-pool.ts'

/** Wraps a pooled codec in a `{ readable, writable }` pair. */
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
 * Creates a codec that computes a signature in a pool.
 *
 * @throws {TypeError} if `pool` is not a WorkerPool, or an option has the wrong type.
 * @throws {RangeError} if an option is out of range.
 */
export function pooledSignature(pool: WorkerPool, options: SignatureOptions): PooledCodec<SignatureStatistics> {
  const crew = crewOf(pool)
  const parameters = signatureParameters(options)
  const { blockLength, strongLength, format } = parameters
  const statistics = signatureStatistics(blockLength)
  const job = { type: 'signature', parameters: { blockLength, strongLength, sum: format.name } } as const
  const work = canShareBlocks(parameters)
    ? new PooledSignature(crew, parameters, statistics)
    : new PooledJob(crew, () => ({ job, transfer: [] }), statistics)
  return new PooledCodec(crew, work, statistics)
}

/**
 * Creates a codec that computes a delta in one worker of a pool.
 *
 * @throws {TypeError} if `pool` is not a WorkerPool.
 */
export function pooledDelta(
  pool: WorkerPool,
  signature: Signature,
  { literalLimit, mode }: DeltaOptions,
): PooledCodec<DeltaStatistics> {
  const crew = crewOf(pool)
  const makeJob = (): ReturnType<MakeJob> => {
    const { blockLength, strongLength, sum } = signature
    // Copies, because the signature keeps its arrays, and they may be views of larger buffers.
    const weakSums = new Uint32Array(signature.weakSums)
    const strongSums = new Uint8Array(signature.strongSums)
    const parts = { blockLength, strongLength, sum, weakSums, strongSums }
    const options = { literalLimit, mode }
    return { job: { type: 'delta', signature: parts, options }, transfer: [weakSums.buffer, strongSums.buffer] }
  }
  const statistics = deltaStatistics(signature.blockLength)
  return new PooledCodec(crew, new PooledJob(crew, makeJob, statistics), statistics)
}
