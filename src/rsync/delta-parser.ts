import { checkInteger } from '../bytes/check-integer.ts'
import { describeValue } from '../bytes/describe-value.ts'
import { readU32, readUnsigned } from '../bytes/integers.ts'
import { FormatError, type FormatErrorReason, IntegrityError } from '../errors.ts'
import { copyWidths } from './copy-widths.ts'
import type { PatchOptions } from './patch-options.ts'
import { type Mutable, type PatchStatistics, patchStatistics } from './statistics.ts'
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

/** What a delta continues with. */
export type DeltaState =
  | { readonly kind: 'magic' }
  | { readonly kind: 'opcode' }
  | { readonly kind: 'literal-length'; readonly width: number }
  /** The next `remaining` bytes of the delta are bytes of the result. */
  | { readonly kind: 'literal'; remaining: number }
  | { readonly kind: 'copy-range'; readonly positionWidth: number; readonly lengthWidth: number }
  /** The next `remaining` bytes of the result are those of the basis at `position`. */
  | { readonly kind: 'copy'; position: number; remaining: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: FormatError | IntegrityError }

const MAX_PARAMETER_BYTES = 16

// States that do not change are made once, because a delta may have a command for every few bytes.
const OPCODE: DeltaState = { kind: 'opcode' }
const COPY_RANGES = Array.from({ length: OP_COPY_N8_N8 - OP_COPY_N1_N1 + 1 }, (_, i): DeltaState => {
  return { kind: 'copy-range', ...copyWidths(OP_COPY_N1_N1 + i) }
})

/**
 * Parses the commands of a delta. It says where each byte of the result is, in the delta or in the basis; whoever drives it
 * moves the bytes.
 */
export class DeltaParser {
  /** Statistics of the commands. The driver counts the bytes that it moves. */
  readonly statistics: Mutable<PatchStatistics> = patchStatistics()
  readonly #basisSize: number
  readonly #maxOutputLength: number
  readonly #expectedSize: number | undefined
  readonly #ignoresTrailingBytes: boolean
  #state: DeltaState = { kind: 'magic' }
  /** The bytes received so far of the magic, or of a command's parameters. */
  readonly #field: Uint8Array = new Uint8Array(MAX_PARAMETER_BYTES)
  #fieldLength = 0
  /** Bytes of the delta consumed so far. */
  #offset = 0
  /** Offset in the delta of the current command. */
  #commandOffset = 0
  /** Bytes of the result that the commands read so far produce. */
  #plannedLength = 0
  #ended = false

  /**
   * Creates a parser of a delta for a basis of `basisSize` bytes.
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

  /** What the delta continues with. */
  get state(): DeltaState {
    return this.#state
  }

  /** Whether the delta has been parsed to its end. */
  get isDone(): boolean {
    return this.#ended && this.#state.kind === 'end'
  }

  /**
   * Parses `input` from offset `start`, up to the next bytes of the result or the end of the input. Copies that follow are
   * merged into the current one, as long as each begins in the basis where the one before ends.
   *
   * @returns the offset of the first byte of the input that it has not consumed.
   * @throws {FormatError} if the bytes are not a delta for this basis, or produce more than `maxOutputLength`. Every
   * later call throws it again.
   * @throws {IntegrityError} if the result does not have the expected size. Every later call throws it again.
   */
  parse(input: Uint8Array, start: number): number {
    let position = start
    for (;;) {
      const state = this.#state
      switch (state.kind) {
        case 'magic':
          position = this.#collect(input, position, MAGIC_BYTES)
          if (this.#fieldLength < MAGIC_BYTES) return position
          if (readU32(this.#field, 0) !== MAGIC_DELTA) this.#fail('magic', 0, 'not an rsync delta: its magic is wrong')
          this.#enter(OPCODE)
          break

        case 'opcode':
          this.#commandOffset = this.#offset
          position = this.#collect(input, position, 1)
          if (this.#fieldLength < 1) return position
          this.#enter(this.#command(this.#field[0]!))
          break

        case 'literal-length':
          position = this.#collect(input, position, state.width)
          if (this.#fieldLength < state.width) return position
          this.#enter(this.#literal(readUnsigned(this.#field, 0, state.width), this.#commandOffset + 1))
          break

        case 'copy-range': {
          const byteLength = state.positionWidth + state.lengthWidth
          position = this.#collect(input, position, byteLength)
          if (this.#fieldLength < byteLength) return position
          this.#enter(this.#copy(state.positionWidth, state.lengthWidth))
          break
        }

        case 'literal':
          if (position === input.byteLength) this.#checkNotEnded()
          return position

        case 'copy':
          return this.#mergeCopies(state, input, position)

        case 'end':
          if (position < input.byteLength) {
            if (!this.#ignoresTrailingBytes) this.#fail('invalid', this.#offset, 'bytes follow the end of the delta')
            this.#offset += input.byteLength - position
          }
          return input.byteLength

        default:
          throw state.error
      }
    }
  }

  /** Moves past so many bytes of the current literal or copy. Those of a literal are consumed from the delta. */
  skip(byteLength: number): void {
    const state = this.#state
    if (state.kind === 'literal') this.#offset += byteLength
    else if (state.kind === 'copy') state.position += byteLength
    else throw new TypeError('the delta does not continue with bytes of the result')
    state.remaining -= byteLength
    if (state.remaining === 0) this.#enter(OPCODE)
  }

  /** Marks the end of the delta. */
  end(): void {
    this.#ended = true
  }

  #enter(state: DeltaState): void {
    this.#state = state
    this.#fieldLength = 0
  }

  /** Collects bytes into the field until it has `byteLength`, or the input ends. Returns the offset of the next byte. */
  #collect(input: Uint8Array, start: number, byteLength: number): number {
    let position = start
    while (this.#fieldLength < byteLength) {
      if (position === input.byteLength) {
        this.#checkNotEnded()
        break
      }
      this.#field[this.#fieldLength++] = input[position++]!
    }
    this.#offset += position - start
    return position
  }

  #checkNotEnded(): void {
    if (this.#ended) this.#fail('truncated', this.#offset, `the delta is truncated after ${this.#offset} bytes`)
  }

  #command(opcode: number): DeltaState {
    if (opcode === OP_END) return this.#endOfResult()
    if (opcode <= OP_LITERAL_SHORT_MAX) return this.#literal(opcode, this.#commandOffset)
    if (opcode <= OP_LITERAL_N8) return { kind: 'literal-length', width: 1 << (opcode - OP_LITERAL_N1) }
    if (opcode <= OP_COPY_N8_N8) return COPY_RANGES[opcode - OP_COPY_N1_N1]!
    return this.#fail('invalid', this.#commandOffset, `reserved opcode 0x${opcode.toString(16)}`)
  }

  #endOfResult(): DeltaState {
    if (this.#expectedSize !== undefined && this.#plannedLength < this.#expectedSize) {
      this.#failSize(this.#expectedSize, `${this.#plannedLength} bytes`)
    }
    return { kind: 'end' }
  }

  #literal(length: number | undefined, lengthOffset: number): DeltaState {
    const remaining = this.#checkLength(length, lengthOffset)
    this.statistics.literalCommands++
    this.statistics.literalBytes += remaining
    this.statistics.literalCommandBytes += this.#offset - this.#commandOffset
    return { kind: 'literal', remaining }
  }

  #copy(positionWidth: number, lengthWidth: number): DeltaState {
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
  #mergeCopies(state: DeltaState & { kind: 'copy' }, input: Uint8Array, start: number): number {
    for (let commandStart = start; ;) {
      const opcode = input[commandStart]
      if (opcode === undefined || opcode < OP_COPY_N1_N1 || opcode > OP_COPY_N8_N8) return commandStart
      const { positionWidth, lengthWidth } = copyWidths(opcode)
      const positionStart = commandStart + 1
      const lengthStart = positionStart + positionWidth
      const end = lengthStart + lengthWidth
      if (end > input.byteLength) return commandStart
      const position = readUnsigned(input, positionStart, positionWidth)
      if (position !== state.position + state.remaining) return commandStart
      const length = readUnsigned(input, lengthStart, lengthWidth)
      const maxLength = Math.min(this.#basisSize - position, this.#maxLength())
      if (length === undefined || length === 0 || length > maxLength) return commandStart
      this.#offset += end - commandStart
      this.#plannedLength += length
      this.#countCopy(length, end - commandStart)
      state.remaining += length
      commandStart = end
    }
  }

  #countCopy(length: number, commandBytes: number): void {
    this.statistics.copyCommands++
    this.statistics.copyBytes += length
    this.statistics.copyCommandBytes += commandBytes
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
