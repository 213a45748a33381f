import { rangeSource, type ByteSource } from '../bytes/byte-source.ts'
import { checkRange } from '../bytes/byte-range.ts'
import { checkBufferSize } from '../hive/buffer-size.ts'
import { attachAsyncDispose } from '../hive/async-dispose.ts'
import { openReader } from '../hive/entry-reader.ts'
import type {
  Consistency,
  Entry,
  EntryInfo,
  EntryReader,
  EntryReaderOptions,
  EntryStreamOptions,
  Hive,
  HiveCallOptions,
} from '../hive/hive.ts'
import { versionStream } from '../hive/version-stream.ts'
import type { HttpClient } from './http-client.ts'
import { bodyOf } from './message-body.ts'
import { rangedStream, type RangedStreamOptions } from './ranged-stream.ts'

/** What an {@linkcode HttpEntry} is opened with. */
export interface HttpEntryOptions {
  /** Bytes of one range request. */
  readonly bufferSize: number
  /** What a reader does once the entry is updated. */
  readonly consistency: Consistency
  /** Whether ranges are asked for with If-Match. */
  readonly ifMatch: boolean
}

/** An entry of an `HttpHive`, pinned to the version whose etag it has. */
export class HttpEntry implements Entry {
  readonly alias: string
  readonly size: number
  readonly etag: string
  readonly type: string
  readonly modified: Date
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #hive: Hive
  readonly #client: HttpClient
  readonly #options: HttpEntryOptions
  readonly #closed = new AbortController()

  constructor(hive: Hive, client: HttpClient, info: EntryInfo, options: HttpEntryOptions) {
    this.alias = info.alias
    this.size = info.size
    this.etag = info.etag
    this.type = info.type
    this.modified = info.modified
    this.#hive = hive
    this.#client = client
    this.#options = options
    attachAsyncDispose(this)
  }

  slice(start?: number, end?: number): ByteSource {
    return rangeSource(this.size, (range) => this.stream(range)).slice(start, end)
  }

  stream({ start, end, signal }: EntryStreamOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    const { bufferSize } = this.#options
    return this.#read({ range: checkRange(this.size, start, end), rangeBytes: bufferSize, readAhead: true }, signal)
  }

  reader(options: EntryReaderOptions = {}): EntryReader {
    this.#assertOpen()
    const bufferSize = checkBufferSize(options.bufferSize ?? this.#options.bufferSize)
    // Without reading ahead, since the first read after an update must fail already.
    const stream = ({ start }: { start: number }): ReadableStream<Uint8Array<ArrayBuffer>> =>
      this.#read({ range: { start, end: this.size }, rangeBytes: bufferSize, readAhead: false })
    return openReader({ size: this.size, stream, closed: this.#closed.signal }, bufferSize)
  }

  signature({ signal }: HiveCallOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    return versionStream({
      range: { start: 0, end: Infinity },
      bufferSize: this.#options.bufferSize,
      open: (givenUp) => this.#openSignature(givenUp),
      check: () => Promise.resolve(),
      signals: [signal, this.#closed.signal],
    })
  }

  reopen({ signal }: HiveCallOptions = {}): Promise<Entry> {
    const { bufferSize, consistency } = this.#options
    return this.#hive.open(this.alias, { bufferSize, consistency, signal })
  }

  close(): Promise<void> {
    this.#closed.abort(new TypeError(`the entry is closed: ${this.alias}`))
    return Promise.resolve()
  }

  #read(
    how: Pick<RangedStreamOptions, 'range' | 'rangeBytes' | 'readAhead'>,
    signal?: AbortSignal,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { alias, size, etag } = this
    const { consistency, ifMatch } = this.#options
    // One answer is of one version to its end, so a snapshot is asked for in one.
    const snapshot = consistency === 'snapshot'
    const url = this.#client.url(alias, { v: snapshot ? etag : undefined })
    const headers: Record<string, string> = !snapshot && ifMatch ? { 'If-Match': etag } : {}
    return rangedStream({
      client: this.#client,
      version: { alias, size, etag, url, headers },
      ...how,
      ...(snapshot && { rangeBytes: Infinity }),
      signals: [signal, this.#closed.signal],
    })
  }

  async #openSignature(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { alias, etag } = this
    const url = this.#client.url(alias, { signature: '', v: etag })
    const response = await this.#client.read({ method: 'GET', url, signal })
    const body = response.ok && (await bodyOf(response))
    if (!body) throw await this.#client.errorOf(response, { alias, expectedEtag: etag }, signal)
    return this.#client.timedBody(body, signal)
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason
  }
}
