import { codecTransform } from '../bytes/codec-transform.ts'
import { LazyKernel } from './kernel.ts'
import type { SignatureOptions } from './parameters.ts'
import { pooledSignature, pooledTransform } from './pool/pooled-transform.ts'
import { SignatureJob } from './signature-job.ts'
import type { SignatureStatistics } from './statistics.ts'
import type { WorkerPool } from './pool/worker-pool.ts'

/** Options of {@linkcode SignatureStream}. */
export interface SignatureStreamOptions extends SignatureOptions {
  /**
   * Computes the sums in the workers of this pool, in all of them in parallel. The signature is the same. Blocks longer
   * than 1 MiB all go through one worker, in sequence. If a worker is lost, the stream fails with a `BackendError`.
   * @default none: the thread that reads the stream does all the work
   */
  pool?: WorkerPool | undefined
  /** Aborts both sides with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Computes the signature of the bytes that pass through. The result is identical to rdiff's for the same bytes and
 * options, bit for bit.
 *
 * It is pull-driven. It holds 256 KiB of output, and at most the one chunk of input that its writer is waiting on. A
 * pool adds up to 1 MiB plus 3.5 MiB for each worker, and 1 MiB within each worker.
 *
 * @example
 * ```ts
 * import { SignatureStream } from 'combstream/rsync'
 *
 * const file = new Blob(['a basis'])
 * const signature = file.stream().pipeThrough(new SignatureStream({ sourceLength: file.size }))
 * console.log((await new Response(signature).bytes()).byteLength) // 48: a header of 12 bytes and one block of 36
 * ```
 */
export class SignatureStream {
  /** The signature. A byte stream where the host supports them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the basis. */
  readonly writable: WritableStream<Uint8Array>
  /** Live statistics. Always the same object. */
  readonly statistics: SignatureStatistics

  /**
   * Creates the stream. Pass `sourceLength` if you know it: rdiff's default block length depends on it.
   *
   * @throws {TypeError} if an option has the wrong type.
   * @throws {RangeError} if an option is out of range.
   */
  constructor(options: SignatureStreamOptions = {}) {
    const { pool, signal } = options
    if (pool !== undefined) {
      const job = pooledSignature(pool, options)
      this.statistics = job.statistics
      ;({ readable: this.readable, writable: this.writable } = pooledTransform(job, signal))
    } else {
      const kernel = new LazyKernel()
      const job = new SignatureJob(kernel, options)
      this.statistics = job.statistics
      const open = async (): Promise<SignatureJob> => {
        await kernel.load()
        return job
      }
      ;({ readable: this.readable, writable: this.writable } = codecTransform({ open, signal }))
    }
  }
}
