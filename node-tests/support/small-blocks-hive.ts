import type { ByteRange } from '../../src/bytes/byte-range.ts'
import { toBase64Url } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import { BackendError } from '../../src/errors.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { EntryManifest } from '../../src/hive/entry-manifest.ts'
import type { Entry, EntryInfo, Hive, OpenOptions } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { PinnedEntry } from '../../src/hive/pinned-entry.ts'
import type { VersionSource } from '../../src/hive/version-source.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

/**
 * A hive across a network that a test controls. Its manifests have blocks of 1,000 bytes; its etags are not digests, so that
 * a short entry has more than one block.
 */
export class SmallBlocksHive extends LocalHive implements Hive {
  /** Bytes that were sent. */
  sentBytes = 0
  /** Manifests that were sent. */
  manifests = 0
  isOffline = false
  noStore = false
  /** Called before each chunk is sent, with the offset in the version. */
  onChunk: (offset: number) => Promise<void> | void = () => undefined
  /** Called before a manifest is made. */
  onManifest: () => Promise<void> | void = () => undefined
  /** Changes what is sent. */
  change: (chunk: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (chunk) => chunk

  /** Bytes of a block. */
  readonly blockLength: number

  constructor(blockLength: number = 1_000) {
    super(new StreamStore(memoryBackend(), { blockSize: blockLength }))
    this.blockLength = blockLength
  }

  override async open(alias: string, options: OpenOptions = {}): Promise<Entry> {
    this.assertOnline()
    const entry = await super.open(alias, options)
    return new PinnedEntry(this.#version(entry), options.bufferSize ?? 1024)
  }

  override async stat(alias: string): Promise<EntryInfo> {
    this.assertOnline()
    return this.#info(await super.stat(alias))
  }

  override async list(options = {}): ReturnType<Hive['list']> {
    this.assertOnline()
    return super.list(options)
  }

  /** @throws {BackendError} if there is no network. */
  assertOnline(): void {
    if (this.isOffline) throw new BackendError('there is no network', { retryable: true })
  }

  #info({ alias, size, etag, type, modified }: EntryInfo): EntryInfo {
    return {
      alias,
      size,
      etag: `"of ${etag.slice(1)}`.replace(' ', '-'),
      type,
      modified,
      ...(this.noStore && { noStore: true }),
    }
  }

  #version(entry: Entry): VersionSource {
    const info = this.#info(entry)
    return {
      info,
      digest: undefined,
      read: (range, { signals }) => this.#send(entry, range, signals),
      signature: () => entry.signature(),
      manifest: (range, { signals }) => this.#manifest(entry, info, range, signals),
      reopen: (options) => this.open(entry.alias, options),
    }
  }

  #send(
    entry: Entry,
    range: ByteRange,
    signals: readonly (AbortSignal | undefined)[],
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = entry.stream({ ...range, signal: signals.find((signal) => signal !== undefined) }).getReader()
    let offset = range.start
    return new ReadableStream(
      {
        pull: async (controller) => {
          await this.onChunk(offset)
          this.assertOnline()
          const { done, value } = await reader.read()
          if (done) {
            controller.close()
            return
          }
          offset += value.byteLength
          this.sentBytes += value.byteLength
          controller.enqueue(this.change(value))
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  async #manifest(
    entry: Entry,
    { etag, size }: EntryInfo,
    range: ByteRange,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<EntryManifest> {
    this.assertOnline()
    this.manifests++
    await this.onManifest()
    for (const signal of signals) signal?.throwIfAborted()
    const { blockLength } = this
    const start = range.start - (range.start % blockLength)
    const end = Math.min(size, Math.ceil(range.end / blockLength) * blockLength)
    const bytes = await collect(entry.stream({ start, end }))
    const digests: string[] = []
    for (let at = 0; at < bytes.byteLength; at += blockLength) {
      digests.push(toBase64Url(await sha256(bytes.slice(at, at + blockLength))))
    }
    return { etag, size, blockLength, start, digests }
  }
}
