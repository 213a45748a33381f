import { WEAK_SUM_BYTES } from './wire-format.ts'
import type { KernelInstance } from './kernel.ts'
import type { SignatureParameters } from './parameters.ts'

/** Input collected before sums are computed. Hashing several blocks at once takes as long as hashing one. */
const INPUT_BYTES = 256 * 1024
/** Maximum size of the blocks hashed at once. Longer blocks are processed one at a time, in pieces. */
const MAX_LANES_BYTES = 1024 * 1024
const MAX_RECORDS = 4096

/** Collects input in a kernel's memory and computes the sums of its blocks there. */
export class BlockSums {
  readonly #kernel: KernelInstance
  readonly #blockLength: number
  readonly #strongLength: number
  /** Whether a block may be larger than the collected input. */
  readonly #isPiecewise: boolean
  readonly #capacity: number
  readonly #input: number
  readonly #records: number
  #inputLength = 0
  /**
   * Bytes needed to complete the current block, including those already collected. Before the block begins, this is the
   * block length.
   */
  #blockRemaining: number
  #hasBegun = false

  /** Allocates what it needs from `kernel`, which must not be used for anything else. */
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

  /** Whether there is no input left to sign. */
  get isEmpty(): boolean {
    return this.#inputLength === 0 && !this.#hasBegun
  }

  /** Returns the kernel for use by another job. */
  release(): void {
    this.#kernel.release()
  }

  /** Whether there is no room left, and what is there may be signed, whatever follows. */
  get isReady(): boolean {
    return !this.#isPiecewise && this.#inputLength === this.#capacity
  }

  /** The room for input. Input that is put there itself need not be copied. */
  get room(): Uint8Array<ArrayBuffer> {
    return this.#kernel.memory.subarray(this.#input + this.#inputLength, this.#input + this.#capacity)
  }

  /** Takes as much input as there is room for and returns how many bytes it took. */
  fill(input: Uint8Array): number {
    const { room } = this
    const piece = input.subarray(0, room.byteLength)
    if (piece.buffer !== room.buffer || piece.byteOffset !== room.byteOffset) room.set(piece)
    this.#inputLength += piece.byteLength
    return piece.byteLength
  }

  /** Returns the records of the collected blocks. `last` says whether this is the end of the input. */
  sign(last: boolean): Uint8Array {
    const end = this.#isPiecewise ? this.#signPiece(last) : this.#signBlocks()
    return this.#kernel.memory.subarray(this.#records, end)
  }

  /** Returns the records of the whole blocks that have been collected; what follows them stays. */
  signWhole(): Uint8Array {
    const { exports, memory } = this.#kernel
    const wholeLength = this.#isPiecewise ? 0 : this.#inputLength - (this.#inputLength % this.#blockLength)
    const count = wholeLength / this.#blockLength
    const end = exports.signBlocks(this.#input, count, this.#blockLength, this.#strongLength, this.#records)
    memory.copyWithin(this.#input, this.#input + wholeLength, this.#input + this.#inputLength)
    this.#inputLength -= wholeLength
    return memory.subarray(this.#records, end)
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
    if (!this.#hasBegun) exports.beginBlock()
    const isWhole = this.#inputLength >= this.#blockRemaining
    if (isWhole || last) {
      const length = Math.min(this.#inputLength, this.#blockRemaining)
      const end = exports.endBlock(this.#input, length, this.#strongLength, this.#records)
      memory.copyWithin(this.#input, this.#input + length, this.#input + this.#inputLength)
      this.#inputLength -= length
      this.#blockRemaining = this.#blockLength
      this.#hasBegun = false
      return end
    }
    const length = exports.updateBlock(this.#input, this.#inputLength)
    memory.copyWithin(this.#input, this.#input + length, this.#input + this.#inputLength)
    this.#inputLength -= length
    this.#blockRemaining -= length
    this.#hasBegun = true
    return this.#records
  }
}
