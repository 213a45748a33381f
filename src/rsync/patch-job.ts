import { describeValue } from '../bytes/describe-value.ts'
import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { readU32, readUnsigned } from '../bytes/integers.ts'
import { FormatError, type FormatErrorReason, IntegrityError } from '../errors.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import { copyWidths } from './copy-widths.ts'
import {
  MAGIC_BYTES,
  MAGIC_DELTA,
  OP_COPY_N1_N1,
  OP_COPY_N8_N8,
  OP_END,
  OP_LITERAL_N1,
  OP_LITERAL_N8,
  OP_LITERAL_SHORT_MAX,
} from './wire-format.ts'
import { countStep, type Mutable, type PatchStatistics, patchStatistics } from './statistics.ts'

/** What is known about the result in advance. */
export interface ExpectedSize {
  /**
   * Size that the result must have, in bytes. Any other size is an `IntegrityError`. A result that is too large fails
   * before the first byte of the offending command is written; one that is too small fails at the end of the delta.
   * @default unknown
   */
  readonly size?: number | undefined
}

/** Options of {@linkcode PatchJob}. */
export interface PatchOptions {
  /**
   * The maximum size of the result, in bytes. A delta of a few bytes can produce any amount of output.
   * @default Infinity: the job never holds the result, so only the receiver can tell how much is too much
   */
  maxOutputLength?: number | undefined
  /** What the result must be, if known. */
  expected?: ExpectedSize | undefined
  /**
   * What to do with bytes after the end command: fail with a `FormatError`, or consume and ignore them as librsync
   * does.
   * @default 'error'
   */
  trailingBytes?: 'error' | 'ignore' | undefined
}

/** A range of the basis that a {@linkcode PatchJob} needs. */
export interface BasisRequest {
  /** Offset in the basis of the first byte. */
  readonly position: number
  /** Number of bytes. */
  readonly length: number
}

/** What the job is waiting for. */
type State =
  | { readonly kind: 'magic' }
  | { readonly kind: 'opcode' }
  | { readonly kind: 'literal-length'; readonly width: number }
  | { readonly kind: 'literal'; remaining: number }
  | { readonly kind: 'copy-range'; readonly positionWidth: number; readonly lengthWidth: number }
  | { readonly kind: 'copy'; position: number; remaining: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: FormatError | IntegrityError }

const MAX_PARAMETER_BYTES = 16
const NONE = new Uint8Array(0)

/**
 * The synchronous core of `PatchStream`. It takes a delta and produces the new bytes.
 *
 * When the job needs a range of the basis, its state is `waiting` and it has a {@linkcode PatchJob.request}. It
 * continues after {@linkcode PatchJob.supply}. Consecutive copies of adjacent ranges become one request, as far as the
 * available input shows them. The job holds no bytes except those last supplied.
 *
 * @example
 * ```ts
 * import { PatchJob } from 'combstream/rsync'
 *
 * const basis = new TextEncoder().encode('basis')
 * const delta = new Uint8Array([0x72, 0x73, 2, 0x36, 0x45, 2, 3, 1, 33, 0]) // COPY 2 3, LITERAL '!', END
 * const job = new PatchJob(basis.byteLength)
 * const output = new Uint8Array(100)
 * let [read, written, state] = [0, 0, '']
 * while (state !== 'done') {
 *   const step = job.iterate(delta.subarray(read), output.subarray(written))
 *   read += step.read
 *   written += step.written
 *   state = step.state
 *   if (job.request) job.supply(basis.slice(job.request.position, job.request.position + job.request.length))
 *   else if (read === delta.byteLength) job.end()
 * }
 * console.log(new TextDecoder().decode(output.subarray(0, written))) // sis!
 * ```
 */
export class PatchJob implements Codec {
  readonly #basisSize: number
  readonly #maxOutputLength: number
  readonly #expectedSize: number | undefined
  readonly #ignoresTrailingBytes: boolean
  readonly #statistics: Mutable<PatchStatistics> = patchStatistics()
  #state: State = { kind: 'magic' }
  /** The bytes received so far of the magic, or of a command's parameters. */
  readonly #field: Uint8Array = new Uint8Array(MAX_PARAMETER_BYTES)
  #fieldLength = 0
  /** Bytes of the delta consumed so far. */
  #offset = 0
  /** Offset in the delta of the current command. */
  #commandOffset = 0
  /** Bytes of the result that the commands read so far produce. */
  #plannedLength = 0
  /** Bytes of the basis that have been supplied but not yet written. */
  #supplied: Uint8Array = NONE
  #ended = false

  /**
   * Creates a job for a basis of `basisSize` bytes.
   *
   * @throws {TypeError} if an argument has the wrong type.
   * @throws {RangeError} if an argument is out of range.
   */
  constructor(basisSize: number, { maxOutputLength, expected, trailingBytes = 'error' }: PatchOptions = {}) {
    this.#basisSize = checkInteger('basisSize', basisSize, 0, Number.MAX_SAFE_INTEGER)
    this.#maxOutputLength =
      maxOutputLength === undefined || maxOutputLength === Infinity
        ? Number.MAX_SAFE_INTEGER
        : checkInteger('maxOutputLength', maxOutputLength, 0, Number.MAX_SAFE_INTEGER)
    const size = expected?.size
    this.#expectedSize =
      size === undefined ? undefined : checkInteger('expected.size', size, 0, Number.MAX_SAFE_INTEGER)
    if (trailingBytes !== 'error' && trailingBytes !== 'ignore') {
      throw new TypeError(`trailingBytes must be 'error' or 'ignore', got ${describeValue(trailingBytes)}`)
    }
    this.#ignoresTrailingBytes = trailingBytes === 'ignore'
  }

  /** Live statistics of the job. Always the same object. */
  get statistics(): PatchStatistics {
    return this.#statistics
  }

  /** The range of the basis needed next, or undefined unless the job is `waiting`. */
  get request(): BasisRequest | undefined {
    const state = this.#state
    if (state.kind !== 'copy' || this.#supplied.byteLength > 0) return undefined
    return { position: state.position, length: state.remaining }
  }

  /**
   * Supplies the requested range of the basis, or its first bytes; the job requests the rest later. It keeps `bytes`
   * until they are written, and does not modify them.
   *
   * @throws {TypeError} if there is no request.
   * @throws {RangeError} if more bytes are supplied than requested.
   */
  supply(bytes: Uint8Array): void {
    const { request } = this
    if (!request) throw new TypeError('the job has not requested bytes of the basis')
    if (bytes.byteLength > request.length) {
      throw new RangeError(`the job requested ${request.length} bytes of the basis, got ${bytes.byteLength}`)
    }
    this.#supplied = bytes
  }

  /**
   * Consumes `input` and fills `output` as far as it can.
   *
   * @throws {FormatError} if the bytes are not a delta for this basis, or produce more than `maxOutputLength`. Every
   * later call throws it again.
   * @throws {IntegrityError} if the result does not have the expected size. Every later call throws it again.
   */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    while (this.#advance(input, output, step)) continue
    countStep(this.#statistics, step)
    return step
  }

  /** Marks the end of the delta. */
  end(): void {
    this.#ended = true
  }

  /**
   * Moves on to the next state. Returns false if it cannot, for lack of input or room, or for the reason in
   * `step.state`.
   */
  #advance(input: Uint8Array, output: Uint8Array, step: Mutable<CodecStep>): boolean {
    const state = this.#state
    switch (state.kind) {
      case 'magic':
        if (!this.#collect(input, step, MAGIC_BYTES)) return false
        if (readU32(this.#field, 0) !== MAGIC_DELTA) this.#fail('magic', 0, 'not an rsync delta: its magic is wrong')
        return this.#enter({ kind: 'opcode' })

      case 'opcode':
        this.#commandOffset = this.#offset
        if (!this.#collect(input, step, 1)) return false
        return this.#enter(this.#command(this.#field[0]!))

      case 'literal-length':
        if (!this.#collect(input, step, state.width)) return false
        return this.#enter(this.#literal(readUnsigned(this.#field, 0, state.width), this.#commandOffset + 1))

      case 'copy-range':
        if (!this.#collect(input, step, state.positionWidth + state.lengthWidth)) return false
        return this.#enter(this.#copy(state.positionWidth, state.lengthWidth))

      case 'literal': {
        const room = Math.min(state.remaining, output.byteLength - step.written)
        const data = input.subarray(step.read, step.read + room)
        output.set(data, step.written)
        step.read += data.byteLength
        step.written += data.byteLength
        this.#offset += data.byteLength
        state.remaining -= data.byteLength
        if (state.remaining === 0) return this.#enter({ kind: 'opcode' })
        if (data.byteLength < room) this.#checkNotEnded()
        return false
      }

      case 'copy': {
        this.#mergeCopies(state, input, step)
        const data = this.#supplied.subarray(0, output.byteLength - step.written)
        output.set(data, step.written)
        step.written += data.byteLength
        this.#supplied = this.#supplied.subarray(data.byteLength)
        state.position += data.byteLength
        state.remaining -= data.byteLength
        if (state.remaining === 0) return this.#enter({ kind: 'opcode' })
        if (step.written < output.byteLength) step.state = 'waiting'
        return false
      }

      case 'end':
        if (step.read < input.byteLength) {
          if (!this.#ignoresTrailingBytes) this.#fail('invalid', this.#offset, 'bytes follow the end of the delta')
          this.#offset += input.byteLength - step.read
          step.read = input.byteLength
        }
        if (this.#ended) step.state = 'done'
        return false

      default:
        throw state.error
    }
  }

  #enter(state: State): true {
    this.#state = state
    this.#fieldLength = 0
    return true
  }

  /** Collects bytes into the field until it has `byteLength`. Returns false if more must arrive first. */
  #collect(input: Uint8Array, step: Mutable<CodecStep>, byteLength: number): boolean {
    while (this.#fieldLength < byteLength) {
      if (step.read === input.byteLength) {
        this.#checkNotEnded()
        return false
      }
      this.#field[this.#fieldLength++] = input[step.read++]!
      this.#offset++
    }
    return true
  }

  #checkNotEnded(): void {
    if (this.#ended) this.#fail('truncated', this.#offset, `the delta is truncated after ${this.#offset} bytes`)
  }

  #command(opcode: number): State {
    if (opcode === OP_END) return this.#endOfResult()
    if (opcode <= OP_LITERAL_SHORT_MAX) return this.#literal(opcode, this.#commandOffset)
    if (opcode <= OP_LITERAL_N8) return { kind: 'literal-length', width: 1 << (opcode - OP_LITERAL_N1) }
    if (opcode <= OP_COPY_N8_N8) {
      return { kind: 'copy-range', ...copyWidths(opcode) }
    }
    return this.#fail('invalid', this.#commandOffset, `reserved opcode 0x${opcode.toString(16)}`)
  }

  #endOfResult(): State {
    if (this.#expectedSize !== undefined && this.#plannedLength < this.#expectedSize) {
      this.#failSize(this.#expectedSize, `${this.#plannedLength} bytes`)
    }
    return { kind: 'end' }
  }

  #literal(length: number | undefined, lengthOffset: number): State {
    const remaining = this.#checkLength(length, lengthOffset)
    this.#statistics.literalCommands++
    this.#statistics.literalBytes += remaining
    this.#statistics.literalCommandBytes += this.#offset - this.#commandOffset
    return { kind: 'literal', remaining }
  }

  #copy(positionWidth: number, lengthWidth: number): State {
    const positionOffset = this.#commandOffset + 1
    const lengthOffset = positionOffset + positionWidth
    const position = readUnsigned(this.#field, 0, positionWidth)
    if (position === undefined || position > this.#basisSize) {
      const start = position === undefined ? 'beyond 2^53' : `at ${position}`
      this.#failCopy(positionOffset, `a copy starts ${start}, past the end of the basis of ${this.#basisSize} bytes`)
    }
    const remaining = this.#checkLength(readUnsigned(this.#field, positionWidth, lengthWidth), lengthOffset)
    if (remaining > this.#basisSize - position) {
      const range = `[${position}, ${position + remaining})`
      this.#failCopy(lengthOffset, `a copy of ${range} runs past the end of the basis of ${this.#basisSize} bytes`)
    }
    this.#countCopy(remaining, this.#offset - this.#commandOffset)
    return { kind: 'copy', position, remaining }
  }

  /**
   * Merges the copies that follow into this one, as long as each is completely available and begins in the basis where
   * the one before ends. An invalid copy stays in the input, and fails once the bytes before it are written.
   */
  #mergeCopies(state: State & { kind: 'copy' }, input: Uint8Array, step: Mutable<CodecStep>): void {
    for (;;) {
      const opcode = input[step.read]
      if (opcode === undefined || opcode < OP_COPY_N1_N1 || opcode > OP_COPY_N8_N8) return
      const { positionWidth, lengthWidth } = copyWidths(opcode)
      const positionStart = step.read + 1
      const lengthStart = positionStart + positionWidth
      const end = lengthStart + lengthWidth
      if (end > input.byteLength) return
      const position = readUnsigned(input, positionStart, positionWidth)
      if (position !== state.position + state.remaining) return
      const length = readUnsigned(input, lengthStart, lengthWidth)
      const maxLength = Math.min(this.#basisSize - position, this.#maxLength())
      if (length === undefined || length === 0 || length > maxLength) return
      this.#offset += end - step.read
      this.#plannedLength += length
      this.#countCopy(length, end - step.read)
      state.remaining += length
      step.read = end
    }
  }

  #countCopy(length: number, commandBytes: number): void {
    this.#statistics.copyCommands++
    this.#statistics.copyBytes += length
    this.#statistics.copyCommandBytes += commandBytes
  }

  /** Bytes that the next command may produce. */
  #maxLength(): number {
    return Math.min(this.#maxOutputLength, this.#expectedSize ?? Infinity) - this.#plannedLength
  }

  #checkLength(length: number | undefined, lengthOffset: number): number {
    if (length === undefined) return this.#fail('invalid', lengthOffset, 'the length of a command is beyond 2^53')
    if (length === 0) return this.#fail('invalid', lengthOffset, 'the length of a command is 0')
    if (length > this.#maxOutputLength - this.#plannedLength) {
      return this.#fail('limit', lengthOffset, `the result would exceed the limit of ${this.#maxOutputLength} bytes`)
    }
    if (this.#expectedSize !== undefined && length > this.#maxLength()) {
      this.#failSize(this.#expectedSize, `more than ${this.#expectedSize} bytes`)
    }
    this.#plannedLength += length
    return length
  }

  #fail(reason: FormatErrorReason, offset: number, message: string): never {
    this.#failWith(new FormatError(message, { reason, offset }))
  }

  /**
   * The cause distinguishes this failure from errors in the delta itself, because a wrong basis can lead to it, too.
   */
  #failCopy(offset: number, message: string): never {
    const cause = new RangeError('the basis is too short')
    this.#failWith(new FormatError(message, { reason: 'invalid', offset, cause }))
  }

  #failSize(expectedSize: number, actual: string): never {
    const expected = `${expectedSize} bytes`
    this.#failWith(new IntegrityError(`the delta produces ${actual}, expected ${expected}`, { expected, actual }))
  }

  #failWith(error: FormatError | IntegrityError): never {
    this.#state = { kind: 'failed', error }
    throw error
  }
}
