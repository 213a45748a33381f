import type { ByteRange } from '../../bytes/byte-range.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import type { Consistency, Entry, EntryInfo, OpenOptions } from '../../hive/hive.ts'
import type { VersionRangeReading, VersionReading, VersionSource } from '../../hive/version-source.ts'
import { SignatureStream } from '../../rsync/signature-stream.ts'
import type { FoundVersion } from './describe-url.ts'
import type { HttpClient } from './http-client.ts'
import { rangedBytes } from './ranged-stream.ts'
import { verifiedWhole } from './verified-whole.ts'

/** How a {@linkcode UrlVersion} is read. */
export interface UrlVersionOptions {
  /** Sends the requests. */
  readonly client: HttpClient
  /** The URL. */
  readonly url: string
  /** What a reader does once the file is updated. */
  readonly consistency: Consistency
  /** Whether requests for ranges have If-Match. */
  readonly ifMatch: boolean
  /** Whether whole reads are compared with the SHA-256 of all bytes, if that is known. */
  readonly verify: boolean
  /** Opens the URL again. */
  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry>
}

/** A version of a file on any server that has ranges and strong etags. */
export class UrlVersion implements VersionSource {
  readonly info: EntryInfo
  readonly digest: Uint8Array | undefined
  readonly #options: UrlVersionOptions

  constructor({ info, digest }: FoundVersion, options: UrlVersionOptions) {
    this.info = info
    this.digest = digest
    this.#options = options
  }

  read(
    range: ByteRange,
    { bufferSize, readAhead, signals }: VersionRangeReading,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { alias, size, etag } = this.info
    const { client, url, ifMatch, consistency, verify } = this.#options
    const headers: Record<string, string> = ifMatch ? { 'If-Match': etag } : {}
    const bytes = rangedBytes({
      client,
      version: { alias, size, etag, url, headers, probe: 'GET' },
      range,
      // An answer is of one version to its end, so a snapshot is read from a single answer.
      rangeBytes: consistency === 'snapshot' ? Infinity : bufferSize,
      readAhead,
      signals,
    })
    const { digest } = this
    const isWhole = range.start === 0 && range.end === size
    return byteStream(verify && isWhole && digest ? verifiedWhole(bytes, { alias, size, digest }) : bytes)
  }

  signature({ bufferSize, signals }: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { size } = this.info
    const whole = this.read({ start: 0, end: size }, { bufferSize, signals, readAhead: true })
    return whole.pipeThrough(new SignatureStream({ sourceLength: size }))
  }

  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry> {
    return this.#options.reopen(options)
  }
}
