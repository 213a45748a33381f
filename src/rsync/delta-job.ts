import { describeValue } from '../bytes/describe-value.ts'
import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { writeU32 } from '../bytes/integers.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import { writeCopyCommand, writeLiteralCommand } from './delta-commands.ts'
import { MAGIC_BYTES, MAGIC_DELTA, MAX_COMMAND_BYTES, OP_END } from './wire-format.ts'
import { type Kernel, KernelInstance } from './kernel.ts'
import { openBlockIndex } from './open-block-index.ts'
import { asSignature, type Signature } from './signature.ts'
import { countStep, type DeltaStatistics, deltaStatistics, type Mutable } from './statistics.ts'
import { sumFormat } from './sum-formats.ts'

/** Options of {@linkcode DeltaJob}. */
export interface DeltaOptions {
  /**
   * Maximum length of a literal command, in bytes, 1 to 16,777,216. Longer literals are split. librsync uses 65,533
   * since 2.3.3, and 32,768 before.
   * @default 65533
   */
  literalLimit?: number | undefined
  /**
   * `'compat'` produces exactly librsync's bytes: of several blocks with equal sums, the first is copied.
   *
   * `'compact'` prefers the block that follows the last copy, so that copies merge. rdiff can apply the delta just the
   * same, and it is nearly always smaller.
   * @default 'compat'
   */
  mode?: 'compat' | 'compact' | undefined
}

const DEFAULT_LITERAL_LIMIT = 65533
const MAX_LITERAL_LIMIT = 16 * 1024 * 1024

/** Room for input in addition to the literal and the window. The larger it is, the less often those are moved. */
const INPUT_BYTES = 256 * 1024

const EMPTY = new Uint8Array(0)

/** What the kernel returns instead of a block when it has reached `stop`. */
const STOPPED = -1

/**
 * What the job does once the staged bytes are written: scan for blocks and literals, write the end command, or nothing.
 */
type State = 'scan' | 'end' | 'done'

/**
 * The synchronous core of `DeltaStream`. It takes the new bytes and produces the delta from the basis of `signature` to
 * them.
 *
 * It uses librsync's algorithm and, in `'compat'` mode, produces librsync's bytes: at each position it emits a copy of
 * the first block in the basis whose sums match the window, or one literal byte. It holds `literalLimit` + 2 blocks +
 * 256 KiB, plus a copy of the signature, and its index.
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

  /** Finds the blocks; opened when the first input arrives. Its window begins where the literal ends. */
  #search: KernelInstance | undefined
  /**
   * Start and end of the buffer in the kernel's memory. The buffer holds the input from the start of the literal on.
   */
  #bufferStart = 0
  #bufferEnd = 0
  /** Start of the literal that has not been staged yet. */
  #literalStart = 0
  /** End of the input received so far. */
  #inputEnd = 0
  /**
   * The copy that the next match may extend; there is none if the length is 0. While there is one, the literal is
   * empty.
   */
  #copyPosition = 0
  #copyLength = 0

  #state: State = 'scan'
  /** The staged command, followed by the literal's data in the buffer. */
  readonly #command: Uint8Array = new Uint8Array(MAX_COMMAND_BYTES)
  #commandStart = 0
  #commandEnd = MAGIC_BYTES
  #dataStart = 0
  #dataEnd = 0
  #ended = false

  /**
   * Creates a job.
   *
   * @throws {TypeError} if an option has the wrong type.
   * @throws {RangeError} if an option is out of range.
   */
  constructor(signature: Signature, kernel: Kernel, { literalLimit, mode = 'compat' }: DeltaOptions = {}) {
    this.#signature = asSignature(signature)
    if (mode !== 'compat' && mode !== 'compact') {
      throw new TypeError(`mode must be 'compat' or 'compact', got ${describeValue(mode)}`)
    }
    this.#literalLimit = checkInteger('literalLimit', literalLimit ?? DEFAULT_LITERAL_LIMIT, 1, MAX_LITERAL_LIMIT)
    this.#isCompact = mode === 'compact'
    this.#kernel = kernel
    this.#statistics = deltaStatistics(this.#signature.blockLength)
    writeU32(this.#command, 0, MAGIC_DELTA)
  }

  /** Live statistics of the job. Always the same object. */
  get statistics(): DeltaStatistics {
    return this.#statistics
  }

  /**
   * Where the next input may be put, so that the job need not copy it: memory of its own, valid until the next call of
   * {@linkcode iterate}, which must then be given a view of its first bytes. Empty if there is none.
   */
  get room(): Uint8Array<ArrayBuffer> {
    const isStaged = this.#commandStart < this.#commandEnd || this.#dataStart < this.#dataEnd
    if (!this.#search || isStaged || this.#state !== 'scan') return EMPTY
    this.#makeRoom(this.#search)
    return this.#search.memory.subarray(this.#inputEnd, this.#bufferEnd)
  }

  /**
   * Consumes `input` and fills `output` as far as it can.
   *
   * @throws {RangeError} if there is not enough memory for this block length or this many blocks.
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
      // Filling comes last because it moves the buffer's contents. Doing that for every one of many commands would take
      // longer than finding them.
      const read = this.#fill(search, input.subarray(step.read))
      step.read += read
      if (read === 0) break
    }
    countStep(this.#statistics, step)
    return step
  }

  /** Marks the end of the input. */
  end(): void {
    this.#ended = true
  }

  #openSearch(): KernelInstance {
    const { blockLength, sum } = this.#signature
    const search = KernelInstance.open(this.#kernel, sumFormat(sum))
    openBlockIndex(search, this.#signature, { isCompact: this.#isCompact })
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

  /**
   * Copies as much of the input into the buffer as fits. Nothing may be staged, because the bytes in the buffer may
   * move.
   */
  #fill(search: KernelInstance, input: Uint8Array): number {
    if (input.byteLength > this.#bufferEnd - this.#inputEnd) this.#makeRoom(search)
    const room = search.memory.subarray(this.#inputEnd, this.#bufferEnd)
    const piece = input.subarray(0, room.byteLength)
    if (piece.buffer !== room.buffer || piece.byteOffset !== room.byteOffset) room.set(piece)
    this.#inputEnd += piece.byteLength
    return piece.byteLength
  }

  /** Moves what is still needed to the start of the buffer. */
  #makeRoom({ memory, exports }: KernelInstance): void {
    const distance = this.#literalStart - this.#bufferStart
    memory.copyWithin(this.#bufferStart, this.#literalStart, this.#inputEnd)
    this.#literalStart = this.#bufferStart
    this.#inputEnd -= distance
    exports.position.value = (exports.position.value >>> 0) - distance
  }

  /**
   * Scans until a command has been staged. Returns false if it needs more input first, which is never the case for the
   * `last` input.
   */
  #scan({ exports }: KernelInstance, last: boolean): boolean {
    for (;;) {
      // A copy ends at the first position without a match, a literal when it is full.
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

  /**
   * Records that the `length` bytes at `start` match the basis at `position`. Returns whether that staged a command.
   */
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

  /** Stages the pending copy, or else the literal up to `literalEnd`. Returns whether there was either. */
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
