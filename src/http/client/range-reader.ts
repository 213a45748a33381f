import { ownBytes } from '../../bytes/byte-order.ts'
import type { ByteRange } from '../../bytes/byte-range.ts'
import { asBytes } from '../../bytes/chunk-reader.ts'
import { isTransient } from '../../bytes/is-transient.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError, FormatError } from '../../errors.ts'
import type { HttpClient } from './http-client.ts'
import { type OpenAnswer, openRange, type RemoteVersion } from './open-range.ts'
import { StallTimer } from '../protocol/stall-timer.ts'

/** What a {@linkcode RangeReader} reads. */
export interface RangeReaderOptions {
  /** Sends the requests. */
  readonly client: HttpClient
  /** The version to read. */
  readonly version: RemoteVersion
  /** The bytes to request; not empty. */
  readonly range: ByteRange
  /** Offset up to which bytes are wanted if the answer has more than was requested. */
  readonly lastEnd: number
  /** The most bytes to hold, and one chunk, before the range is delivered. */
  readonly heldBytes: number
  /** Whether the rest may be requested later: not of a version that only an answer that has begun still has. */
  readonly mayReopen: boolean
  /** Called when an answer has arrived, and when all bytes have. */
  readonly changed: () => void
}

/** How many times as long as an unread answer a silent server is waited for: those that wait for a connection must not give up. */
const PATIENCE = 3

/** An answer that ends early or breaks off after fewer bytes is tiny. Servers that limit a range allow a multiple of this. */
const TINY_BYTES = 1024
/** How many tiny answers in a row are accepted without a pause or an error: an entry that arrives byte by byte would need a request for each. */
const MOST_TINY = 16

/**
 * Reads one range of a version, from as many answers as that takes: when an answer breaks off or ends early, the next
 * request starts at the byte where it did. Every answer must be of that version.
 *
 * An answer that nobody reads for a third of the time after which a server counts as lost is given up, and its rest requested
 * when it is wanted: streams over one HTTP/2 connection share its window (RFC 9113, section 5.2), and three that are
 * paused may leave nothing for any other.
 *
 * Nothing is requested before {@linkcode RangeReader.readAhead} or {@linkcode RangeReader.next} is called. The range
 * holds what it has read ahead, at most `heldBytes` and one chunk.
 */
export class RangeReader {
  readonly #options: RangeReaderOptions
  readonly #stopped = new AbortController()
  readonly #stall: StallTimer
  readonly #unread: StallTimer
  /** Chunks that have arrived, and their number of bytes. */
  readonly #chunks: Uint8Array<ArrayBuffer>[] = []
  #heldBytes = 0
  /** Offset of the next byte to arrive. */
  #offset: number
  #end: number
  #answer: OpenAnswer | undefined
  #isAnswered = false
  /** The step that is being made for `next`, `readAhead` or both. */
  #step: Promise<void> | undefined
  /** Whether `next` reads now, so that nothing more is read ahead. */
  #isRead = false
  /** Why reading ahead has ended. */
  #failure: { readonly error: unknown } | undefined
  /** Bodies that have broken off since the last byte arrived, or, after many tiny answers, since the last other one. */
  #failures = 0
  /** Offset at which the current answer began. */
  #answerStart = 0
  /** Tiny answers since the last other one. */
  #tinyAnswers = 0

  constructor(options: RangeReaderOptions) {
    this.#options = options
    this.#offset = options.range.start
    this.#end = options.range.end
    const { stallTimeoutMs } = options.client
    this.#stall = new StallTimer(stallTimeoutMs, () => this.#cancelBody(undefined))
    this.#unread = new StallTimer(stallTimeoutMs / PATIENCE, () => this.#release(), false)
  }

  /** Offset of the first byte of the range. */
  get start(): number {
    return this.#options.range.start
  }

  /**
   * Offset after the last byte that the range delivers. It grows when a server that does not support ranges sends the
   * whole, and shrinks again if that answer breaks off.
   */
  get end(): number {
    return this.#end
  }

  /** Number of bytes that have not arrived. */
  get missingBytes(): number {
    return this.#end - this.#offset
  }

  /** Whether there has been an answer. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** Whether `next` has to wait for the network. */
  get isWaiting(): boolean {
    return this.#chunks.length === 0 && !this.#isComplete
  }

  /**
   * Reads the range, or as much of it as may be held, while nobody waits for it. If that fails, `next` finds out when
   * it gets there.
   */
  async readAhead(): Promise<void> {
    const { range, heldBytes } = this.#options
    const mostBytes = Math.min(range.end - range.start, heldBytes)
    try {
      while (!this.#isRead && !this.#isComplete && this.#heldBytes < mostBytes) await this.#advance()
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** The next chunk of the range; undefined at its end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#isRead = true
    while (this.isWaiting) {
      if (this.#failure) this.#forgive(this.#failure.error)
      await this.#advance()
    }
    const chunk = this.#chunks.shift()
    this.#heldBytes -= chunk?.byteLength ?? 0
    return chunk
  }

  /** Gives up the request, its answer and what has been read. May be called more than once. */
  cancel(reason: unknown): void {
    this.#stall.stop()
    this.#unread.stop()
    this.#stopped.abort(reason)
    this.#cancelBody(reason)
    this.#chunks.length = 0
  }

  /** Whether all bytes have arrived, and the end of the answer after them. */
  get #isComplete(): boolean {
    return this.#offset === this.#end && !this.#answer
  }

  /** Tries again if reading ahead ended with an error that may have passed since. */
  #forgive(error: unknown): void {
    if (!isTransient(error)) throw error
    this.#failure = undefined
    this.#failures = 0
  }

  /** Waits for the network: for an answer, a chunk of it, or its end. */
  #advance(): Promise<void> {
    this.#step ??= this.#makeStep()
    return this.#step
  }

  async #makeStep(): Promise<void> {
    this.#unread.end()
    try {
      this.#answer ??= await this.#open()
      // Awaited in any case, so that the step is known before it ends.
      await (this.#offset === this.#answer.end ? this.#finish(this.#answer) : this.#receive(this.#answer))
    } finally {
      this.#step = undefined
      // A server that does not support ranges would have to send everything again.
      const mayReopen = this.#options.mayReopen && this.#answer?.status === 206
      if (mayReopen && !this.#stopped.signal.aborted) this.#unread.begin()
    }
  }

  /** Gives up an answer that nobody reads. */
  #release(): void {
    this.#cancelBody(undefined)
    this.#answer = undefined
  }

  async #open(): Promise<OpenAnswer> {
    const { client, version, range, lastEnd } = this.#options
    const { signal } = this.#stopped
    // After an answer with more that broke off, #end is where that would have ended.
    this.#end = this.#offset < range.end ? range.end : Math.min(this.#offset + range.end - range.start, lastEnd)
    const asked = { start: this.#offset, end: this.#end }
    const answer = await openRange(client, version, asked, lastEnd, signal)
    // Cancelled while the answer was on its way: cancel() did not see it.
    if (signal.aborted) {
      markHandled(answer.body.cancel(signal.reason))
      throw signal.reason
    }
    this.#answerStart = this.#offset
    this.#end = Math.max(this.#end, answer.end)
    this.#isAnswered = true
    this.#options.changed()
    return answer
  }

  async #receive(answer: OpenAnswer): Promise<void> {
    let read: ReadableStreamReadResult<Uint8Array> | undefined
    let failure: unknown
    this.#stall.begin()
    try {
      read = await answer.body.read()
    } catch (error) {
      failure = error
    }
    this.#stall.end()
    this.#stopped.signal.throwIfAborted()
    if (!read || read.done) return this.#takeUpAgain(failure)

    const chunk = asBytes(read.value)
    const from = answer.offset
    answer.offset += chunk.byteLength
    if (answer.exact && answer.offset > answer.end) throw tooLong(answer)
    const piece = chunk.subarray(Math.max(0, this.#offset - from), answer.end - from)
    if (piece.byteLength === 0) return undefined
    if (this.#tinyAnswers <= MOST_TINY) this.#failures = 0
    this.#offset += piece.byteLength
    this.#heldBytes += piece.byteLength
    this.#chunks.push(ownBytes(piece))
    return undefined
  }

  /** Recovers from a body that broke off, ended early, or brought nothing for too long. */
  async #takeUpAgain(failure: unknown): Promise<void> {
    this.#cancelBody(failure)
    this.#answer = undefined
    this.#countTiny()
    const error = new BackendError('the connection broke off', { retryable: true, cause: failure })
    await this.#options.client.backOff(++this.#failures, error, this.#stopped.signal)
  }

  async #finish(answer: OpenAnswer): Promise<void> {
    if (answer.exact) {
      this.#stall.begin()
      // All bytes have arrived; it no longer matters how the connection ends.
      const more = await nextByteOf(answer.body).catch(() => undefined)
      this.#stall.end()
      this.#stopped.signal.throwIfAborted()
      if (more) throw tooLong(answer)
    } else {
      this.#cancelBody(undefined)
    }
    this.#answer = undefined
    if (!this.#isComplete) return this.#refuseTiny(answer)
    this.#stall.stop()
    this.#unread.stop()
    this.#options.changed()
  }

  /** Counts an answer that has ended before the range. */
  #countTiny(): void {
    this.#tinyAnswers = this.#offset - this.#answerStart < TINY_BYTES ? this.#tinyAnswers + 1 : 0
    if (this.#tinyAnswers === 0) this.#failures = 0
  }

  /** Bounds the answers of which the server says that they have a few bytes. */
  #refuseTiny({ status }: OpenAnswer): void {
    this.#countTiny()
    if (this.#tinyAnswers <= MOST_TINY) return
    throw new FormatError(`the server sends fewer than ${TINY_BYTES} bytes of each range`, {
      reason: 'limit',
      offset: this.#offset,
      status,
    })
  }

  #cancelBody(reason: unknown): void {
    if (this.#answer) markHandled(this.#answer.body.cancel(reason))
  }
}

/** The next chunk that is not empty: some implementations of `fetch` end a body with an empty one. */
async function nextByteOf(body: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  let read = await body.read()
  while (!read.done && asBytes(read.value).byteLength === 0) read = await body.read()
  // Not the value of the end: workerd gives an empty one.
  return read.done ? undefined : read.value
}

function tooLong({ end, status }: OpenAnswer): FormatError {
  return new FormatError('the answer has more bytes than its Content-Range says', {
    reason: 'invalid',
    offset: end,
    status,
  })
}
