import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import { blockIndexOf } from './block-index.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import { writeCopyCommand, writeLiteralCommand } from './delta-commands.ts'
import { MAGIC_BYTES, MAGIC_DELTA, MAX_COMMAND_BYTES, OP_END } from './format.ts'
import { type Kernel, KernelInstance } from './kernel.ts'
import { asSignature, type Signature } from './signature.ts'
import { countStep, type DeltaStatistics, deltaStatistics, type Mutable } from './statistics.ts'
import { sumFormat } from './sums.ts'

/** Options of {@linkcode DeltaJob}. */
export interface DeltaOptions {
  /**
   * Bytes after which a literal is cut in two, 1 to 16,777,216: librsync's is 65,533 since 2.3.3, 32,768 before.
   * @default 65533
   */
  literalLimit?: number | undefined
  /**
   * `'compat'` gives librsync's bytes: of blocks with equal sums, copies are of the first. `'compact'` copies the block
   * that follows the last copy where there is a choice, so that copies merge: a delta that rdiff applies as well, and
   * nearly always a smaller one.
   * @default 'compat'
   */
  mode?: 'compat' | 'compact' | undefined
}

const DEFAULT_LITERAL_LIMIT = 65533
const MAX_LITERAL_LIMIT = 16 * 1024 * 1024

/** Room for input beside the literal and the window, so that these are moved once per so many bytes at most. */
const INPUT_BYTES = 256 * 1024

/** What the kernel says instead of a block: that it has come to where it was to stop, or to the end of its input. */
const STOPPED = -1

/** What the job goes on with when what it has staged is written: blocks and literals, the end command, nothing. */
type State = 'scan' | 'end' | 'done'

/**
 * The synchronous core of `DeltaStream`: takes the new bytes and gives the delta from the basis of `signature` to them.
 *
 * It is librsync's algorithm and, in the mode `'compat'`, gives librsync's bytes: at each position the first block of
 * the basis that has the window's sums, or one literal byte. It holds `literalLimit` + 2 blocks + 256 KiB, and a copy of
 * the signature and its index.
 *
 * @example
 * ```ts
 * import { DeltaJob, loadKernel, loadSignature, SignatureStream } from 'combstream/rsync'
 *
 * const signature = await loadSignature(new Blob(['basis']).stream().pipeThrough(new SignatureStream()))
 * const job = new DeltaJob(signature, await loadKernel())
 * const delta = new Uint8Array(100)
 * const { read, written } = job.iterate(new TextEncoder().encode('basis'), delta)
 * job.end()
 * const last = job.iterate(new Uint8Array(0), delta.subarray(written)) // state: 'done'
 * console.log(delta.subarray(0, written + last.written)) // magic, COPY 0 5, END: 8 bytes
 * ```
 */
export class DeltaJob implements Codec {
  readonly #signature: Signature
  readonly #kernel: Kernel
  readonly #literalLimit: number
  readonly #isCompact: boolean
  readonly #statistics: Mutable<DeltaStatistics>

  /** Finds the blocks; none before there is input. Its window begins where the literal ends. */
  #search: KernelInstance | undefined
  /** Where in its memory the buffer begins and ends, which holds the input from the start of the literal on. */
  #bufferStart = 0
  #bufferEnd = 0
  /** Where the literal begins that has not been staged. */
  #literalStart = 0
  /** Where the input that has come ends. */
  #inputEnd = 0
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
   * Makes a job.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(signature: Signature, kernel: Kernel, { literalLimit, mode = 'compat' }: DeltaOptions = {}) {
    this.#signature = asSignature(signature)
    if (mode !== 'compat' && mode !== 'compact') {
      throw new TypeError(`mode must be 'compat' or 'compact', got ${String(mode)}`)
    }
    this.#literalLimit = checkInteger('literalLimit', literalLimit ?? DEFAULT_LITERAL_LIMIT, 1, MAX_LITERAL_LIMIT)
    this.#isCompact = mode === 'compact'
    this.#kernel = kernel
    this.#statistics = deltaStatistics(this.#signature.blockLength)
    writeU32(this.#command, 0, MAGIC_DELTA)
  }

  /** What the job has counted so far; the same object at all times. */
  get statistics(): DeltaStatistics {
    return this.#statistics
  }

  /**
   * Takes from `input` and fills `output` as far as it can.
   *
   * @throws {RangeError} if there is not enough memory for blocks of this length, or so many of them.
   */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    for (;;) {
      step.written += this.#drain(output.subarray(step.written))
      if (this.#commandStart < this.#commandEnd || this.#dataStart < this.#dataEnd) break
      if (this.#state === 'done') {
        this.#search?.release()
        this.#search = undefined
        step.state = 'done'
        break
      }
      if (this.#state === 'end') {
        this.#stageEnd()
        continue
      }
      const search = (this.#search ??= this.#openSearch())
      if (this.#scan(search, this.#ended && step.read === input.byteLength)) continue
      // Only now, as it moves what the buffer holds: for each of many commands that would take longer than to find them.
      const read = this.#fill(search, input.subarray(step.read))
      step.read += read
      if (read === 0) break
    }
    countStep(this.#statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  #openSearch(): KernelInstance {
    const { blockLength, sum } = this.#signature
    const search = KernelInstance.open(this.#kernel, sumFormat(sum))
    blockIndexOf(this.#signature).open(search, { isCompact: this.#isCompact })
    const capacity = this.#literalLimit + 2 * blockLength + INPUT_BYTES
    this.#bufferStart = search.allocate(capacity)
    this.#bufferEnd = this.#bufferStart + capacity
    this.#literalStart = this.#bufferStart
    this.#inputEnd = this.#bufferStart
    search.exports.position.value = this.#bufferStart
    return search
  }

  #drain(output: Uint8Array): number {
    let written = 0
    while (this.#commandStart < this.#commandEnd && written < output.byteLength) {
      output[written++] = this.#command[this.#commandStart++]!
    }
    const length = Math.min(this.#dataEnd - this.#dataStart, output.byteLength - written)
    if (length > 0) {
      output.set(this.#search!.memory.subarray(this.#dataStart, this.#dataStart + length), written)
      this.#dataStart += length
    }
    return written + length
  }

  /** Copies as much of the input into the buffer as it has room for. Nothing is staged: the bytes there may move. */
  #fill({ memory, exports }: KernelInstance, input: Uint8Array): number {
    if (input.byteLength > this.#bufferEnd - this.#inputEnd) {
      const distance = this.#literalStart - this.#bufferStart
      memory.copyWithin(this.#bufferStart, this.#literalStart, this.#inputEnd)
      this.#literalStart = this.#bufferStart
      this.#inputEnd -= distance
      exports.position.value = (exports.position.value >>> 0) - distance
    }
    const piece = input.subarray(0, this.#bufferEnd - this.#inputEnd)
    memory.set(piece, this.#inputEnd)
    this.#inputEnd += piece.byteLength
    return piece.byteLength
  }

  /** Goes on until a command has been staged, or (false) it needs more input, unless that was the `last`. */
  #scan({ exports }: KernelInstance, last: boolean): boolean {
    for (;;) {
      // A copy ends at the first position without a match; a literal where it is full.
      const stop = this.#literalStart + (this.#copyLength > 0 ? 0 : this.#literalLimit)
      const block = exports.find(stop, this.#inputEnd, last)
      const windowStart = exports.position.value >>> 0
      this.#statistics.falseMatches = exports.falseMatches.value >>> 0
      if (block >= 0) {
        const length = exports.matchLength.value >>> 0
        if (this.#hit(block * this.#signature.blockLength, windowStart - length, length)) return true
      } else if (block === STOPPED) {
        if (this.#flush(windowStart)) return true
      } else {
        if (!last) return false
        this.#flush(windowStart)
        this.#state = 'end'
        return true
      }
    }
  }

  /** `length` bytes from `start` on are at `position` in the basis. Returns whether that staged a command. */
  #hit(position: number, start: number, length: number): boolean {
    if (this.#copyLength > 0 && this.#copyPosition + this.#copyLength === position) {
      this.#copyLength += length
      this.#literalStart += length
      return false
    }
    const staged = this.#flush(start)
    this.#copyPosition = position
    this.#copyLength = length
    this.#literalStart = start + length
    return staged
  }

  /** Stages the copy, or else the literal up to `literalEnd`, if there is either. */
  #flush(literalEnd: number): boolean {
    const statistics = this.#statistics
    const literalLength = literalEnd - this.#literalStart
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
      this.#dataEnd = literalEnd
      this.#literalStart = literalEnd
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
