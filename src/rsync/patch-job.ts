import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { DeltaParser } from './delta-parser.ts'
import type { PatchOptions } from './patch-options.ts'
import { countStep, type Mutable, type PatchStatistics } from './statistics.ts'

/** A range of the basis that a {@linkcode PatchJob} needs. */
export interface BasisRequest {
  /** Offset in the basis of the first byte. */
  readonly position: number
  /** Number of bytes. */
  readonly length: number
}

const NONE = new Uint8Array(0)

/**
 * The synchronous core of `PatchStream`. It takes a delta and produces the new bytes.
 *
 * When the job needs a range of the basis, its state is `waiting` and it has a {@linkcode PatchJob.request}. It
 * continues after {@linkcode PatchJob.supply}. Consecutive copies of adjacent ranges become one request, as far as the
 * available input shows them. The job holds no bytes except those last supplied.
 *
 * @example
 * ```ts
 * import { PatchJob } from 'combstream/rsync'
 *
 * const basis = new TextEncoder().encode('basis')
 * const delta = new Uint8Array([0x72, 0x73, 2, 0x36, 0x45, 2, 3, 1, 33, 0]) // COPY 2 3, LITERAL '!', END
 * const job = new PatchJob(basis.byteLength)
 * const output = new Uint8Array(100)
 * let [read, written, state] = [0, 0, '']
 * while (state !== 'done') {
 *   const step = job.iterate(delta.subarray(read), output.subarray(written))
 *   read += step.read
 *   written += step.written
 *   state = step.state
 *   if (job.request) job.supply(basis.slice(job.request.position, job.request.position + job.request.length))
 *   else if (read === delta.byteLength) job.end()
 * }
 * console.log(new TextDecoder().decode(output.subarray(0, written))) // sis!
 * ```
 */
export class PatchJob implements Codec {
  readonly #delta: DeltaParser
  /** Bytes of the basis that have been supplied but not yet written. */
  #supplied: Uint8Array = NONE

  /**
   * Creates a job for a basis of `basisSize` bytes.
   *
   * @throws {TypeError} if an argument has the wrong type.
   * @throws {RangeError} if an argument is out of range.
   */
  constructor(basisSize: number, options?: PatchOptions) {
    this.#delta = new DeltaParser(basisSize, options)
  }

  /** Live statistics of the job. Always the same object. */
  get statistics(): PatchStatistics {
    return this.#delta.statistics
  }

  /** The range of the basis needed next, or undefined unless the job is `waiting`. */
  get request(): BasisRequest | undefined {
    const { state } = this.#delta
    if (state.kind !== 'copy' || this.#supplied.byteLength > 0) return undefined
    return { position: state.position, length: state.remaining }
  }

  /**
   * Supplies the requested range of the basis, or its first bytes; the job requests the rest later. It keeps `bytes`
   * until they are written, and does not modify them.
   *
   * @throws {TypeError} if there is no request.
   * @throws {RangeError} if more bytes are supplied than requested.
   */
  supply(bytes: Uint8Array): void {
    const { request } = this
    if (!request) throw new TypeError('the job has not requested bytes of the basis')
    if (bytes.byteLength > request.length) {
      throw new RangeError(`the job requested ${request.length} bytes of the basis, got ${bytes.byteLength}`)
    }
    this.#supplied = bytes
  }

  /**
   * Consumes `input` and fills `output` as far as it can.
   *
   * @throws {FormatError} if the bytes are not a delta for this basis, or produce more than `maxOutputLength`. Every
   * later call throws it again.
   * @throws {IntegrityError} if the result does not have the expected size. Every later call throws it again.
   */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    while (this.#advance(input, output, step)) continue
    if (this.#delta.isDone) step.state = 'done'
    countStep(this.#delta.statistics, step)
    return step
  }

  /** Marks the end of the delta. */
  end(): void {
    this.#delta.end()
  }

  /** Moves on past a literal or a copy. Returns false if it cannot, for lack of input, room or bytes of the basis. */
  #advance(input: Uint8Array, output: Uint8Array, step: Mutable<CodecStep>): boolean {
    step.read = this.#delta.parse(input, step.read)
    const { state } = this.#delta
    if (state.kind !== 'literal' && state.kind !== 'copy') return false
    const room = Math.min(state.remaining, output.byteLength - step.written)
    const source = state.kind === 'literal' ? input.subarray(step.read) : this.#supplied
    const data = source.subarray(0, room)
    output.set(data, step.written)
    step.written += data.byteLength
    if (state.kind === 'literal') step.read += data.byteLength
    else this.#supplied = source.subarray(data.byteLength)
    this.#delta.skip(data.byteLength)
    if (state.remaining === 0) return true
    if (state.kind === 'copy' && step.written < output.byteLength) step.state = 'waiting'
    return false
  }
}
