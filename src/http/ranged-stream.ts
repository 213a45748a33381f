import type { ByteRange } from '../bytes/byte-range.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { BackendError, ConflictError, FormatError } from '../errors.ts'
import { parseDigits } from './format.ts'
import type { HttpClient } from './http-client.ts'
import { bodyOf } from './message-body.ts'
import { errorOf } from './problem.ts'
import { parseContentRange } from './range-header.ts'
import { StallTimer } from './stall-timer.ts'

/** The version that is read, and how it is asked for. */
export interface RemoteVersion {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** Etag that every answer must have. */
  readonly etag: string
  /** Where to ask. */
  readonly url: string
  /** Header fields for every request. */
  readonly headers: Readonly<Record<string, string>>
}

/** Options of {@linkcode rangedStream}. */
export interface RangedStreamOptions {
  readonly client: HttpClient
  readonly version: RemoteVersion
  /** The bytes to read. */
  readonly range: ByteRange
  /** Bytes that one request asks for. */
  readonly rangeBytes: number
  /** Whether the next range is asked for while one is being read. */
  readonly readAhead: boolean
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * Reads a version by requests for one range after the other; every answer must be of that version. A connection that
 * breaks off is taken up again at the byte where it did.
 *
 * It holds one chunk. What the answers that are open hold is at most two ranges, wherever the host keeps them.
 */
export function rangedStream(options: RangedStreamOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const read = new RangedRead(options)
  const listeners = new Map<AbortSignal, () => void>()
  const settle = (): void => {
    for (const [signal, listener] of listeners) signal.removeEventListener('abort', listener)
  }
  const stop = (reason: unknown): void => {
    settle()
    read.stop(reason)
  }

  return byteStream({
    start(fail) {
      for (const signal of options.signals) {
        if (!signal) continue
        const listener = (): void => {
          fail(signal.reason)
          stop(signal.reason)
        }
        if (signal.aborted) return listener()
        listeners.set(signal, listener)
        signal.addEventListener('abort', listener)
      }
    },
    async next() {
      try {
        const chunk = await read.next()
        if (!chunk) settle()
        return chunk
      } catch (error) {
        stop(error)
        throw error
      }
    },
    cancel: stop,
  })
}

/** An answer that is being read: it has the bytes from `offset`, which moves on, to `end`. */
interface OpenAnswer {
  readonly chunks: ChunkReader
  offset: number
  readonly end: number
  /** Whether the body ends at `end`, and not later: then its end is read too, which frees the connection. */
  readonly exact: boolean
}

class RangedRead {
  readonly #options: RangedStreamOptions
  readonly #stopped = new AbortController()
  /** Offset of the next byte to deliver. */
  #offset: number
  #answer: OpenAnswer | undefined
  #ahead: { readonly start: number; readonly answer: Promise<OpenAnswer> } | undefined
  /** Bodies that have broken off since the last byte arrived. */
  #failures = 0
  #began = false
  readonly #stall: StallTimer

  constructor(options: RangedStreamOptions) {
    this.#stall = new StallTimer(options.client.stallTimeoutMs)
    this.#options = options
    this.#offset = options.range.start
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { start, end } = this.#options.range
    if (!this.#began && start === end) await this.#check()
    this.#began = true
    for (;;) {
      if (this.#answer && this.#offset === this.#answer.end) await this.#finishAnswer(this.#answer)
      if (this.#offset === end) {
        this.#stall.stop()
        return undefined
      }
      this.#answer ??= await this.#nextAnswer()
      // Stopped while the answer was on its way: stop() has not seen it.
      if (this.#signal.aborted) markHandled(this.#answer.chunks.cancel(this.#signal.reason))
      const chunk = await this.#readChunk(this.#answer)
      if (chunk) return chunk
    }
  }

  stop(reason: unknown): void {
    this.#stall.stop()
    this.#stopped.abort(reason)
    if (this.#answer) markHandled(this.#answer.chunks.cancel(reason))
    markHandled(this.#ahead?.answer.then(({ chunks }) => chunks.cancel(reason)))
  }

  async #nextAnswer(): Promise<OpenAnswer> {
    const { range, rangeBytes, readAhead } = this.#options
    const rangeEnd = (start: number): number => Math.min(start + rangeBytes, range.end)
    let ahead = this.#ahead
    if (ahead?.start === this.#offset) this.#ahead = undefined
    else ahead = undefined
    const end = Math.min(rangeEnd(this.#offset), this.#ahead?.start ?? range.end)
    const answer = await (ahead?.answer ?? this.#request(this.#offset, end))

    if (readAhead && !this.#ahead && answer.end < range.end) {
      this.#ahead = { start: answer.end, answer: this.#request(answer.end, rangeEnd(answer.end)) }
      // A failure shows when the stream gets there, if it ever does.
      markHandled(this.#ahead.answer)
    }
    return answer
  }

  async #readChunk(answer: OpenAnswer): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { client } = this.#options
    let chunk: Uint8Array | undefined
    let failure: unknown = new BackendError('the answer ended early, or nothing came any more', { retryable: true })
    try {
      chunk = await this.#guarded(answer.chunks)
    } catch (error) {
      failure = error
    }
    this.#signal.throwIfAborted()
    if (!chunk) {
      markHandled(answer.chunks.cancel(failure))
      this.#answer = undefined
      await client.backOff(++this.#failures, asBackendError(failure), this.#signal)
      return undefined
    }

    this.#failures = 0
    const from = answer.offset
    answer.offset += chunk.byteLength
    if (answer.exact && answer.offset > answer.end) throw tooLong(answer.end)
    const piece = chunk.subarray(Math.max(0, this.#offset - from), answer.end - from)
    this.#offset += piece.byteLength
    // A byte stream detaches the buffer: a part of one is copied, a whole one passed on.
    return piece.byteLength === piece.buffer.byteLength ? (piece as Uint8Array<ArrayBuffer>) : piece.slice()
  }

  /** Reads; undefined also when nothing has come for too long, or the stream is stopped. */
  async #guarded(chunks: ChunkReader): Promise<Uint8Array | undefined> {
    this.#stall.begin(() => markHandled(chunks.cancel()))
    try {
      return await chunks.read()
    } finally {
      this.#stall.end()
    }
  }

  async #finishAnswer({ chunks, exact, end }: OpenAnswer): Promise<void> {
    this.#answer = undefined
    if (!exact) return markHandled(chunks.cancel())
    // All bytes are there; how the connection ends can no longer matter.
    const more = await this.#guarded(chunks).catch(() => undefined)
    this.#signal.throwIfAborted()
    if (more) throw tooLong(end)
  }

  async #request(start: number, end: number): Promise<OpenAnswer> {
    const { client, version } = this.#options
    const headers = { ...version.headers, Range: `bytes=${start}-${end - 1}` }
    const response = await client.read({ method: 'GET', url: version.url, headers, signal: this.#signal })
    try {
      return await this.#accept(response, start, end)
    } catch (error) {
      markHandled(response.body?.locked ? undefined : response.body?.cancel(error))
      throw error
    }
  }

  async #accept(response: Response, start: number, end: number): Promise<OpenAnswer> {
    const { version } = this.#options
    const { status, headers } = response
    if (status === 206) {
      const range = parseContentRange(headers.get('content-range'))
      this.#compare(headers, range?.total, start)
      const body = await bodyOf(response)
      if (!range || range.start !== start || range.end > end || !body) {
        throw new FormatError(`asked for bytes ${start} to ${end - 1}, got ${headers.get('content-range')}`, {
          reason: 'invalid',
        })
      }
      return { chunks: new ChunkReader(body), offset: start, end: range.end, exact: true }
    }
    if (status === 200) {
      this.#compare(headers, parseDigits(headers.get('content-length')), start)
      const body = await bodyOf(response)
      if (!body) throw new FormatError('an answer without a body', { reason: 'truncated' })
      // A server that knows no ranges: one answer has it all, and to ask again would only repeat it.
      const wanted = this.#options.range.end
      return { chunks: new ChunkReader(body), offset: 0, end: wanted, exact: wanted === version.size }
    }
    if (status === 416 && headers.has('etag')) this.#compare(headers, unsatisfiedTotal(headers), start)
    throw await errorOf(response, { alias: version.alias, expectedEtag: version.etag, offset: start })
  }

  /** An empty range needs no bytes, but its version must be there like any other. */
  async #check(): Promise<void> {
    const { client, version, range } = this.#options
    const { url, headers, alias, etag } = version
    const response = await client.read({ method: 'HEAD', url, headers, signal: this.#signal })
    if (!response.ok) throw await errorOf(response, { alias, expectedEtag: etag, offset: range.start })
    this.#compare(response.headers, undefined, range.start)
  }

  /** Many servers ignore If-Match: what they answer with tells the version. */
  #compare(headers: Headers, total: number | undefined, offset: number): void {
    const { alias, etag, size } = this.#options.version
    const actualEtag = headers.get('etag')
    if (actualEtag === null)
      throw new FormatError('an answer without an ETag: of which version is it?', { reason: 'invalid' })
    if (actualEtag === etag && (total ?? size) === size) return
    throw new ConflictError(`the entry was updated while it was being read: ${alias}`, {
      alias,
      expectedEtag: etag,
      actualEtag,
      offset,
    })
  }

  get #signal(): AbortSignal {
    return this.#stopped.signal
  }
}

function unsatisfiedTotal(headers: Headers): number | undefined {
  return parseDigits(/^bytes \*\/(\d+)$/i.exec(headers.get('content-range') ?? '')?.[1] ?? null)
}

function tooLong(offset: number): FormatError {
  return new FormatError('an answer has more bytes than it says', { reason: 'invalid', offset })
}

function asBackendError(cause: unknown): BackendError {
  if ((cause as Error | undefined)?.name === 'BackendError') return cause as BackendError
  return new BackendError('the connection broke off', { retryable: true, cause })
}
