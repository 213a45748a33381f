import { codecTransform } from '../bytes/codec-transform.ts'
import { LazyKernel } from './kernel.ts'
import { DeltaJob, type DeltaOptions } from './delta-job.ts'
import type { Signature } from './signature.ts'
import type { DeltaStatistics } from './statistics.ts'

/** Options of {@linkcode DeltaStream}. */
export interface DeltaStreamOptions extends DeltaOptions {
  /** Gives both sides up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Makes the delta from a basis, of which it knows the signature only, to the bytes that pass through: what rdiff makes,
 * bit for bit. (Except for an empty basis, where rdiff's depends on its buffers; and a weak sum that 1,024 windows, or
 * 64 MiB of them, have had without being its block is no longer looked up, which takes a signature made for that.)
 *
 * It is pull-driven and holds `literalLimit` + 2 blocks + 256 KiB, 256 KiB of output, and at most the one chunk of
 * input that its writer waits for.
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
    const kernel = new LazyKernel()
    const job = new DeltaJob(signature, kernel, options)
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
