import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { readU16, readU32, readU64 } from '../bytes/integers.ts'
import { FormatError, type FormatErrorReason, IntegrityError } from '../errors.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import {
  MAGIC_BYTES,
  MAGIC_DELTA,
  OP_COPY_N1_N1,
  OP_COPY_N8_N8,
  OP_END,
  OP_LITERAL_N1,
  OP_LITERAL_N8,
  OP_LITERAL_SHORT_MAX,
} from './format.ts'
import { countStep, type Mutable, type PatchStatistics, patchStatistics } from './statistics.ts'

/** What is known of the result before it is made. */
export interface ExpectedSize {
  /**
   * Number of bytes that the result must have; any other is an `IntegrityError`: more as soon as a command would make
   * them, before the first of its bytes is given out, fewer when the delta ends.
   * @default unknown
   */
  readonly size?: number | undefined
}

/** Options of {@linkcode PatchJob}. */
export interface PatchOptions {
  /**
   * The most bytes that the result may have, since a delta of few bytes can ask for any number of them.
   * @default Infinity: the result is never held, so only its receiver knows how much is too much
   */
  maxOutputLength?: number | undefined
  /** What the result must be, if that is known. */
  expected?: ExpectedSize | undefined
  /**
   * What becomes of bytes that follow the end command: a `FormatError`; or, as in librsync, they are taken and ignored.
   * @default 'error'
   */
  trailingBytes?: 'error' | 'ignore' | undefined
}

/** A piece of the basis that a {@linkcode PatchJob} needs. */
export interface BasisRequest {
  /** Offset in the basis of the first byte. */
  readonly position: number
  /** Number of bytes. */
  readonly length: number
}

/** What the job waits for. */
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
 * The synchronous core of `PatchStream`: takes a delta and gives the new bytes. When it needs a piece of the basis, it
 * is `waiting`, has a {@linkcode PatchJob.request}, and goes on after {@linkcode PatchJob.supply}. Copies in a row that
 * go on in the basis where the one before ends are one request, as far as the input at hand shows them. It holds no
 * bytes but the last ones supplied.
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
  /** What has come of the magic, or of a command's parameters. */
  readonly #field: Uint8Array = new Uint8Array(MAX_PARAMETER_BYTES)
  #fieldLength = 0
  /** Bytes of the delta that have been taken. */
  #offset = 0
  /** Offset in the delta of the command under way. */
  #commandOffset = 0
  /** Bytes of the result that the commands so far make. */
  #announced = 0
  /** Bytes of the basis that have been supplied and not written. */
  #supplied: Uint8Array = NONE
  #ended = false

  /**
   * Makes a job for a basis of `basisSize` bytes.
   *
   * @throws {TypeError} if an argument is of the wrong type.
   * @throws {RangeError} if an argument is out of its range.
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
      throw new TypeError(`trailingBytes must be 'error' or 'ignore', got ${String(trailingBytes)}`)
    }
    this.#ignoresTrailingBytes = trailingBytes === 'ignore'
  }

  /** What the job has counted so far; the same object at all times. */
  get statistics(): PatchStatistics {
    return this.#statistics
  }

  /** The piece of the basis that is needed next; undefined unless the job is `waiting`. */
  get request(): BasisRequest | undefined {
    const state = this.#state
    if (state.kind !== 'copy' || this.#supplied.byteLength > 0) return undefined
    return { position: state.position, length: state.remaining }
  }

  /**
   * Gives the requested piece of the basis, or the first bytes of it; the job asks for the rest later. It keeps `bytes`
   * until they are written, and only reads them.
   *
   * @throws {TypeError} if nothing was requested.
   * @throws {RangeError} if there are more bytes than requested.
   */
  supply(bytes: Uint8Array): void {
    const { request } = this
    if (!request) throw new TypeError('no bytes of the basis are requested')
    if (bytes.byteLength > request.length) {
      throw new RangeError(`${request.length} bytes of the basis are requested, got ${bytes.byteLength}`)
    }
    this.#supplied = bytes
  }

  /**
   * Takes from `input` and fills `output` as far as it can.
   *
   * @throws {FormatError} if the bytes are no delta for this basis, or it gives more than allowed, and at every call
   * after that.
   * @throws {IntegrityError} if the result has not the expected size, and at every call after that.
   */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    while (this.#advance(input, output, step)) continue
    countStep(this.#statistics, step)
    return step
  }

  /** Says that the delta ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  /** Leaves a state for the next one; or (false) cannot, for want of input, of room, or of what `step.state` says. */
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
        return this.#enter(this.#literal(readInteger(this.#field, 0, state.width), this.#commandOffset + 1))

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
        this.#lengthen(state, input, step)
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

  /** Takes bytes into the field until it has `byteLength`; false if they have not all come. */
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
    if (this.#ended) this.#fail('truncated', this.#offset, `the delta ends too early, after ${this.#offset} bytes`)
  }

  #command(opcode: number): State {
    if (opcode === OP_END) return this.#endOfResult()
    if (opcode <= OP_LITERAL_SHORT_MAX) return this.#literal(opcode, this.#commandOffset)
    if (opcode <= OP_LITERAL_N8) return { kind: 'literal-length', width: 1 << (opcode - OP_LITERAL_N1) }
    if (opcode <= OP_COPY_N8_N8) {
      return { kind: 'copy-range', ...copyWidths(opcode) }
    }
    return this.#fail('invalid', this.#commandOffset, `reserved command 0x${opcode.toString(16)}`)
  }

  #endOfResult(): State {
    if (this.#expectedSize !== undefined && this.#announced < this.#expectedSize) {
      this.#failSize(this.#expectedSize, `${this.#announced} bytes`)
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
    const position = readInteger(this.#field, 0, positionWidth)
    if (position === undefined || position > this.#basisSize) {
      const where = position === undefined ? 'beyond 2^53' : `at ${position}`
      this.#failCopy(positionOffset, `a copy ${where}, past the end of a basis of ${this.#basisSize} bytes`)
    }
    const remaining = this.#checkLength(readInteger(this.#field, positionWidth, lengthWidth), lengthOffset)
    if (remaining > this.#basisSize - position) {
      const range = `[${position}, ${position + remaining})`
      this.#failCopy(lengthOffset, `a copy of ${range}, past the end of a basis of ${this.#basisSize} bytes`)
    }
    this.#countCopy(remaining, this.#offset - this.#commandOffset)
    return { kind: 'copy', position, remaining }
  }

  /**
   * Takes the copies that come next, as long as each is at hand whole and begins in the basis where the one before
   * ends. One that is wrong is left, to fail when the bytes before it are written.
   */
  #lengthen(state: State & { kind: 'copy' }, input: Uint8Array, step: Mutable<CodecStep>): void {
    for (;;) {
      const opcode = input[step.read]
      if (opcode === undefined || opcode < OP_COPY_N1_N1 || opcode > OP_COPY_N8_N8) return
      const { positionWidth, lengthWidth } = copyWidths(opcode)
      const positionStart = step.read + 1
      const lengthStart = positionStart + positionWidth
      const end = lengthStart + lengthWidth
      if (end > input.byteLength) return
      const position = readInteger(input, positionStart, positionWidth)
      if (position !== state.position + state.remaining) return
      const length = readInteger(input, lengthStart, lengthWidth)
      const most = Math.min(this.#basisSize - position, this.#maxLength())
      if (length === undefined || length === 0 || length > most) return
      this.#offset += end - step.read
      this.#announced += length
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

  /** Bytes that the next command may make. */
  #maxLength(): number {
    return Math.min(this.#maxOutputLength, this.#expectedSize ?? Infinity) - this.#announced
  }

  #checkLength(length: number | undefined, lengthOffset: number): number {
    if (length === undefined) return this.#fail('invalid', lengthOffset, 'a command with a length beyond 2^53')
    if (length === 0) return this.#fail('invalid', lengthOffset, 'a command with a length of 0')
    if (length > this.#maxOutputLength - this.#announced) {
      return this.#fail('limit', lengthOffset, `a result of more than ${this.#maxOutputLength} bytes`)
    }
    if (this.#expectedSize !== undefined && length > this.#maxLength()) {
      this.#failSize(this.#expectedSize, `more than ${this.#expectedSize} bytes`)
    }
    this.#announced += length
    return length
  }

  #fail(reason: FormatErrorReason, offset: number, message: string): never {
    this.#failWith(new FormatError(message, { reason, offset }))
  }

  /** Its cause tells this failure, which a wrong basis has as well, from those of the delta alone. */
  #failCopy(offset: number, message: string): never {
    const cause = new RangeError('the basis has not so many bytes')
    this.#failWith(new FormatError(message, { reason: 'invalid', offset, cause }))
  }

  #failSize(expectedSize: number, actual: string): never {
    const expected = `${expectedSize} bytes`
    this.#failWith(new IntegrityError(`the patch makes ${actual} where ${expected} are expected`, { expected, actual }))
  }

  #failWith(error: FormatError | IntegrityError): never {
    this.#state = { kind: 'failed', error }
    throw error
  }
}

function copyWidths(opcode: number): { positionWidth: number; lengthWidth: number } {
  const widths = opcode - OP_COPY_N1_N1
  return { positionWidth: 1 << (widths >> 2), lengthWidth: 1 << (widths & 3) }
}

/** Reads an integer of 1, 2, 4 or 8 bytes; undefined if it is above 2^53 - 1. */
function readInteger(bytes: Uint8Array, byteOffset: number, width: number): number | undefined {
  switch (width) {
    case 1:
      return bytes[byteOffset]!
    case 2:
      return readU16(bytes, byteOffset)
    case 4:
      return readU32(bytes, byteOffset)
    default:
      return readU64(bytes, byteOffset)
  }
}
