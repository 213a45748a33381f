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
   * Computes the sums in the workers of a pool, all of them at once; the signature is the same. Blocks of more than 1 MiB
   * go through one worker, one after the other. The stream then fails with a `BackendError` if a worker is lost.
   * @default none, all is done by the thread that the stream is read on
   */
  pool?: WorkerPool | undefined
  /** Gives both sides up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Makes the signature of the bytes that pass through: what rdiff makes of the same bytes and options, bit for bit.
 *
 * It is pull-driven and holds 256 KiB of output, and at most the one chunk of input that its writer waits for. With a
 * pool it also holds up to 1 MiB, and 3.5 MiB for each worker, and a worker 1 MiB more.
 *
 * @example
 * ```ts
 * import { SignatureStream } from 'combstream/rsync'
 *
 * const file = new Blob(['a basis'])
 * const signature = file.stream().pipeThrough(new SignatureStream({ sourceLength: file.size }))
 * console.log((await new Response(signature).bytes()).byteLength) // 48: 12 of header, 36 for the one block
 * ```
 */
export class SignatureStream {
  /** The signature. A byte stream where the host has them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the basis. */
  readonly writable: WritableStream<Uint8Array>
  /** What has been counted so far; the same object at all times. */
  readonly statistics: SignatureStatistics

  /**
   * Makes the stream. Give `sourceLength` if it is known: rdiff's default block length depends on it.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
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
