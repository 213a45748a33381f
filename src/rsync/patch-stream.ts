import type { ByteSource } from '../bytes/byte-source.ts'
import { codecTransform } from '../bytes/codec-transform.ts'
import { BasisReader } from './basis-reader.ts'
import { DigestCheck } from './digest-check.ts'
import { PatchJob } from './patch-job.ts'
import type { ExpectedSize, PatchOptions } from './patch-options.ts'
import { createSha256 } from '../bytes/sha256.ts'
import { checkSha256 } from './check-sha256.ts'
import type { PatchStatistics } from './statistics.ts'
import { toByteSource } from './to-byte-source.ts'

/** What is known about the result in advance. */
export interface ExpectedResult extends ExpectedSize {
  /**
   * SHA-256 that the result must have, 32 bytes. It is computed as the bytes pass and compared before the stream
   * closes. By then all but the last 256 KiB have been given out, right or wrong, so this protects only a receiver that
   * commits on close: a file that is renamed at the end, or a sink of the store.
   * @default unknown: not computed
   */
  readonly digest?: Uint8Array | undefined
}

/** Options of {@linkcode PatchStream}. */
export interface PatchStreamOptions extends PatchOptions {
  /**
   * What the result must be, if known. The delta itself says neither which basis it was made for nor what it produces.
   */
  expected?: ExpectedResult | undefined
  /** Aborts both sides, and reading the basis, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Applies the delta that passes through to a basis, and outputs the new bytes. A delta does not identify its basis:
 * applied to another one, it produces wrong bytes.
 *
 * The basis is any `ByteSource`, such as a Blob. Copies that follow the order of the basis share a stream of it. A copy
 * out of order opens a stream of its own, unless what it needs is in a cache of up to 1 MiB of recent copies. Gaps of
 * up to 256 KiB between copies in order are read as well, and so are the 64 KiB around a copy shorter than 16 KiB, so
 * damage there also fails the patch.
 *
 * The stream is pull-driven. It holds 256 KiB of output, 1 MiB and one chunk of the basis, and at most the one chunk of
 * input that its writer is waiting on.
 *
 * Both sides fail with a `FormatError` (whose `offset` is in the delta) if the bytes are not a delta, do not fit a
 * basis of this size, or produce more than allowed; with an `IntegrityError` if the result is not the expected one, or
 * the basis gives fewer bytes than its size says; and with the basis's own error if reading it fails.
 *
 * @example
 * ```ts
 * import { DeltaStream, loadSignature, PatchStream, SignatureStream } from 'combstream/rsync'
 *
 * const basis = new Blob(['the first version'])
 * const edited = new Blob(['the second version'])
 * const signature = await loadSignature(basis.stream().pipeThrough(new SignatureStream()))
 *
 * const patched = edited.stream().pipeThrough(new DeltaStream(signature)).pipeThrough(new PatchStream(basis))
 * console.log(await new Response(patched).text()) // the second version
 * ```
 */
export class PatchStream {
  /** The new bytes. A byte stream where the host supports them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the delta. */
  readonly writable: WritableStream<Uint8Array>
  /** Live statistics. Always the same object. */
  readonly statistics: PatchStatistics

  /**
   * Creates the stream.
   *
   * @throws {TypeError} if `basis` is neither bytes nor a ByteSource, or an option has the wrong type.
   * @throws {RangeError} if an option is out of range.
   */
  constructor(basis: ByteSource | Uint8Array | ArrayBuffer, options: PatchStreamOptions = {}) {
    const source = toByteSource(basis, 'basis')
    const job = new PatchJob(source.size, options)
    const digest = options.expected?.digest
    const sha256 = digest === undefined ? undefined : checkSha256('expected.digest', digest)
    const reader = new BasisReader(source)
    this.statistics = job.statistics
    const { readable, writable } = codecTransform({
      open: async () => (sha256 ? new DigestCheck(job, await createSha256(), sha256) : job),
      async serve() {
        job.supply(await reader.read(job.request!))
      },
      release: (reason) => reader.cancel(reason),
      signal: options.signal,
    })
    this.readable = readable
    this.writable = writable
  }
}
