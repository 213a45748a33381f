import type { ByteRange } from '../../bytes/byte-range.ts'
import { type ByteProducer, byteStream } from '../../bytes/byte-stream.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { markHandled } from '../../bytes/promises.ts'
import { DEFAULT_BUFFER_BYTES } from '../../hive/buffer-size.ts'
import type { HttpClient } from './http-client.ts'
import { checkVersion, type RemoteVersion } from './open-range.ts'
import { RangeReader } from './range-reader.ts'
import { ReadingPace, type ReadingProgress } from './reading-pace.ts'
import { VersionChecks } from './version-checks.ts'

/** Options of {@linkcode rangedStream}. */
export interface RangedStreamOptions {
  /** Sends the requests. */
  readonly client: HttpClient
  /** The version to read. */
  readonly version: RemoteVersion
  /** The bytes to read. */
  readonly range: ByteRange
  /** Largest number of bytes between two checks of the version; Infinity requests all bytes at once. */
  readonly rangeBytes: number
  /**
   * Whether the next ranges are requested while one is being read, in the sizes and the number that the client allows,
   * and with the default `rangeBytes` as large as the client allows. If not, each range has `rangeBytes` bytes, and is
   * requested when the one before it has been delivered.
   */
  readonly readAhead: boolean
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * Reads a version range by range; every answer must be of that version. Ranges are delivered in order. They are
 * requested only while a reader waits for a chunk, so a paused stream sends no further requests, and holds at most what
 * has been requested.
 */
export function rangedStream(options: RangedStreamOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  return byteStream(rangedBytes(options))
}

/** Produces the chunks of a {@linkcode rangedStream}, for callers that wrap them before they make a stream. */
export function rangedBytes(options: RangedStreamOptions): ByteProducer {
  return new RangedRead(options)
}

class RangedRead implements ByteProducer {
  readonly #options: RangedStreamOptions
  readonly #stopped = new AbortController()
  readonly #pace: ReadingPace | undefined
  #stopListening: () => void = () => undefined
  /** The ranges that are being read; the first one is delivered. */
  readonly #ranges: RangeReader[] = []
  /** Offset of the next byte to deliver. */
  #offset: number
  #isWaiting = false
  /** Whether the server has answered: until then, one request is enough to find out what it does. */
  #isAnswered = false
  /** Checks the version during the range that takes all the rest. */
  #checks: VersionChecks | undefined

  constructor(options: RangedStreamOptions) {
    const { client, range, rangeBytes } = options
    this.#options = options
    this.#offset = range.start
    if (options.readAhead && rangeBytes !== Infinity) {
      const { readAhead, parallel } = client
      const isDefault = rangeBytes === DEFAULT_BUFFER_BYTES
      const largest = isDefault ? Infinity : rangeBytes
      const mayTakeRest = isDefault && client.readsOnDemand
      this.#pace = new ReadingPace({ readAhead, parallel, rangeBytes: largest, mayTakeRest }, performance.now())
    }
  }

  start(fail: (reason: unknown) => void): void {
    this.#stopListening = onAbort(this.#options.signals, (reason) => {
      fail(reason)
      this.cancel(reason)
    })
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const { range, client, version } = this.#options
      while (this.#offset < range.end) {
        const chunk = await this.#nextOf(this.#ranges[0] ?? this.#request())
        if (chunk) return chunk
      }
      // For an empty range no bytes are needed, but its version must be there like any other.
      if (range.start === range.end) await checkVersion(client, version, range.start, this.#stopped.signal)
      this.cancel(undefined)
      return undefined
    } catch (error) {
      this.cancel(error)
      throw error
    }
  }

  cancel(reason: unknown): void {
    this.#stopListening()
    this.#stopped.abort(reason)
    for (const range of this.#ranges.splice(0)) range.cancel(reason)
  }

  /** The next chunk of the first range; undefined once that has been delivered. */
  async #nextOf(first: RangeReader): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#isWaiting = first.isWaiting
    if (this.#isWaiting) this.#pace?.waited()
    this.#requestAhead()
    const chunk = await first.next()
    this.#isWaiting = false
    this.#stopped.signal.throwIfAborted()
    if (chunk) {
      await this.#checksOf(first)?.reach(this.#offset, this.#offset + chunk.byteLength)
      this.#offset += chunk.byteLength
    } else {
      this.#checks = undefined
      this.#ranges.shift()
      const { requestedEnd, missingBytes } = this.#progress
      const arrivedBytes = requestedEnd - missingBytes - this.#options.range.start
      this.#pace?.delivered(first.end - first.start, arrivedBytes, performance.now())
    }
    return chunk
  }

  /** The checks during this range; undefined if it is so short that its own head is enough. */
  #checksOf({ start, end }: RangeReader): VersionChecks | undefined {
    const { client, version } = this.#options
    const { readAhead: intervalBytes } = client
    if (!this.#pace || end - start <= intervalBytes) return undefined
    this.#checks ??= new VersionChecks({
      intervalBytes,
      start,
      check: (offset) => checkVersion(client, version, offset, this.#stopped.signal),
    })
    return this.#checks
  }

  /** Requests the next range. */
  #request(): RangeReader {
    const { client, version, range, rangeBytes } = this.#options
    const start = this.#progress.requestedEnd
    const end = Math.min(this.#pace?.endOf(start) ?? start + rangeBytes, range.end)
    const reader = new RangeReader({
      client,
      version,
      range: { start, end },
      lastEnd: range.end,
      heldBytes: this.#pace?.heldBytes ?? rangeBytes,
      mayReopen: rangeBytes !== Infinity,
      changed: () => this.#changed(reader),
    })
    this.#ranges.push(reader)
    return reader
  }

  #requestAhead(): void {
    if (!this.#pace || !this.#isAnswered) return
    for (let progress = this.#progress; progress.requestedEnd < this.#options.range.end; progress = this.#progress) {
      if (!this.#pace.allows(progress)) return
      markHandled(this.#request().readAhead())
    }
  }

  get #progress(): ReadingProgress {
    let requestedEnd = this.#offset
    let missingBytes = 0
    for (const range of this.#ranges) {
      requestedEnd = range.end
      missingBytes += range.missingBytes
    }
    return { ranges: this.#ranges.length, offset: this.#offset, requestedEnd, missingBytes }
  }

  #changed(range: RangeReader): void {
    // Else this could request ranges that nobody would cancel.
    if (this.#stopped.signal.aborted) return
    this.#isAnswered = true
    // An answer with the whole entry has the bytes of the ranges after it.
    const next = this.#ranges.indexOf(range) + 1
    if (next > 0 && this.#ranges[next] && this.#ranges[next].start < range.end) {
      for (const covered of this.#ranges.splice(next)) covered.cancel(undefined)
    }
    if (this.#isWaiting) this.#requestAhead()
  }
}
