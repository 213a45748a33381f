import type { ByteRange } from '../../bytes/byte-range.ts'
import { toBase64Url } from '../../bytes/byte-text.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { collect } from '../../bytes/collect.ts'
import { markHandled } from '../../bytes/promises.ts'
import { sha256 } from '../../bytes/sha256.ts'
import { FormatError, IntegrityError } from '../../errors.ts'
import type { EntryManifest } from '../../hive/entry-manifest.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import type { VersionBytes } from '../../hive/version-bytes.ts'

/** What {@linkcode verifiedBlocks} reads. */
export interface VerifiedBlocksOptions {
  /** The version. */
  readonly info: Pick<EntryInfo, 'alias' | 'size'>
  /** The bytes to read; not empty. */
  readonly range: ByteRange
  /** Asks for the digests of the blocks of a range, or of the first of them. */
  manifest(range: ByteRange, signal: AbortSignal): Promise<EntryManifest>
  /** Reads a range; once more, with a request that no cache answers, if `again`. */
  read(range: ByteRange, signal: AbortSignal, again: boolean): ReadableStream<Uint8Array>
}

/**
 * Reads a range of a version block by block, and delivers the bytes of a block once their SHA-256 is the one in the
 * manifest. The range is widened to whole blocks. A block that does not match is read once more; if it does not match
 * again, the read fails with an IntegrityError. It holds one block, and one or two answers of the manifest.
 */
export function verifiedBlocks(options: VerifiedBlocksOptions): VersionBytes {
  return new VerifiedBlocks(options)
}

class VerifiedBlocks implements VersionBytes {
  readonly #options: VerifiedBlocksOptions
  #manifest: EntryManifest | undefined
  #nextManifest: Promise<EntryManifest> | undefined
  #chunks: ChunkReader | undefined
  /** What is left of the last chunk: it belongs to the next block. */
  #rest: Uint8Array = new Uint8Array(0)
  /** Offset of the next block. */
  #offset: number
  readonly #abort = new AbortController()

  constructor(options: VerifiedBlocksOptions) {
    this.#options = options
    this.#offset = options.range.start
  }

  async read(): Promise<Uint8Array | undefined> {
    const { range } = this.#options
    if (this.#offset >= range.end) return undefined
    const { start, digests, blockLength } = await this.#manifestAt(this.#offset)
    this.#offset -= this.#offset % blockLength
    const block = { start: this.#offset, end: Math.min(this.#offset + blockLength, this.#options.info.size) }
    const expected = digests[(block.start - start) / blockLength]!
    const bytes = await this.#readBlock(block, blockLength, expected)
    this.#offset = block.end
    return bytes.subarray(Math.max(0, range.start - block.start), range.end - block.start)
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason)
  }

  /** The part of the manifest with the block of this offset. The next part is asked for when half of one is used up. */
  async #manifestAt(offset: number): Promise<EntryManifest> {
    const { range } = this.#options
    const ask = (start: number): Promise<EntryManifest> =>
      this.#options.manifest({ start, end: range.end }, this.#abort.signal)
    let manifest = this.#manifest
    if (!manifest || offset >= endOf(manifest)) {
      const { blockLength } = manifest ?? {}
      manifest = await (this.#nextManifest ?? ask(offset))
      this.#nextManifest = undefined
      if (manifest.blockLength !== (blockLength ?? manifest.blockLength)) throw unevenBlocks()
      this.#manifest = manifest
    }
    if (manifest.next !== undefined && !this.#nextManifest && offset - manifest.start >= endOf(manifest) - offset) {
      this.#nextManifest = ask(manifest.next)
      // If it fails, that shows when it is needed.
      markHandled(this.#nextManifest)
    }
    return manifest
  }

  async #readBlock(block: ByteRange, blockLength: number, expected: string): Promise<Uint8Array> {
    const { info, range, read } = this.#options
    const { signal } = this.#abort
    const end = Math.min(Math.ceil(range.end / blockLength) * blockLength, info.size)
    this.#chunks ??= new ChunkReader(read({ start: block.start, end }, signal, false))
    const byteLength = block.end - block.start
    const bytes = await this.#take(this.#chunks, byteLength)
    if (toBase64Url(await sha256(bytes)) === expected) return bytes

    const again = await collect(read(block, signal, true), { limit: byteLength })
    const actual = toBase64Url(await sha256(again))
    if (actual === expected) return again
    const { alias } = info
    const { start: offset } = block
    throw new IntegrityError(`the block at ${offset} of the entry arrived changed: ${alias}`, {
      alias,
      expected,
      actual,
      offset,
    })
  }

  /** The next bytes, in an array of their own. */
  async #take(chunks: ChunkReader, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(byteLength)
    let filled = 0
    while (filled < byteLength) {
      const chunk = this.#rest.byteLength > 0 ? this.#rest : await chunks.read()
      // The stream never ends short; if it did, the digest would not match.
      if (!chunk) break
      const piece = chunk.subarray(0, byteLength - filled)
      bytes.set(piece, filled)
      filled += piece.byteLength
      this.#rest = chunk.subarray(piece.byteLength)
    }
    return bytes
  }
}

function endOf({ start, digests, blockLength }: EntryManifest): number {
  return start + digests.length * blockLength
}

function unevenBlocks(): FormatError {
  return new FormatError('the blocks of the manifest have changed their length', { reason: 'invalid' })
}
