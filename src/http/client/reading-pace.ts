/**
 * The default size of a store's blocks. When a range ends within a block, the server reads that block twice: with
 * ranges of 1,000,000 bytes instead of 1,048,576, its CPU time was measured to be 40 % less.
 */
const BLOCK_BYTES = 1_000_000

/** How much faster reading must become for another range at a time to stay. */
const GAIN = 1.1

/**
 * Bytes per millisecond at which one connection is enough: `fetch` of Node then takes a good part of a core, and the
 * servers that limit a connection, such as object stores, have a lower limit.
 */
const FAST_RATE = 100_000
/** The least range whose rate tells that. */
const RATED_BYTES = 4 * BLOCK_BYTES

/** Bounds of a {@linkcode ReadingPace}. */
export interface ReadingBounds {
  /** Largest number of bytes that are requested and not delivered. */
  readonly readAhead: number
  /** Largest number of ranges at a time. */
  readonly parallel: number
  /** Largest number of bytes of a range. */
  readonly rangeBytes: number
  /** Whether one range may take all the rest, because the host receives an answer only as fast as it is read. */
  readonly mayTakeRest: boolean
}

/** How far a stream is. */
export interface ReadingProgress {
  /** Number of ranges that are requested and not delivered. */
  readonly ranges: number
  /** Offset of the next byte to deliver. */
  readonly offset: number
  /** Offset after the last byte that is requested. */
  readonly requestedEnd: number
  /** Number of bytes that are requested and have not arrived. */
  readonly missingBytes: number
}

/**
 * Decides how large the ranges of a stream are, how many are requested at a time, and when.
 *
 * Ranges begin with a block and double as long as the reader waits for the network, so they grow with the speed of the
 * reader and with the round trip. The next range is requested while the last block of the one before it, or its last
 * quarter, is arriving. Once ranges have their full size, another one at a time is tried, and kept if bytes then arrive
 * faster. In this way a stream takes a single connection most of the time where that is enough.
 *
 * Once it is known to be enough, the next range takes all the rest, if that is allowed: each range costs server and client
 * about as much as a megabyte does, and a server that starts anew is slower for a while.
 */
export class ReadingPace {
  readonly #bounds: ReadingBounds
  readonly #parallel: number
  /** Number of ranges at a time. */
  #ranges: number
  #rangeBytes: number
  #hasWaited = false
  #deliveredMs: number
  #arrivedBytes = 0
  /** Bytes per millisecond with one range fewer at a time. */
  #slowerRate = 0
  /** Whether the number of ranges has just changed, so that the next rate tells nothing. */
  #isChanging = false
  #isSettled = false
  #takesRest = false

  /** `nowMs` is the time in milliseconds, from any start. */
  constructor(bounds: ReadingBounds, nowMs: number) {
    this.#bounds = bounds
    // Fewer ranges rather than ranges of less than a block; but, if allowed, two of them.
    const most = Math.floor(bounds.readAhead / Math.min(bounds.rangeBytes, BLOCK_BYTES))
    this.#parallel = Math.min(bounds.parallel, Math.max(2, most))
    this.#ranges = Math.min(2, this.#parallel)
    this.#rangeBytes = Math.min(BLOCK_BYTES, this.#largest)
    this.#deliveredMs = nowMs
  }

  /**
   * Where a range that begins at `start` ends, if the range before it has been delivered or may be. Infinity is the end of
   * what is read.
   */
  endOf(start: number): number {
    if (this.#takesRest) return Infinity
    const end = start + this.#rangeBytes
    return this.#rangeBytes < BLOCK_BYTES ? end : end - (end % BLOCK_BYTES)
  }

  /** Whether it is time to request another range, before the last one has been delivered. */
  allows({ ranges, offset, requestedEnd, missingBytes }: ReadingProgress): boolean {
    const leadBytes = Math.max(this.#rangeBytes / 4, Math.min(BLOCK_BYTES, this.#rangeBytes))
    return (
      ranges < this.#ranges &&
      missingBytes <= (this.#ranges - 2) * this.#rangeBytes + leadBytes &&
      // Of all the rest, no more is held than of any range.
      Math.min(this.endOf(requestedEnd), requestedEnd + this.#rangeBytes) - offset <= this.#bounds.readAhead
    )
  }

  /** The most that is held of a range before it is delivered. */
  get heldBytes(): number {
    return this.#rangeBytes
  }

  /** The reader waits for bytes. */
  waited(): void {
    this.#hasWaited = true
  }

  /** A range of so many bytes has been delivered. `arrivedBytes` have arrived up to now, also of other ranges. */
  delivered(byteLength: number, arrivedBytes: number, nowMs: number): void {
    const rate = (arrivedBytes - this.#arrivedBytes) / Math.max(1, nowMs - this.#deliveredMs)
    this.#arrivedBytes = arrivedBytes
    this.#deliveredMs = nowMs
    if (!this.#hasWaited) return
    this.#hasWaited = false
    if (this.#ranges <= 2 && byteLength >= RATED_BYTES && rate >= FAST_RATE) this.#takesRest = this.#bounds.mayTakeRest
    if (this.#rangeBytes < this.#largest) {
      this.#rangeBytes = Math.min(2 * this.#rangeBytes, this.#largest)
    } else if (!this.#isSettled && byteLength <= this.#rangeBytes && byteLength > this.#rangeBytes - BLOCK_BYTES) {
      // Not a range that was requested when there were fewer at a time.
      if (this.#isChanging) this.#isChanging = false
      else this.#judge(rate)
    }
  }

  get #largest(): number {
    return Math.min(Math.floor(this.#bounds.readAhead / this.#ranges), this.#bounds.rangeBytes)
  }

  /** Decides about the number of ranges at a time, now that it is known how fast bytes arrive with this number. */
  #judge(rate: number): void {
    const isFaster = rate >= GAIN * this.#slowerRate
    this.#isSettled = !isFaster || this.#ranges === this.#parallel
    this.#isChanging = true
    this.#slowerRate = rate
    if (!isFaster) this.#ranges--
    else if (!this.#isSettled) this.#ranges++
    this.#rangeBytes = Math.min(this.#rangeBytes, this.#largest)
    if (this.#isSettled && this.#ranges <= 2) this.#takesRest = this.#bounds.mayTakeRest
  }
}
