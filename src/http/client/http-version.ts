import type { ByteRange } from '../../bytes/byte-range.ts'
import type { Consistency, Entry, EntryInfo, Hive, OpenOptions } from '../../hive/hive.ts'
import type { VersionRangeReading, VersionReading, VersionSource } from '../../hive/version-source.ts'
import { digestOf } from '../../hive/entry-record.ts'
import { bytesOfStream } from '../../hive/version-bytes.ts'
import { versionStream } from '../../hive/version-stream.ts'
import type { HttpClient } from './http-client.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { rangedStream } from './ranged-stream.ts'
import { verifiedWhole } from './verified-whole.ts'

/** How an {@linkcode HttpVersion} is read. */
export interface HttpVersionOptions {
  /** What a reader does once the entry is updated. */
  readonly consistency: Consistency
  /** Whether requests for ranges have If-Match. */
  readonly ifMatch: boolean
  /** SHA-256 of all bytes, as the server stated it; used if the etag is of another kind. */
  readonly stated: Uint8Array | undefined
  /** Whether whole reads are compared with the SHA-256 of all bytes, if that is known. */
  readonly verify: boolean
}

/** A version of an entry of an `HttpHive`. */
export class HttpVersion implements VersionSource {
  readonly info: EntryInfo
  readonly digest: Uint8Array | undefined
  readonly #hive: Hive
  readonly #client: HttpClient
  readonly #options: HttpVersionOptions

  constructor(hive: Hive, client: HttpClient, info: EntryInfo, options: HttpVersionOptions) {
    this.info = info
    this.digest = digestOf(info.etag) ?? options.stated
    this.#hive = hive
    this.#client = client
    this.#options = options
  }

  read(
    range: ByteRange,
    { bufferSize, readAhead, signals }: VersionRangeReading,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { alias, size, etag } = this.info
    const { consistency, ifMatch } = this.#options
    // An answer is of one version to its end, so a snapshot is read from a single answer.
    const snapshot = consistency === 'snapshot'
    const url = this.#client.url(alias, { v: snapshot ? etag : undefined })
    const headers: Record<string, string> = !snapshot && ifMatch ? { 'If-Match': etag } : {}
    const bytes = rangedStream({
      client: this.#client,
      version: { alias, size, etag, url, headers },
      range,
      rangeBytes: snapshot ? Infinity : bufferSize,
      readAhead,
      signals,
    })
    const { digest } = this
    const isWhole = range.start === 0 && range.end === size
    return this.#options.verify && isWhole && digest ? verifiedWhole(bytes, { alias, size, digest, signals }) : bytes
  }

  signature({ bufferSize, signals }: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    return versionStream({
      range: { start: 0, end: Infinity },
      bufferSize,
      open: async (signal) => bytesOfStream(await this.#openSignature(signal)),
      check: () => Promise.resolve(),
      signals,
    })
  }

  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry> {
    return this.#hive.open(this.info.alias, { ...options, consistency: this.#options.consistency })
  }

  async #openSignature(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { alias, etag } = this.info
    const url = this.#client.url(alias, { signature: '', v: etag })
    const response = await this.#client.read({ method: 'GET', url, signal })
    const body = response.ok && (await bodyOf(response))
    if (!body) throw await this.#client.errorOf(response, { alias, expectedEtag: etag }, signal)
    return this.#client.timedBody(body, signal)
  }
}
