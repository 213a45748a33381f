import { codecTransform } from '../bytes/codec-transform.ts'
import { LazyKernel } from './kernel.ts'
import type { SignatureOptions } from './parameters.ts'
import { SignatureJob } from './signature-job.ts'
import type { SignatureStatistics } from './statistics.ts'

/** Options of {@linkcode SignatureStream}. */
export interface SignatureStreamOptions extends SignatureOptions {
  /** Gives both sides up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Makes the signature of the bytes that pass through: what rdiff makes of the same bytes and options, bit for bit.
 *
 * It is pull-driven and holds 256 KiB of output, and at most the one chunk of input that its writer waits for.
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
    const kernel = new LazyKernel()
    const job = new SignatureJob(kernel, options)
    this.statistics = job.statistics
    const { readable, writable } = codecTransform({
      async open() {
        await kernel.load()
        return job
      },
      signal: options.signal,
    })
    this.readable = readable
    this.writable = writable
  }
}
