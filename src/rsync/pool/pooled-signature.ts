import type { Codec, CodecStep } from '../../bytes/codec-transform.ts'
import { SIGNATURE_HEADER_BYTES } from '../format.ts'
import type { SignatureParameters } from '../parameters.ts'
import type { PoolCrew } from './pool-crew.ts'
import { countStep, type Mutable, type SignatureStatistics, signatureStatistics } from '../statistics.ts'
import type { SentParameters } from './worker-messages.ts'

/** Bytes of blocks that a worker is sent at a time: some milliseconds of work, beside which a message costs nothing. */
const PART_BYTES = 1024 * 1024
/** A bound on the records of short blocks. */
const MAX_PART_BLOCKS = 16_384
/** Parts in the workers or done, for each worker. */
const PARTS_PER_WORKER = 2

/** Whether blocks of this length are short enough to be spread over workers. */
export function canShareBlocks({ blockLength }: SignatureParameters): boolean {
  return blockLength <= PART_BYTES
}

/** Blocks in a row, and their records when they have come. */
interface Part {
  records: Uint8Array | undefined
}

/** A signature whose blocks are spread over the workers of a pool; does what `SignatureJob` does, bit for bit. */
export class PooledSignature implements Codec {
  /** What has been counted so far; the same object at all times. */
  readonly statistics: Mutable<SignatureStatistics>
  readonly #crew: PoolCrew
  readonly #parameters: SentParameters
  readonly #partLength: number
  /** Blocks that are collected for the next part, in a buffer that is made when it is needed. */
  #input: Uint8Array<ArrayBuffer> | undefined
  #inputLength = 0
  /** Buffers that have come back. */
  readonly #spare: ArrayBuffer[] = []
  /** What has been sent and is not all written, in order. */
  readonly #parts: Part[] = []
  #isFirst = true
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #isReleased = false
  /** What {@linkcode serve} waits for. */
  #change: Promise<void> | undefined

  /** Takes the workers of a pool. */
  constructor(crew: PoolCrew, { blockLength, strongLength, format }: SignatureParameters) {
    this.statistics = signatureStatistics(blockLength)
    this.#crew = crew
    this.#parameters = { blockLength, strongLength, sum: format.name }
    this.#partLength = blockLength * Math.min(MAX_PART_BLOCKS, Math.floor(PART_BYTES / blockLength))
  }

  /** Takes from `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    if (this.#isReleased) return step
    this.#change = this.#crew.change
    do {
      step.written += this.#drain(output.subarray(step.written))
      step.read += this.#fill(input.subarray(step.read))
    } while (!this.#failure && this.#send())
    if (this.#failure) throw this.#failure.error
    if (step.written < output.byteLength) {
      if (this.#ended && this.#parts.length === 0 && this.#inputLength === 0) step.state = 'done'
      else if (this.#ended || step.read < input.byteLength) step.state = 'waiting'
    }
    countStep(this.statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  /** Waits until it may be worth while to go on. */
  async serve(): Promise<void> {
    await this.#change
  }

  /** Forgets what the workers still do. */
  release(): void {
    this.#isReleased = true
    this.#parts.length = 0
    this.#spare.length = 0
    this.#input = undefined
    this.#crew.announce()
  }

  #drain(output: Uint8Array): number {
    let written = 0
    for (let part = this.#parts[0]; part?.records && written < output.byteLength; part = this.#parts[0]) {
      const piece = part.records.subarray(0, output.byteLength - written)
      output.set(piece, written)
      written += piece.byteLength
      part.records = part.records.subarray(piece.byteLength)
      if (part.records.byteLength === 0) this.#parts.shift()
    }
    return written
  }

  #fill(input: Uint8Array): number {
    if (input.byteLength === 0) return 0
    this.#input ??= new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(this.#partLength))
    const piece = input.subarray(0, this.#partLength - this.#inputLength)
    this.#input.set(piece, this.#inputLength)
    this.#inputLength += piece.byteLength
    return piece.byteLength
  }

  /** Sends what is collected to a worker, if it is enough and there is one that has room. */
  #send(): boolean {
    const isLast = this.#ended && (this.#inputLength > 0 || this.#isFirst)
    if (this.#inputLength < this.#partLength && !isLast) return false
    if (this.#parts.length >= PARTS_PER_WORKER * this.#crew.size) return false
    const member = this.#crew.forBlocks()
    if (!member) return false
    const input = this.#input ?? new Uint8Array(0)
    const part: Part = { records: undefined }
    const recordsStart = this.#isFirst ? 0 : SIGNATURE_HEADER_BYTES
    this.#parts.push(part)
    const request = {
      type: 'sign',
      parameters: this.#parameters,
      input: input.buffer,
      byteLength: this.#inputLength,
    } as const
    this.#isFirst = false
    this.#input = undefined
    this.#inputLength = 0
    member.sign(request, {
      resolve: (result) => {
        if (this.#isReleased) return
        part.records = new Uint8Array(result.signature, recordsStart)
        this.#spare.push(result.input)
        this.statistics.signatureBlocks += Math.ceil(request.byteLength / this.#parameters.blockLength)
      },
      reject: (error) => {
        this.#failure ??= { error }
      },
    })
    return true
  }
}
