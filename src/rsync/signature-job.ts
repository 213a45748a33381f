import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import { BlockSums } from './block-sums.ts'
import { BLOCK_LENGTH_OFFSET, SIGNATURE_HEADER_BYTES, STRONG_LENGTH_OFFSET, WEAK_SUM_BYTES } from './wire-format.ts'
import { type Kernel, KernelInstance } from './kernel.ts'
import { type SignatureOptions, type SignatureParameters, signatureParameters } from './parameters.ts'
import { countStep, type Mutable, type SignatureStatistics, signatureStatistics } from './statistics.ts'

const EMPTY = new Uint8Array(0)

/**
 * The synchronous core of `SignatureStream`. It takes the bytes of a basis and produces its signature. It holds up to
 * 4,096 records, and 256 KiB of input or, with long blocks, two blocks of up to 512 KiB (with MD4, four of up to 256
 * KiB).
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
 * console.log(output.subarray(0, written + last.written)) // 24 bytes, the same as rdiff's
 * ```
 */
export class SignatureJob implements Codec {
  readonly #kernel: Kernel
  readonly #parameters: SignatureParameters
  readonly #statistics: Mutable<SignatureStatistics>
  /** Collects input and computes its sums; created when the first input arrives. */
  #blocks: BlockSums | undefined
  /** The bytes to be written next: the header, then records. */
  #pending: Uint8Array
  #ended = false
  #done = false

  /**
   * Creates a job.
   *
   * @throws {TypeError} if an option has the wrong type.
   * @throws {RangeError} if an option is out of range.
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

  /** Live statistics of the job. Always the same object. */
  get statistics(): SignatureStatistics {
    return this.#statistics
  }

  /**
   * Where the next input may be put, so that the job need not copy it: memory of its own, valid until the next call of
   * {@linkcode iterate}, which must then be given a view of its first bytes. Empty if there is none.
   */
  get room(): Uint8Array<ArrayBuffer> {
    return this.#pending.byteLength === 0 && this.#blocks ? this.#blocks.room : EMPTY
  }

  /** Consumes `input` and fills `output` as far as it can. */
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
        // A piece of a block is signed only when more input arrives, because how the last block ends depends on that.
        if (step.read < input.byteLength || this.#blocks.isReady) this.#sign(false)
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

  /**
   * Computes the records of all whole blocks of the input so far, which otherwise wait until 256 KiB of input have been
   * collected; blocks of more than 256 KiB wait all the same. Returns whether there are bytes to be written, which
   * `iterate` writes. The signature is the same, however often this is called.
   */
  flush(): boolean {
    if (this.#pending.byteLength === 0 && this.#blocks) this.#count(this.#blocks.signWhole())
    return this.#pending.byteLength > 0
  }

  /** Marks the end of the input. */
  end(): void {
    this.#ended = true
  }

  #sign(last: boolean): void {
    this.#count(this.#blocks!.sign(last))
  }

  /** Makes records the bytes to be written next. */
  #count(records: Uint8Array): void {
    this.#pending = records
    this.#statistics.signatureBlocks += this.#pending.byteLength / (WEAK_SUM_BYTES + this.#parameters.strongLength)
  }
}
