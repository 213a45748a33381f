import { assertByteSource, type ByteSource } from '../bytes/byte-source.ts'
import { codecTransform } from '../bytes/codec-transform.ts'
import { BasisReader } from './basis-reader.ts'
import { DigestCheck } from './digest-check.ts'
import { type ExpectedSize, PatchJob, type PatchOptions } from './patch-job.ts'
import { checkSha256, createSha256 } from './sha256.ts'
import type { PatchStatistics } from './statistics.ts'

/** What is known of the result before it is made. */
export interface ExpectedResult extends ExpectedSize {
  /**
   * SHA-256 that the result must have, 32 bytes. It is computed as the bytes pass, and compared before the stream
   * closes: bytes that turn out to be wrong have been given by then, all but the last 256 KiB, so that only a receiver
   * that commits on close (a file that is renamed, a sink of the store) is safe from them.
   * @default unknown, and not computed
   */
  readonly digest?: Uint8Array | undefined
}

/** Options of {@linkcode PatchStream}. */
export interface PatchStreamOptions extends PatchOptions {
  /** What the result must be, if that is known: a delta does not say what it was made for, nor what it makes. */
  expected?: ExpectedResult | undefined
  /** Gives both sides, and the basis, up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Applies the delta that passes through to a basis, and gives the new bytes. A delta says nothing of the basis that it
 * was made for: with another one the result is other bytes.
 *
 * The basis is any `ByteSource`, a Blob too. Copies that go through it in order share its streams; out of order, each
 * opens one, unless what it needs is among the up to 1 MiB that is kept of what was copied last. Up to 256 KiB between
 * copies in order are read as well, and the 64 KiB about a copy of less than 16 KiB, so that damage there fails the patch
 * too. It is pull-driven and holds 256 KiB of output, 1 MiB and one chunk of the basis, and at most the one chunk of input
 * that its writer waits for.
 *
 * The streams fail with a `FormatError` (its `offset` is that in the delta) if the bytes are no delta, or none for a
 * basis of this size, or make more than allowed; with an `IntegrityError` if the result is not what is expected, or the
 * basis gives fewer bytes than its size promises; and with the basis's own error if it has one.
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
  /** The new bytes. A byte stream where the host has them. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes the delta. */
  readonly writable: WritableStream<Uint8Array>
  /** What has been counted so far; the same object at all times. */
  readonly statistics: PatchStatistics

  /**
   * Makes the stream.
   *
   * @throws {TypeError} if `basis` is no ByteSource, or an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(basis: ByteSource, options: PatchStreamOptions = {}) {
    assertByteSource(basis, 'basis')
    const job = new PatchJob(basis.size, options)
    const digest = options.expected?.digest
    const sha256 = digest === undefined ? undefined : checkSha256('expected.digest', digest)
    const reader = new BasisReader(basis)
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
