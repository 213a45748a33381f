import type { ByteRange } from '../../bytes/byte-range.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import type { EntryManifest } from '../../hive/entry-manifest.ts'
import type { Consistency, Entry, EntryInfo, Hive, OpenOptions } from '../../hive/hive.ts'
import type { VersionRangeReading, VersionReading, VersionSource } from '../../hive/version-source.ts'
import { digestInEtag } from '../../hive/entry-record.ts'
import { bytesOfStream, type VersionBytes } from '../../hive/version-bytes.ts'
import { versionStream } from '../../hive/version-stream.ts'
import type { HttpClient } from './http-client.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { checkVersion, type RemoteVersion } from './open-range.ts'
import { rangedBytes, rangedStream, type RangedStreamOptions } from './ranged-stream.ts'
import { requestManifest } from './request-manifest.ts'
import { streamProducer } from './stream-producer.ts'
import { verifiedBlocks } from './verified-blocks.ts'
import { verifiedWhole } from './verified-whole.ts'

/** How an {@linkcode HttpVersion} is read. */
export interface HttpVersionOptions {
  /** What a reader does once the entry is updated. */
  readonly consistency: Consistency
  /** Whether requests for ranges have If-Match. */
  readonly ifMatch: boolean
  /** SHA-256 of all bytes, as the server stated it; used if the etag is of another kind. */
  readonly stated: Uint8Array | undefined
  /** What is checked; see {@linkcode ReadingOptions.verify}. */
  readonly verify: boolean | 'whole'
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
    this.digest = digestInEtag(info.etag) ?? options.stated
    this.#hive = hive
    this.#client = client
    this.#options = options
  }

  read(range: ByteRange, reading: VersionRangeReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { digest } = this
    const { alias, size } = this.info
    const { verify } = this.#options
    const { signals } = reading
    const isEmpty = range.start === range.end
    const checksBlocks = verify === true && !isEmpty
    const isWhole = range.start === 0 && range.end === size
    if (!verify || !isWhole || !digest) {
      return checksBlocks ? this.#verified(range, reading) : rangedStream(this.#rangesOf(range, reading))
    }
    const bytes = checksBlocks
      ? streamProducer(this.#verified(range, reading), signals)
      : rangedBytes(this.#rangesOf(range, reading))
    return byteStream(verifiedWhole(bytes, { alias, size, digest }))
  }

  async manifest(range: ByteRange, { signals }: VersionReading): Promise<EntryManifest> {
    const givenUp = new AbortController()
    const stopListening = onAbort(signals, (reason) => givenUp.abort(reason))
    try {
      return await requestManifest(this.#client, this.info, range, givenUp.signal)
    } finally {
      stopListening()
    }
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

  #rangesOf(
    range: ByteRange,
    { bufferSize, readAhead, signals }: VersionRangeReading,
    headers: Readonly<Record<string, string>> = {},
  ): RangedStreamOptions {
    return {
      client: this.#client,
      version: this.#remote(headers),
      range,
      // An answer is of one version to its end, so a snapshot is read from a single answer.
      rangeBytes: this.#options.consistency === 'snapshot' ? Infinity : bufferSize,
      readAhead,
      signals,
    }
  }

  /** Reads a range block by block. */
  #verified(range: ByteRange, reading: VersionRangeReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { bufferSize, readAhead, signals } = reading
    const client = this.#client
    let givenUp: AbortSignal
    const open = async (opened: AbortSignal): Promise<VersionBytes> => {
      givenUp = opened
      return verifiedBlocks({
        info: this.info,
        range,
        manifest: (wanted, signal) => requestManifest(client, this.info, wanted, signal),
        read: (wanted, signal, again) =>
          rangedStream(
            this.#rangesOf(
              wanted,
              { bufferSize, readAhead, signals: [signal] },
              again ? { 'Cache-Control': 'no-cache' } : {},
            ),
          ),
      })
    }
    // The bytes of a block may be delivered in several reads, each of which must check the version.
    const checksEachRead = !readAhead && this.#options.consistency === 'conflict'
    const check = async (offset: number): Promise<void> => {
      if (checksEachRead) await checkVersion(client, this.#remote({}), offset, givenUp)
    }
    return versionStream({ range, bufferSize, open, check, signals })
  }

  #remote(headers: Readonly<Record<string, string>>): RemoteVersion {
    const { alias, size, etag } = this.info
    const { consistency, ifMatch } = this.#options
    const snapshot = consistency === 'snapshot'
    const url = this.#client.url(alias, { v: snapshot ? etag : undefined })
    return { alias, size, etag, url, headers: { ...headers, ...(!snapshot && ifMatch && { 'If-Match': etag }) } }
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
