import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import {
  BLAKE2B_BYTES,
  BLOCK_LENGTH_OFFSET,
  MAGIC_RABINKARP_BLAKE2B,
  SIGNATURE_HEADER_BYTES,
  STRONG_LENGTH_OFFSET,
  WEAK_SUM_BYTES,
} from './format.ts'
import { type SignatureOptions, signatureParameters } from './parameters.ts'
import { RABINKARP_SEED, rabinKarpUpdate } from './rabin-karp.ts'
import { countStep, type Mutable, type SignatureStatistics, signatureStatistics } from './statistics.ts'
import type { StrongSum } from './strong-sum.ts'

/**
 * The synchronous core of `SignatureStream`: takes the bytes of a basis and gives its signature. It keeps sums and no
 * bytes, a few hundred bytes of state for blocks of any length.
 *
 * @example
 * ```ts
 * import { loadStrongSum, SignatureJob } from 'combstream/rsync'
 *
 * const job = new SignatureJob(await loadStrongSum(), { blockLength: 256, strongLength: 8 })
 * const output = new Uint8Array(1024)
 * const { written } = job.iterate(new TextEncoder().encode('hello'), output)
 * job.end()
 * const last = job.iterate(new Uint8Array(0), output.subarray(written)) // state: 'done'
 * console.log(output.subarray(0, written + last.written)) // 24 bytes, as rdiff gives them
 * ```
 */
export class SignatureJob implements Codec {
  readonly #strongSum: StrongSum
  readonly #strongLength: number
  readonly #statistics: Mutable<SignatureStatistics>
  /** Bytes of the block under way that are still to come. */
  #blockRemaining: number
  #weakSum = RABINKARP_SEED
  /** The header, then one record after the other. */
  readonly #record: Uint8Array = new Uint8Array(WEAK_SUM_BYTES + BLAKE2B_BYTES)
  #recordLength = SIGNATURE_HEADER_BYTES
  #recordWritten = 0
  #ended = false

  /**
   * Makes a job that uses `strongSum`, alone.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(strongSum: StrongSum, options: SignatureOptions = {}) {
    const { blockLength, strongLength } = signatureParameters(options)
    this.#strongSum = strongSum
    this.#strongLength = strongLength
    this.#statistics = signatureStatistics(blockLength)
    this.#blockRemaining = blockLength
    writeU32(this.#record, 0, MAGIC_RABINKARP_BLAKE2B)
    writeU32(this.#record, BLOCK_LENGTH_OFFSET, blockLength)
    writeU32(this.#record, STRONG_LENGTH_OFFSET, strongLength)
  }

  /** What the job has counted so far; the same object at all times. */
  get statistics(): SignatureStatistics {
    return this.#statistics
  }

  /** Takes from `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    for (;;) {
      step.written += this.#drain(output, step.written)
      if (this.#recordWritten < this.#recordLength) break
      if (step.read < input.byteLength) {
        step.read += this.#take(input, step.read)
      } else if (!this.#ended) {
        break
      } else if (this.#blockRemaining < this.#statistics.blockLength) {
        this.#finishBlock()
      } else {
        step.state = 'done'
        break
      }
    }
    countStep(this.#statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  #drain(output: Uint8Array, offset: number): number {
    const length = Math.min(this.#recordLength - this.#recordWritten, output.byteLength - offset)
    for (let i = 0; i < length; i++) output[offset + i] = this.#record[this.#recordWritten + i]!
    this.#recordWritten += length
    return length
  }

  /** Adds bytes to the block under way, as many as it takes. */
  #take(input: Uint8Array, start: number): number {
    const length = Math.min(this.#blockRemaining, input.byteLength - start)
    if (this.#blockRemaining === this.#statistics.blockLength) this.#strongSum.init()
    this.#weakSum = rabinKarpUpdate(this.#weakSum, input, start, start + length)
    this.#strongSum.update(input.subarray(start, start + length))
    this.#blockRemaining -= length
    if (this.#blockRemaining === 0) this.#finishBlock()
    return length
  }

  #finishBlock(): void {
    writeU32(this.#record, 0, this.#weakSum >>> 0)
    const strongSum = this.#strongSum.digest()
    for (let i = 0; i < this.#strongLength; i++) this.#record[WEAK_SUM_BYTES + i] = strongSum[i]!
    this.#recordLength = WEAK_SUM_BYTES + this.#strongLength
    this.#recordWritten = 0
    this.#weakSum = RABINKARP_SEED
    this.#blockRemaining = this.#statistics.blockLength
    this.#statistics.signatureBlocks++
  }
}
