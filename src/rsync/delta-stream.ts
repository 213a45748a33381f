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
   * Makes the delta in a worker of a pool, one for each stream; the delta is the same. It is no faster, but the thread
   * that the stream is read on is free, and several streams run at the same time. The stream then fails with a
   * `BackendError` if the worker is lost.
   * @default none, all is done by the thread that the stream is read on
   */
  pool?: WorkerPool | undefined
  /** Gives both sides up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Makes the delta from a basis, of which it knows the signature only, to the bytes that pass through: what rdiff makes,
 * bit for bit. (Except for an empty basis, where rdiff's depends on its buffers; and where windows have a block's weak
 * sum and are other bytes all the time: no more than 64 MiB of these are hashed, and 4 bytes for each new one, 64 with
 * rollsum. That takes a signature made for it, or rollsum and content of very few different bytes.)
 *
 * It is pull-driven and holds `literalLimit` + 2 blocks + 256 KiB, 256 KiB of output, and at most the one chunk of
 * input that its writer waits for. With a pool the first of these is in the worker, with a copy of the signature and an
 * index of its own, and 1.25 MiB are on their way between the two.
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
 * console.log(delta.statistics.literalBytes) // 173: the line, and what no longer was a block
 * ```
 */
export class DeltaStream {
  /** The delta. A byte stream where the host has them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the new bytes. */
  readonly writable: WritableStream<Uint8Array>
  /** What has been counted so far; the same object at all times. */
  readonly statistics: DeltaStatistics

  /**
   * Makes the stream.
   *
   * @throws {TypeError} if `signature` is no Signature, or an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(signature: Signature, options: DeltaStreamOptions = {}) {
    const { pool, signal } = options
    const kernel = new LazyKernel()
    // Checks the arguments, whoever is to run.
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
