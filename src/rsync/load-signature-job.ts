import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { readU32 } from '../bytes/integers.ts'
import { FormatError, type FormatErrorReason } from '../errors.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import {
  BLAKE2B_BYTES,
  BLOCK_LENGTH_OFFSET,
  MAGIC_BYTES,
  MAX_BLOCK_LENGTH,
  SIGNATURE_HEADER_BYTES,
  STRONG_LENGTH_OFFSET,
  WEAK_SUM_BYTES,
} from './wire-format.ts'
import { Signature } from './signature.ts'
import { countStep, jobStatistics, type JobStatistics, type Mutable } from './statistics.ts'
import { DEFAULT_SUM, type SumFormat, sumFormat, sumFormatOf } from './sum-formats.ts'

/** Limits on an untrusted signature, checked before memory is allocated for it. */
export interface SignatureLimits {
  /**
   * The largest block length accepted, in bytes. A delta holds two blocks in memory.
   * @default 16 MiB, which rdiff's defaults reach at a basis of 256 TiB
   */
  blockLength?: number | undefined
  /**
   * The largest number of blocks accepted. A block takes up to 36 bytes of memory, or three times that while the
   * signature grows.
   * @default 4,194,304, which rdiff's defaults reach at a basis of 16 TiB, or of 8 GiB if its size was not known
   */
  blockCount?: number | undefined
}

/** Options of {@linkcode LoadSignatureJob}. */
export interface LoadSignatureJobOptions {
  /** Limits on the signature. */
  limits?: SignatureLimits | undefined
}

/** What the next bytes are expected to be. */
type State =
  | { readonly kind: 'magic' }
  | { readonly kind: 'header' }
  | { readonly kind: 'record' }
  | { readonly kind: 'done'; readonly signature: Signature }
  | { readonly kind: 'failed'; readonly error: FormatError }

const DEFAULT_MAX_BLOCK_LENGTH = 16 * 1024 * 1024
const DEFAULT_MAX_BLOCK_COUNT = 4 * 1024 * 1024
const INITIAL_CAPACITY = 1024

/**
 * The synchronous core of `loadSignature`. It takes the bytes of a signature, writes no output, and provides the
 * {@linkcode LoadSignatureJob.signature} when it is done.
 *
 * @example
 * ```ts
 * import { LoadSignatureJob } from 'combstream/rsync'
 *
 * const job = new LoadSignatureJob()
 * job.iterate(new Uint8Array([0x72, 0x73, 1, 0x47, 0, 0, 1, 0, 0, 0, 0, 8])) // header only: an empty basis
 * job.end()
 * console.log(job.iterate(new Uint8Array(0)).state, job.signature?.blockCount) // done 0
 * ```
 */
export class LoadSignatureJob implements Codec {
  readonly #limits: Required<{ [L in keyof SignatureLimits]: number }>
  readonly #statistics: Mutable<JobStatistics> = jobStatistics()
  #state: State = { kind: 'magic' }
  /** The bytes received so far of the header, or of a record that was split across inputs. */
  readonly #field: Uint8Array = new Uint8Array(WEAK_SUM_BYTES + BLAKE2B_BYTES)
  #fieldLength = 0
  #format: SumFormat = sumFormat(DEFAULT_SUM)
  #blockLength = 0
  #strongLength = 0
  #blockCount = 0
  #weakSums = new Uint32Array(0)
  #strongSums = new Uint8Array(0)
  #ended = false

  /**
   * Creates a job.
   *
   * @throws {TypeError} if a limit is not an integer.
   * @throws {RangeError} if a limit is out of range.
   */
  constructor({ limits = {} }: LoadSignatureJobOptions = {}) {
    const { blockLength = DEFAULT_MAX_BLOCK_LENGTH, blockCount = DEFAULT_MAX_BLOCK_COUNT } = limits
    this.#limits = {
      blockLength: checkInteger('limits.blockLength', blockLength, 1, MAX_BLOCK_LENGTH),
      blockCount: checkInteger('limits.blockCount', blockCount, 0, 2 ** 32 - 1),
    }
  }

  /** Live statistics of the job. Always the same object. */
  get statistics(): JobStatistics {
    return this.#statistics
  }

  /** The signature, or undefined until the job is done. */
  get signature(): Signature | undefined {
    return this.#state.kind === 'done' ? this.#state.signature : undefined
  }

  /**
   * Consumes all of `input`. Writes no output.
   *
   * @throws {FormatError} if the bytes are not a signature, or exceed the limits. Every later call throws it again.
   */
  iterate(input: Uint8Array): CodecStep {
    let read = 0
    // A failed job enters the loop even without input, so that every call throws.
    while (read < input.byteLength || this.#state.kind === 'failed') read += this.#advance(input, read)
    if (this.#ended && this.#state.kind !== 'done') this.#finish()
    const step = { state: this.#ended ? 'done' : 'blocked', read, written: 0 } as const
    countStep(this.#statistics, step)
    return step
  }

  /** Marks the end of the signature. */
  end(): void {
    this.#ended = true
  }

  /** Consumes the next field, or as much of it as there is. Returns the number of bytes consumed. */
  #advance(input: Uint8Array, start: number): number {
    const state = this.#state
    switch (state.kind) {
      case 'magic': {
        const read = this.#collect(input, start, MAGIC_BYTES)
        if (this.#fieldLength === MAGIC_BYTES) this.#checkMagic()
        return read
      }
      case 'header': {
        const read = this.#collect(input, start, SIGNATURE_HEADER_BYTES)
        if (this.#fieldLength === SIGNATURE_HEADER_BYTES) this.#parseHeader()
        return read
      }
      case 'record': {
        const recordLength = WEAK_SUM_BYTES + this.#strongLength
        const count = this.#fieldLength > 0 ? 0 : Math.floor((input.byteLength - start) / recordLength)
        if (count > 0) {
          this.#addBlocks(input, start, count)
          return count * recordLength
        }
        const read = this.#collect(input, start, recordLength)
        if (this.#fieldLength === recordLength) {
          this.#addBlocks(this.#field, 0, 1)
          this.#fieldLength = 0
        }
        return read
      }
      case 'done':
        throw new TypeError('the job was given input after end()')
      default:
        throw state.error
    }
  }

  #collect(input: Uint8Array, start: number, byteLength: number): number {
    const piece = input.subarray(start, start + byteLength - this.#fieldLength)
    this.#field.set(piece, this.#fieldLength)
    this.#fieldLength += piece.byteLength
    return piece.byteLength
  }

  #checkMagic(): void {
    const magic = readU32(this.#field, 0)
    const format = sumFormatOf(magic)
    if (!format) {
      const text = `0x${magic.toString(16).padStart(8, '0')}`
      this.#fail('magic', 0, `not an rsync signature: it begins with ${text}`)
    }
    this.#format = format
    this.#state = { kind: 'header' }
  }

  #parseHeader(): void {
    this.#blockLength = readU32(this.#field, BLOCK_LENGTH_OFFSET)
    if (this.#blockLength < 1 || this.#blockLength > MAX_BLOCK_LENGTH) {
      this.#fail('invalid', BLOCK_LENGTH_OFFSET, `invalid block length: ${this.#blockLength} bytes`)
    }
    if (this.#blockLength > this.#limits.blockLength) {
      const message = `the block length is ${this.#blockLength} bytes, above the limit of ${this.#limits.blockLength}`
      this.#fail('limit', BLOCK_LENGTH_OFFSET, message)
    }
    // librsync takes 0 to mean the full strong sum.
    this.#strongLength = readU32(this.#field, STRONG_LENGTH_OFFSET) || this.#format.maxStrongLength
    if (this.#strongLength > this.#format.maxStrongLength) {
      this.#fail(
        'invalid',
        STRONG_LENGTH_OFFSET,
        `invalid strong sum length for ${this.#format.name}: ${this.#strongLength} bytes`,
      )
    }
    this.#fieldLength = 0
    this.#state = { kind: 'record' }
  }

  /** Adds the blocks of `count` records. It is one loop, because most processes run it before it is compiled. */
  #addBlocks(records: Uint8Array, start: number, count: number): void {
    const { blockCount: limit } = this.#limits
    const blockCount = Math.min(limit, this.#blockCount + count)
    if (blockCount > this.#weakSums.length) {
      this.#setCapacity(Math.min(limit, Math.max(INITIAL_CAPACITY, 2 * this.#blockCount, blockCount)))
    }
    const weakSums = this.#weakSums
    const strongSums = this.#strongSums
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength)
    let from = start
    let to = this.#blockCount * this.#strongLength
    for (let block = this.#blockCount; block < blockCount; block++) {
      weakSums[block] = view.getUint32(from)
      from += WEAK_SUM_BYTES
      const end = from + this.#strongLength
      while (from < end) strongSums[to++] = records[from++]!
    }
    const isWithinLimit = this.#blockCount + count === blockCount
    this.#blockCount = blockCount
    if (!isWithinLimit) this.#fail('limit', this.#offset, `the signature has more than ${limit} blocks, the limit`)
  }

  #setCapacity(blockCount: number): void {
    const weakSums = new Uint32Array(blockCount)
    weakSums.set(this.#weakSums.subarray(0, this.#blockCount))
    const strongSums = new Uint8Array(blockCount * this.#strongLength)
    strongSums.set(this.#strongSums.subarray(0, this.#blockCount * this.#strongLength))
    this.#weakSums = weakSums
    this.#strongSums = strongSums
  }

  #finish(): void {
    if (this.#state.kind !== 'record' || this.#fieldLength > 0) {
      const offset = this.#offset + this.#fieldLength
      this.#fail('truncated', offset, `the signature is truncated after ${offset} bytes`)
    }
    if (this.#blockCount < this.#weakSums.length) this.#setCapacity(this.#blockCount)
    const signature = new Signature({
      blockLength: this.#blockLength,
      strongLength: this.#strongLength,
      weakSums: this.#weakSums,
      strongSums: this.#strongSums,
      sum: this.#format.name,
    })
    this.#state = { kind: 'done', signature }
  }

  /** Offset of the header or record that the next bytes belong to. */
  get #offset(): number {
    if (this.#state.kind !== 'record') return 0
    return SIGNATURE_HEADER_BYTES + this.#blockCount * (WEAK_SUM_BYTES + this.#strongLength)
  }

  #fail(reason: FormatErrorReason, offset: number, message: string): never {
    const error = new FormatError(message, { reason, offset })
    this.#state = { kind: 'failed', error }
    throw error
  }
}
