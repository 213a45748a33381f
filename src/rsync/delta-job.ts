import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import { type BlockIndex, blockIndexOf } from './block-index.ts'
import { checkInteger } from './check-integer.ts'
import { writeCopyCommand, writeLiteralCommand } from './delta-commands.ts'
import { MAGIC_BYTES, MAGIC_DELTA, MAX_COMMAND_BYTES, OP_END } from './format.ts'
import { RabinKarpWindow } from './rabin-karp.ts'
import type { Signature } from './signature.ts'
import { countStep, type DeltaStatistics, deltaStatistics, type Mutable } from './statistics.ts'
import type { StrongSum } from './strong-sum.ts'

/** Options of {@linkcode DeltaJob}. */
export interface DeltaOptions {
  /**
   * Bytes after which a literal is cut in two, 1 to 16,777,216: librsync's is 65,533 since 2.3.3, 32,768 before.
   * @default 65533
   */
  literalLimit?: number | undefined
}

const DEFAULT_LITERAL_LIMIT = 65533
const MAX_LITERAL_LIMIT = 16 * 1024 * 1024

/** Room for input beside the literal and the window, so that these are moved once per so many bytes at most. */
const INPUT_BYTES = 256 * 1024

/**
 * How often, and over how many bytes, windows may be hashed that have a block's weak sum and turn out to be other bytes,
 * before that weak sum is no longer looked up. Chance has one such window in 4 GiB for each block; a signature that was
 * made to collide would otherwise have every window hashed.
 */
const MAX_FALSE_MATCHES = 1024
const MAX_FALSE_BYTES = 64 * 1024 * 1024

/** What the job goes on with when what it has staged is written: blocks and literals, the end command, nothing. */
type State = 'scan' | 'end' | 'done'

/**
 * The synchronous core of `DeltaStream`: takes the new bytes and gives the delta from the basis of `signature` to them.
 *
 * It is librsync's algorithm and gives librsync's bytes: at each position the first block of the basis that has the
 * window's sums, or one literal byte. It holds `literalLimit` + 2 blocks + 256 KiB.
 *
 * @example
 * ```ts
 * import { DeltaJob, loadSignature, loadStrongSum, SignatureStream } from 'combstream/rsync'
 *
 * const signature = await loadSignature(new Blob(['basis']).stream().pipeThrough(new SignatureStream()))
 * const job = new DeltaJob(signature, await loadStrongSum())
 * const delta = new Uint8Array(100)
 * const { read, written } = job.iterate(new TextEncoder().encode('basis'), delta)
 * job.end()
 * const last = job.iterate(new Uint8Array(0), delta.subarray(written)) // state: 'done'
 * console.log(delta.subarray(0, written + last.written)) // magic, COPY 0 5, END: 8 bytes
 * ```
 */
export class DeltaJob implements Codec {
  readonly #signature: Signature
  readonly #strongSum: StrongSum
  readonly #literalLimit: number
  readonly #statistics: Mutable<DeltaStatistics>
  readonly #window: RabinKarpWindow
  #index: BlockIndex | undefined
  readonly #maxFalseMatches: number
  /** False matches of each weak sum, by its rank. */
  #falseMatches: Uint16Array | undefined

  /** The bytes from the start of the literal that has not been staged, to the last one of the input. */
  #buffer: Uint8Array | undefined
  /** Where that literal begins in the buffer; it ends where the window begins. */
  #literalStart = 0
  /** Where the window begins. */
  #windowStart = 0
  /** Where the input that has come ends. */
  #inputEnd = 0
  /** Whether the window's sum is that of the bytes at `#windowStart`. */
  #summed = false
  /** The copy that the next match may lengthen; none if its length is 0. The literal is empty as long as there is one. */
  #copyPosition = 0
  #copyLength = 0

  #state: State = 'scan'
  /** The command to be written, then the literal's data in the buffer. */
  readonly #command: Uint8Array = new Uint8Array(MAX_COMMAND_BYTES)
  #commandStart = 0
  #commandEnd = MAGIC_BYTES
  #dataStart = 0
  #dataEnd = 0
  #ended = false

  /**
   * Makes a job that uses `strongSum`, alone.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(signature: Signature, strongSum: StrongSum, { literalLimit }: DeltaOptions = {}) {
    if (!(signature?.weakSums instanceof Uint32Array)) {
      throw new TypeError(`signature must be a Signature, got ${String(signature)}: loadSignature gives a promise`)
    }
    this.#literalLimit = checkInteger('literalLimit', literalLimit ?? DEFAULT_LITERAL_LIMIT, 1, MAX_LITERAL_LIMIT)
    this.#signature = signature
    this.#strongSum = strongSum
    this.#statistics = deltaStatistics(signature.blockLength)
    this.#window = new RabinKarpWindow(signature.blockLength)
    this.#maxFalseMatches = Math.min(MAX_FALSE_MATCHES, Math.ceil(MAX_FALSE_BYTES / signature.blockLength))
    writeU32(this.#command, 0, MAGIC_DELTA)
  }

  /** What the job has counted so far; the same object at all times. */
  get statistics(): DeltaStatistics {
    return this.#statistics
  }

  /** Takes from `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    for (;;) {
      step.written += this.#drain(output.subarray(step.written))
      if (this.#commandStart < this.#commandEnd || this.#dataStart < this.#dataEnd) break
      if (this.#state === 'done') {
        step.state = 'done'
        break
      }
      if (this.#state === 'end') {
        this.#stageEnd()
        continue
      }
      const read = this.#fill(input.subarray(step.read))
      step.read += read
      if (!this.#scan(this.#ended && step.read === input.byteLength) && read === 0) break
    }
    countStep(this.#statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  #drain(output: Uint8Array): number {
    let written = 0
    while (this.#commandStart < this.#commandEnd && written < output.byteLength) {
      output[written++] = this.#command[this.#commandStart++]!
    }
    const length = Math.min(this.#dataEnd - this.#dataStart, output.byteLength - written)
    if (length > 0) {
      output.set(this.#buffer!.subarray(this.#dataStart, this.#dataStart + length), written)
      this.#dataStart += length
    }
    return written + length
  }

  /** Copies as much of the input into the buffer as it has room for. Nothing is staged: the bytes there may move. */
  #fill(input: Uint8Array): number {
    const capacity = this.#literalLimit + 2 * this.#signature.blockLength + INPUT_BYTES
    const buffer = (this.#buffer ??= new Uint8Array(capacity))
    if (input.byteLength > buffer.byteLength - this.#inputEnd) {
      buffer.copyWithin(0, this.#literalStart, this.#inputEnd)
      this.#inputEnd -= this.#literalStart
      this.#windowStart -= this.#literalStart
      this.#literalStart = 0
    }
    const piece = input.subarray(0, buffer.byteLength - this.#inputEnd)
    buffer.set(piece, this.#inputEnd)
    this.#inputEnd += piece.byteLength
    return piece.byteLength
  }

  /** Moves the window on until a command has been staged, or (false) it needs more input, unless that was the `last`. */
  #scan(last: boolean): boolean {
    const { blockLength } = this.#signature
    const buffer = this.#buffer!
    const index = (this.#index ??= blockIndexOf(this.#signature))
    // A window is looked up only when it is known what follows: the next byte, or that there is none.
    const lastWhole = this.#inputEnd - blockLength
    const scanEnd = last ? this.#inputEnd : lastWhole
    while (this.#windowStart < scanEnd) {
      if (!this.#summed) {
        this.#window.reset(buffer, this.#windowStart, Math.min(this.#windowStart + blockLength, this.#inputEnd))
        this.#summed = true
      }
      const literalEnd = this.#copyLength > 0 ? this.#windowStart : this.#literalStart + this.#literalLimit
      const rollEnd = Math.min(lastWhole, literalEnd)
      if (this.#windowStart < rollEnd) {
        this.#windowStart =
          index.size === 0 ? rollEnd : this.#window.scan(index.filter, buffer, this.#windowStart, rollEnd)
        if (this.#windowStart >= scanEnd) break
      }
      const windowEnd = Math.min(this.#windowStart + blockLength, this.#inputEnd)
      const block = this.#match(index, buffer, windowEnd)
      if (block < 0 ? this.#miss(buffer, windowEnd) : this.#hit(block * blockLength, windowEnd)) return true
    }
    if (!last) return false
    this.#flush()
    this.#state = 'end'
    return true
  }

  /** The first block of the basis with the sums of the window, -1 if there is none. */
  #match(index: BlockIndex, buffer: Uint8Array, windowEnd: number): number {
    const weakSum = this.#window.sum
    if (!index.filter.passes(weakSum)) return -1
    const rank = index.rankOf(weakSum)
    if (rank < 0 || this.#falseMatches?.[rank] === this.#maxFalseMatches) return -1
    this.#strongSum.init()
    this.#strongSum.update(buffer.subarray(this.#windowStart, windowEnd))
    const block = index.find(rank, this.#strongSum.digest())
    if (block < 0) {
      this.#falseMatches ??= new Uint16Array(index.size)
      this.#falseMatches[rank]!++
      this.#statistics.falseMatches++
    }
    return block
  }

  /** The window is at `position` in the basis: says so, and goes on behind it. Returns whether it staged a command. */
  #hit(position: number, windowEnd: number): boolean {
    const length = windowEnd - this.#windowStart
    let staged = false
    if (this.#copyLength > 0 && this.#copyPosition + this.#copyLength === position) {
      this.#copyLength += length
    } else {
      staged = this.#flush()
      this.#copyPosition = position
      this.#copyLength = length
    }
    this.#windowStart = windowEnd
    this.#literalStart = windowEnd
    this.#summed = false
    return staged
  }

  /** The first byte of the window becomes a literal: moves the window on by it. Returns whether it staged a command. */
  #miss(buffer: Uint8Array, windowEnd: number): boolean {
    const full = this.#windowStart - this.#literalStart >= this.#literalLimit
    const staged = (this.#copyLength > 0 || full) && this.#flush()
    const outgoing = buffer[this.#windowStart]!
    if (windowEnd < this.#inputEnd) this.#window.rotate(outgoing, buffer[windowEnd]!)
    else this.#window.shrink(outgoing)
    this.#windowStart++
    return staged
  }

  /** Stages the copy, or else the literal, if there is either. */
  #flush(): boolean {
    const statistics = this.#statistics
    const literalLength = this.#windowStart - this.#literalStart
    this.#commandStart = 0
    this.#commandEnd = 0
    if (this.#copyLength > 0) {
      this.#commandEnd = writeCopyCommand(this.#command, this.#copyPosition, this.#copyLength)
      statistics.copyCommands++
      statistics.copyBytes += this.#copyLength
      statistics.copyCommandBytes += this.#commandEnd
      this.#copyLength = 0
      return true
    }
    if (literalLength > 0) {
      this.#commandEnd = writeLiteralCommand(this.#command, literalLength)
      this.#dataStart = this.#literalStart
      this.#dataEnd = this.#windowStart
      this.#literalStart = this.#windowStart
      statistics.literalCommands++
      statistics.literalBytes += literalLength
      statistics.literalCommandBytes += this.#commandEnd
      return true
    }
    return false
  }

  #stageEnd(): void {
    this.#command[0] = OP_END
    this.#commandStart = 0
    this.#commandEnd = 1
    this.#state = 'done'
  }
}
