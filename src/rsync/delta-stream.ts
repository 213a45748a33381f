import { codecTransform } from '../bytes/codec-transform.ts'
import { LazyKernel } from './kernel.ts'
import { DeltaJob, type DeltaOptions } from './delta-job.ts'
import { pooledDelta, pooledTransform } from './pool/pooled-transform.ts'
import type { Signature } from './signature.ts'
import type { DeltaStatistics } from './statistics.ts'
import type { WorkerPool } from './pool/worker-pool.ts'

/** Options of {@linkcode DeltaStream}. */
export interface DeltaStreamOptions extends DeltaOptions {
  /**
   * Computes the delta in a worker of this pool, one worker per stream. The delta is the same, and computing it is not
   * faster, but the thread that reads the stream stays free, and several streams can run in parallel. If the worker is
   * lost, the stream fails with a `BackendError`.
   * @default none: the thread that reads the stream does all the work
   */
  pool?: WorkerPool | undefined
  /** Aborts both sides with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Computes the delta from a basis, known only by its signature, to the bytes that pass through. The result is identical
 * to rdiff's, bit for bit, with two exceptions:
 *
 * - For an empty basis, rdiff's delta depends on its buffer sizes.
 * - Hashing of false matches (windows with a block's weak sum but different bytes) is limited to 64 MiB, plus 4 bytes
 *   for each new byte (64 with rollsum). Only two things reach that limit: a signature made to collide, and rollsum
 *   over content with very few distinct byte values.
 *
 * It is pull-driven. It holds `literalLimit` + 2 blocks + 256 KiB, 256 KiB of output, and at most the one chunk of
 * input that its writer is waiting on. With a pool, the first of these is held by the worker, together with a signature
 * and an index of its own, and 1.25 MiB are in transit between the two threads.
 *
 * @example
 * ```ts
 * import { DeltaStream, loadSignature, SignatureStream } from 'combstream/rsync'
 *
 * const basis = new Blob([new Uint8Array(100_000)])
 * const signature = await loadSignature(basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size })))
 *
 * const edited = new Blob([basis, 'one more line'])
 * const delta = new DeltaStream(signature)
 * await edited.stream().pipeThrough(delta).pipeTo(new WritableStream())
 * console.log(delta.statistics.literalBytes) // 173: the line, and the short last block
 * ```
 */
export class DeltaStream {
  /** The delta. A byte stream where the host supports them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the new bytes. */
  readonly writable: WritableStream<Uint8Array>
  /** Live statistics. Always the same object. */
  readonly statistics: DeltaStatistics

  /**
   * Creates the stream.
   *
   * @throws {TypeError} if `signature` is not a Signature, or an option has the wrong type.
   * @throws {RangeError} if an option is out of range.
   */
  constructor(signature: Signature, options: DeltaStreamOptions = {}) {
    const { pool, signal } = options
    const kernel = new LazyKernel()
    // Validates the arguments, also when a pool does the work.
    const job = new DeltaJob(signature, kernel, options)
    if (pool !== undefined) {
      const pooled = pooledDelta(pool, signature, options)
      this.statistics = pooled.statistics
      ;({ readable: this.readable, writable: this.writable } = pooledTransform(pooled, signal))
    } else {
      this.statistics = job.statistics
      const open = async (): Promise<DeltaJob> => {
        await kernel.load()
        return job
      }
      ;({ readable: this.readable, writable: this.writable } = codecTransform({ open, signal }))
    }
  }
}
