import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import { BlockSums } from './block-sums.ts'
import { BLOCK_LENGTH_OFFSET, SIGNATURE_HEADER_BYTES, STRONG_LENGTH_OFFSET, WEAK_SUM_BYTES } from './format.ts'
import { type Kernel, KernelInstance } from './kernel.ts'
import { type SignatureOptions, type SignatureParameters, signatureParameters } from './parameters.ts'
import { countStep, type Mutable, type SignatureStatistics, signatureStatistics } from './statistics.ts'

/**
 * The synchronous core of `SignatureStream`: takes the bytes of a basis and gives its signature. It holds 256 KiB of
 * input (blocks that are longer and up to 512 KiB: two of them, with MD4 up to 256 KiB four), and their records, 4,096
 * at most.
 *
 * @example
 * ```ts
 * import { loadKernel, SignatureJob } from 'combstream/rsync'
 *
 * const job = new SignatureJob(await loadKernel(), { blockLength: 256, strongLength: 8 })
 * const output = new Uint8Array(1024)
 * const { written } = job.iterate(new TextEncoder().encode('hello'), output)
 * job.end()
 * const last = job.iterate(new Uint8Array(0), output.subarray(written)) // state: 'done'
 * console.log(output.subarray(0, written + last.written)) // 24 bytes, as rdiff gives them
 * ```
 */
export class SignatureJob implements Codec {
  readonly #kernel: Kernel
  readonly #parameters: SignatureParameters
  readonly #statistics: Mutable<SignatureStatistics>
  /** Computes the sums of what is collected; none before there is input. */
  #blocks: BlockSums | undefined
  /** The header, then records, that are to be written. */
  #pending: Uint8Array
  #ended = false
  #done = false

  /**
   * Makes a job.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(kernel: Kernel, options: SignatureOptions = {}) {
    this.#kernel = kernel
    this.#parameters = signatureParameters(options)
    const { blockLength, strongLength, format } = this.#parameters
    this.#statistics = signatureStatistics(blockLength)
    this.#pending = new Uint8Array(SIGNATURE_HEADER_BYTES)
    writeU32(this.#pending, 0, format.magic)
    writeU32(this.#pending, BLOCK_LENGTH_OFFSET, blockLength)
    writeU32(this.#pending, STRONG_LENGTH_OFFSET, strongLength)
  }

  /** What the job has counted so far; the same object at all times. */
  get statistics(): SignatureStatistics {
    return this.#statistics
  }

  /** Takes from `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    for (;;) {
      const data = this.#pending.subarray(0, output.byteLength - step.written)
      output.set(data, step.written)
      step.written += data.byteLength
      this.#pending = this.#pending.subarray(data.byteLength)
      if (this.#pending.byteLength > 0) break
      if (this.#done) {
        step.state = 'done'
        break
      }
      if (step.read < input.byteLength) {
        this.#blocks ??= new BlockSums(KernelInstance.open(this.#kernel, this.#parameters.format), this.#parameters)
        step.read += this.#blocks.fill(input.subarray(step.read))
        // What is full waits for more: how the last block ends depends on whether there is more.
        if (step.read < input.byteLength) this.#sign(false)
      } else if (!this.#ended) {
        break
      } else if (this.#blocks && !this.#blocks.isEmpty) {
        this.#sign(true)
      } else {
        this.#blocks?.release()
        this.#blocks = undefined
        this.#done = true
      }
    }
    countStep(this.#statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  #sign(last: boolean): void {
    this.#pending = this.#blocks!.sign(last)
    this.#statistics.signatureBlocks += this.#pending.byteLength / (WEAK_SUM_BYTES + this.#parameters.strongLength)
  }
}
