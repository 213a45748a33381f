import { IntegrityError } from '../errors.ts'
import type { DeltaParser } from '../rsync/delta-parser.ts'
import { countStep } from '../rsync/statistics.ts'
import type { RdiffBasis } from './rdiff-basis.ts'
import type { RdiffInput } from './rdiff-input.ts'
import { RdiffTurns } from './rdiff-turns.ts'

/** Most bytes of the basis that are kept because copies repeat them. */
const MAX_KEPT_BYTES = 256 * 1024

/** From this size on, bytes that are kept are written from where they are. Fewer are copied to the bytes before them. */
const MIN_PIECE_BYTES = 4 * 1024

const NONE: Uint8Array = new Uint8Array(0)

/** Options of {@linkcode applyRdiffDelta}. */
export interface RdiffPatch {
  /** The file that the delta is applied to. */
  readonly basis: RdiffBasis
  /** Source of the delta. */
  readonly input: RdiffInput
  /** Buffer for all of the delta. */
  readonly inputBuffer: Uint8Array
  /** Buffer for the result. */
  readonly outputBuffer: Uint8Array
  /**
   * Writes pieces of the result, as many bytes as fit into the buffer for it, but for the last ones. Their memory is reused
   * once this has returned or resolved.
   */
  write(pieces: readonly Uint8Array[]): Promise<void> | void
  /** Stops it. */
  readonly signal: AbortSignal
}

/**
 * Applies a delta, and copies less than {@linkcode PatchJob}: it reads the basis to where the bytes are written from.
 *
 * @throws {IntegrityError} if the basis has become shorter.
 */
export async function applyRdiffDelta(delta: DeltaParser, patch: RdiffPatch): Promise<void> {
  const { input, inputBuffer } = patch
  const basis = new RepeatingBasis(patch.basis)
  const result = new Result(patch.outputBuffer)
  const turns = new RdiffTurns(patch.signal)
  let chunk = NONE
  // The next byte of the chunk, and the first one that the statistics do not contain yet.
  let [start, counted] = [0, 0]
  for (;;) {
    start = delta.parse(chunk, start)
    const { state, isDone } = delta
    let moved = 0
    if (state.kind === 'literal') {
      moved = result.append(chunk.subarray(start, start + state.remaining))
      start += moved
    } else if (state.kind === 'copy') {
      moved = basis.copy(state.position, state.remaining, result)
    }
    if (moved > 0) delta.skip(moved)
    if (moved > 0 && !result.isFull) continue
    const isWriting = result.isFull || isDone
    const written = isWriting ? result.byteLength : 0
    if (written > 0) {
      const writing = patch.write(result.take())
      if (writing) await writing
    }
    countStep(delta.statistics, { state: isDone ? 'done' : 'blocked', read: start - counted, written })
    if (isDone) return
    const turn = turns.spend(start - counted + written)
    if (turn) await turn
    counted = start
    if (isWriting) continue
    const reading = input.read(inputBuffer)
    chunk = inputBuffer.subarray(0, typeof reading === 'number' ? reading : await reading)
    start = counted = 0
    if (chunk.byteLength === 0) delta.end()
  }
}

/** The next bytes of the result, as many as its buffer has. Some pieces may be elsewhere, but take up space all the same. */
class Result {
  readonly #buffer: Uint8Array
  #byteLength = 0
  #pieces: Uint8Array[] = []
  /** Bytes that are in the pieces. Those that follow are in the buffer. */
  #collected = 0

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer
  }

  get byteLength(): number {
    return this.#byteLength
  }

  get isFull(): boolean {
    return this.#byteLength === this.#buffer.byteLength
  }

  /** Whether no piece is elsewhere. */
  get isWhole(): boolean {
    return this.#pieces.length === 0
  }

  /** Appends up to `byteLength` bytes that `read` puts into a buffer. Returns their number. */
  appendRead(byteLength: number, read: (buffer: Uint8Array) => number): number {
    const count = read(this.#buffer.subarray(this.#byteLength, this.#byteLength + byteLength))
    this.#byteLength += count
    return count
  }

  /** Appends a copy of as many bytes as there is space for. Returns their number. */
  append(bytes: Uint8Array): number {
    const data = bytes.subarray(0, this.#buffer.byteLength - this.#byteLength)
    this.#buffer.set(data, this.#byteLength)
    this.#byteLength += data.byteLength
    return data.byteLength
  }

  /** Appends bytes that stay where they are, as many as there is space for. Returns their number. */
  appendPiece(bytes: Uint8Array): number {
    const room = this.#buffer.byteLength - this.#byteLength
    const piece = bytes.byteLength <= room ? bytes : bytes.subarray(0, room)
    this.#collect()
    this.#pieces.push(piece)
    this.#byteLength += piece.byteLength
    this.#collected = this.#byteLength
    return piece.byteLength
  }

  /** Gives the pieces out, and starts anew. */
  take(): readonly Uint8Array[] {
    this.#collect()
    const pieces = this.#pieces
    this.#pieces = []
    this.#byteLength = this.#collected = 0
    return pieces
  }

  #collect(): void {
    if (this.#collected === this.#byteLength) return
    this.#pieces.push(this.#buffer.subarray(this.#collected, this.#byteLength))
  }
}

/** Reads the basis, and keeps bytes that one copy after another begins with, such as zeros. */
class RepeatingBasis {
  readonly #basis: RdiffBasis
  /** Where the last copy began that was not of kept bytes. */
  #last = -1
  /** The bytes kept, and their position in the basis. */
  #kept: Uint8Array = NONE
  #keptPosition = 0
  #buffer: Uint8Array = NONE

  constructor(basis: RdiffBasis) {
    this.#basis = basis
  }

  /** Copies the first bytes of a range to a result that is not full. Returns their number. */
  copy(position: number, byteLength: number, result: Result): number {
    const offset = position - this.#keptPosition
    if (offset < 0 || offset >= this.#kept.byteLength) {
      // Pieces of the result may still be in the buffer.
      if (position !== this.#last || !result.isWhole) {
        this.#last = position
        return result.appendRead(byteLength, (buffer) => this.#read(buffer, position))
      }
      if (this.#buffer === NONE) this.#buffer = new Uint8Array(MAX_KEPT_BYTES)
      this.#keptPosition = position
      this.#kept = this.#buffer.subarray(0, this.#read(this.#buffer.subarray(0, byteLength), position))
      return this.copy(position, byteLength, result)
    }
    const isAll = offset === 0 && byteLength === this.#kept.byteLength
    const bytes = isAll ? this.#kept : this.#kept.subarray(offset, offset + byteLength)
    return bytes.byteLength < MIN_PIECE_BYTES ? result.append(bytes) : result.appendPiece(bytes)
  }

  #read(buffer: Uint8Array, position: number): number {
    const byteLength = this.#basis.read(buffer, position)
    if (byteLength > 0) return byteLength
    throw new IntegrityError(`the basis ends at byte ${position}, but had ${this.#basis.size} bytes`, {
      expected: `${this.#basis.size} bytes`,
      actual: `${position} bytes`,
    })
  }
}
