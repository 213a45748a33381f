import { SIGNATURE_HEADER_BYTES } from '../wire-format.ts'
import type { SignatureParameters } from '../parameters.ts'
import type { Mutable, SignatureStatistics } from '../statistics.ts'
import { InputParts } from './input-parts.ts'
import type { PoolCrew } from './pool-crew.ts'
import type { PooledWork } from './pooled-codec.ts'
import type { SentParameters, SignResult } from './pool-messages.ts'

/**
 * Bytes of blocks sent to a worker at a time. They take some milliseconds to process, so the cost of a message is
 * negligible.
 */
const PART_BYTES = 1024 * 1024
/** Limits the number of records when blocks are short. */
const MAX_PART_BLOCKS = 16_384
/** Maximum number of parts per worker that are in progress, or done but not written. */
const PARTS_PER_WORKER = 2

/** Whether blocks of this length are short enough to be distributed over workers. */
export function canShareBlocks({ blockLength }: SignatureParameters): boolean {
  return blockLength <= PART_BYTES
}

/** Consecutive blocks, and their records once they have arrived. */
interface Part {
  records: Uint8Array | undefined
}

/**
 * A signature whose blocks are distributed over the workers of a pool. The result is identical to that of
 * `SignatureJob`, bit for bit.
 */
export class PooledSignature implements PooledWork {
  readonly #crew: PoolCrew
  readonly #parameters: SentParameters
  readonly #statistics: Mutable<SignatureStatistics>
  readonly #blocks: InputParts
  /** Parts that have been sent but not completely written, in order. */
  readonly #parts: Part[] = []
  #isFirst = true
  #failure: { readonly error: unknown } | undefined
  #isDropped = false

  /** Creates the work for the workers of a pool. */
  constructor(
    crew: PoolCrew,
    { blockLength, strongLength, format }: SignatureParameters,
    statistics: Mutable<SignatureStatistics>,
  ) {
    this.#crew = crew
    this.#parameters = { blockLength, strongLength, sum: format.name }
    this.#statistics = statistics
    this.#blocks = new InputParts(blockLength * Math.min(MAX_PART_BLOCKS, Math.floor(PART_BYTES / blockLength)))
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  fill(input: Uint8Array): number {
    return this.#blocks.fill(input)
  }

  /** Sends the collected blocks to a worker, if there are enough of them and a worker has room. */
  send(isEnded: boolean): boolean {
    const isLast = isEnded && (this.#blocks.byteLength > 0 || this.#isFirst)
    if (!this.#blocks.isFull && !isLast) return false
    if (this.#parts.length >= PARTS_PER_WORKER * this.#crew.size) return false
    const member = this.#crew.memberForBlocks()
    if (!member) return false

    const part: Part = { records: undefined }
    const recordsStart = this.#isFirst ? 0 : SIGNATURE_HEADER_BYTES
    this.#parts.push(part)
    this.#isFirst = false
    const { buffer: input, byteLength } = this.#blocks.take()
    const receive = (result: SignResult): void => {
      if (this.#isDropped) return
      part.records = new Uint8Array(result.signature, recordsStart)
      this.#blocks.giveBack(result.input)
      this.#statistics.signatureBlocks += Math.ceil(byteLength / this.#parameters.blockLength)
    }
    member.sign(
      { type: 'sign', parameters: this.#parameters, input, byteLength },
      { resolve: receive, reject: (error) => void (this.#failure ??= { error }) },
    )
    return true
  }

  drain(output: Uint8Array): number {
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

  isDone(isEnded: boolean): boolean {
    return isEnded && this.#parts.length === 0 && this.#blocks.byteLength === 0
  }

  drop(): void {
    this.#isDropped = true
    this.#parts.length = 0
    this.#blocks.clear()
  }
}
