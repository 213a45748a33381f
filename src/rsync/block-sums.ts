import { WEAK_SUM_BYTES } from './format.ts'
import type { KernelInstance } from './kernel.ts'
import type { SignatureParameters } from './parameters.ts'

/** Input that is collected before sums are computed: several blocks at once take as long as one. */
const INPUT_BYTES = 256 * 1024
/** What several blocks at once may take up; longer ones are worked off one by one, in pieces. */
const MAX_LANES_BYTES = 1024 * 1024
const MAX_RECORDS = 4096

/** Collects input in the memory of a kernel, and has the sums of its blocks computed. */
export class BlockSums {
  readonly #kernel: KernelInstance
  readonly #blockLength: number
  readonly #strongLength: number
  /** Whether a block may be longer than what is collected. */
  readonly #isPiecewise: boolean
  readonly #capacity: number
  readonly #input: number
  readonly #records: number
  #inputLength = 0
  /** Bytes of the block under way that are to come, counting those collected; all of them before it is begun. */
  #blockRemaining: number
  #isBegun = false

  /** Takes the memory that is needed from `kernel`, which computes nothing else. */
  constructor(kernel: KernelInstance, { blockLength, strongLength }: SignatureParameters) {
    this.#kernel = kernel
    this.#blockLength = blockLength
    this.#strongLength = strongLength
    this.#blockRemaining = blockLength
    const lanesLength = blockLength * kernel.exports.strongLanes()
    this.#isPiecewise = lanesLength > MAX_LANES_BYTES
    const turns = Math.max(1, Math.floor(Math.min(INPUT_BYTES / lanesLength, MAX_RECORDS)))
    this.#capacity = this.#isPiecewise ? INPUT_BYTES : lanesLength * turns
    this.#input = kernel.allocate(this.#capacity)
    this.#records = kernel.allocate((this.#capacity / blockLength + 1) * (WEAK_SUM_BYTES + strongLength))
  }

  /** Whether nothing has come of a block that has not been signed. */
  get isEmpty(): boolean {
    return this.#inputLength === 0 && !this.#isBegun
  }

  /** Lets another job have the kernel. */
  release(): void {
    this.#kernel.release()
  }

  /** Takes as much input as there is room for. */
  fill(input: Uint8Array): number {
    const piece = input.subarray(0, this.#capacity - this.#inputLength)
    this.#kernel.memory.set(piece, this.#input + this.#inputLength)
    this.#inputLength += piece.byteLength
    return piece.byteLength
  }

  /** The records of what is collected, which is all that there is, or is followed by more. */
  sign(last: boolean): Uint8Array {
    const end = this.#isPiecewise ? this.#signPiece(last) : this.#signBlocks()
    return this.#kernel.memory.subarray(this.#records, end)
  }

  #signBlocks(): number {
    const { exports } = this.#kernel
    const count = Math.floor(this.#inputLength / this.#blockLength)
    const rest = this.#inputLength % this.#blockLength
    let end = exports.signBlocks(this.#input, count, this.#blockLength, this.#strongLength, this.#records)
    if (rest > 0) {
      exports.beginBlock()
      end = exports.endBlock(this.#input + this.#inputLength - rest, rest, this.#strongLength, end)
    }
    this.#inputLength = 0
    return end
  }

  #signPiece(last: boolean): number {
    const { exports, memory } = this.#kernel
    if (!this.#isBegun) exports.beginBlock()
    const isWhole = this.#inputLength >= this.#blockRemaining
    if (isWhole || last) {
      const length = Math.min(this.#inputLength, this.#blockRemaining)
      const end = exports.endBlock(this.#input, length, this.#strongLength, this.#records)
      memory.copyWithin(this.#input, this.#input + length, this.#input + this.#inputLength)
      this.#inputLength -= length
      this.#blockRemaining = this.#blockLength
      this.#isBegun = false
      return end
    }
    const length = exports.updateBlock(this.#input, this.#inputLength)
    memory.copyWithin(this.#input, this.#input + length, this.#input + this.#inputLength)
    this.#inputLength -= length
    this.#blockRemaining -= length
    this.#isBegun = true
    return this.#records
  }
}
