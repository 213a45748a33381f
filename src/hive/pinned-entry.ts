import { type ByteSource, rangeSource } from '../bytes/byte-source.ts'
import { type ByteRange, checkRange } from '../bytes/byte-range.ts'
import { attachAsyncDispose } from './async-dispose.ts'
import { checkBufferSize } from './buffer-size.ts'
import { computeManifest } from './compute-manifest.ts'
import { openReader } from './entry-reader.ts'
import { entryResponse } from './entry-response.ts'
import type { EntryManifest, ManifestOptions } from './entry-manifest.ts'
import type { HiveCallOptions } from './hive-call-options.ts'
import type { Entry, EntryReader, EntryReaderOptions, EntryStreamOptions, ReadWholeOptions } from './hive.ts'
import { readEntryBlob, readEntryBytes, readEntryText } from './read-whole.ts'
import type { VersionReading, VersionSource } from './version-source.ts'

/**
 * A range of an open entry as a Blob of an engine's own storage, which the browser sends sooner than a worker can; undefined if
 * there is none, so that the entry must be read.
 */
export async function storedBlob(entry: Entry, range: ByteRange): Promise<Blob | undefined> {
  return 'storedBlob' in entry ? (entry as PinnedEntry).storedBlob(range) : undefined
}

/** An entry that is open at one version. It checks arguments, and when it is closed it ends its streams and readers. */
export class PinnedEntry implements Entry {
  readonly alias: string
  readonly size: number
  readonly etag: string
  readonly type: string
  readonly modified: Date
  declare readonly noStore?: true
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #source: VersionSource
  readonly #bufferSize: number
  readonly #closed = new AbortController()

  constructor(source: VersionSource, bufferSize: number) {
    const { alias, size, etag, type, modified, noStore } = source.info
    this.alias = alias
    this.size = size
    this.etag = etag
    this.type = type
    this.modified = modified
    if (noStore) this.noStore = noStore
    this.#source = source
    this.#bufferSize = bufferSize
    attachAsyncDispose(this)
  }

  slice(start?: number, end?: number): ByteSource {
    return rangeSource(this.size, (range: ByteRange) => this.stream(range)).slice(start, end)
  }

  stream({ start, end, signal }: EntryStreamOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    return this.#source.read(checkRange(this.size, start, end), { ...this.#reading(signal), readAhead: true })
  }

  reader(options: EntryReaderOptions = {}): EntryReader {
    this.#assertOpen()
    const bufferSize = checkBufferSize(options.bufferSize ?? this.#bufferSize)
    // Without reading ahead, since the very first read after an update must fail.
    const reading = { ...this.#reading(undefined), bufferSize, readAhead: false }
    const stream = ({ start }: { start: number }): ReadableStream<Uint8Array<ArrayBuffer>> =>
      this.#source.read({ start, end: this.size }, reading)
    return openReader({ size: this.size, stream, closed: this.#closed.signal }, bufferSize)
  }

  /** See {@linkcode storedBlob}. */
  async storedBlob(range: ByteRange): Promise<Blob | undefined> {
    this.#assertOpen()
    return this.#source.blob?.(range)
  }

  bytes(options?: ReadWholeOptions): Promise<Uint8Array<ArrayBuffer>> {
    return readEntryBytes(this, options)
  }

  blob(options?: ReadWholeOptions): Promise<Blob> {
    return readEntryBlob(this, options)
  }

  text(options?: ReadWholeOptions): Promise<string> {
    return readEntryText(this, options)
  }

  async response(request: Pick<Request, 'method' | 'headers' | 'signal'>): Promise<Response> {
    this.#assertOpen()
    return entryResponse(this, request, this.#source.digest)
  }

  signature({ signal }: HiveCallOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertOpen()
    return this.#source.signature(this.#reading(signal))
  }

  async manifest({ start, end, signal }: ManifestOptions = {}): Promise<EntryManifest> {
    this.#assertOpen()
    const range = checkRange(this.size, start, end)
    const reading = this.#reading(signal)
    return this.#source.manifest?.(range, reading) ?? computeManifest(this.#source, range, reading)
  }

  reopen({ signal }: HiveCallOptions = {}): Promise<Entry> {
    return this.#source.reopen({ bufferSize: this.#bufferSize, signal })
  }

  close(): Promise<void> {
    this.#closed.abort(new TypeError(`the entry is closed: ${this.alias}`))
    return Promise.resolve()
  }

  #reading(signal: AbortSignal | undefined): VersionReading {
    return { bufferSize: this.#bufferSize, signals: [signal, this.#closed.signal] }
  }

  #assertOpen(): void {
    this.#closed.signal.throwIfAborted()
  }
}
