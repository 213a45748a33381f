import type { ByteRange } from '../bytes/byte-range.ts'
import type { BlockRecord, UsageRecord } from './cache-records.ts'

/** Most Blobs of blocks that are held: 2 GB in blocks of the usual length. */
const MOST_BLOBS = 2_048
/** Most versions whose blocks are known. */
const MOST_VERSIONS = 16

/** What was removed from the cache when a version was opened: what was here then is here as long as this stays the same. */
export type Removals = Pick<UsageRecord, 'clears' | 'evicted'>

/** A block of a version that is here, and where its use is noted. */
export type KnownBlock = Pick<BlockRecord, 'id' | 'owner' | 'index' | 'length'>

/** A range of a version, in the engine's own storage. */
export interface BlobAnswer {
  readonly blob: Blob
  /** The blocks that it touches. */
  readonly blocks: readonly KnownBlock[]
}

interface KnownVersion {
  readonly removals: Removals
  readonly blockLength: number
  /** By index in the version. */
  readonly blocks: Map<number, KnownBlock>
  /** The answer that was made last: to make one of many Blobs takes some milliseconds. */
  last: (ByteRange & { readonly answer: BlobAnswer }) | undefined
}

/**
 * Blocks whose bytes were checked since this program was started, as Blobs of the engine's own storage, and which blocks of
 * which versions they are. So a range can be answered without reading a row or a byte.
 */
export class BlobAnswers {
  /** By id of the stream. */
  readonly #blobs = new Map<string, Promise<Blob | undefined>>()
  readonly #versions = new Map<string, KnownVersion>()
  /** How often something was forgotten. */
  #losses = 0

  /** Adds the Blob of a stream whose bytes have been checked, unless it is here; `open` opens it, if the engine has Blobs. */
  add(id: string, open: () => Promise<Blob | undefined> | undefined): void {
    if (this.#blobs.has(id)) return
    const blob = open()
    if (!blob) return
    this.#blobs.set(id, blob)
    for (const oldest of this.#blobs.keys()) {
      if (this.#blobs.size <= MOST_BLOBS) break
      this.#blobs.delete(oldest)
    }
  }

  /** Forgets a stream, because its bytes are damaged. */
  remove(id: string): void {
    this.#losses++
    this.#blobs.delete(id)
    for (const version of this.#versions.values()) version.last = undefined
  }

  /** Notes which block of a version a stream is, for somebody who has opened that version after these removals. */
  note(
    key: string,
    { removals, blockLength }: Pick<KnownVersion, 'removals' | 'blockLength'>,
    index: number,
    block: KnownBlock,
  ): void {
    if (!this.#blobs.has(block.id)) return
    let version = this.#versions.get(key)
    if (version && isAfter(version.removals, removals)) return
    if (!version || isAfter(removals, version.removals) || version.blockLength !== blockLength) {
      version = { removals, blockLength, blocks: new Map(), last: undefined }
    }
    version.last = undefined
    this.#versions.delete(key)
    this.#versions.set(key, version)
    if (version.blocks.size < MOST_BLOBS) version.blocks.set(index, block)
    for (const oldest of this.#versions.keys()) {
      if (this.#versions.size <= MOST_VERSIONS) break
      this.#versions.delete(oldest)
    }
  }

  /** A range that is not empty, if all of it is here, and nothing was removed since that was noted. */
  async find(key: string, removals: Removals, { start, end }: ByteRange): Promise<BlobAnswer | undefined> {
    const version = this.#versions.get(key)
    if (!version || isAfter(removals, version.removals)) return undefined
    const { blockLength, last } = version
    if (last?.start === start && last.end === end) return last.answer
    const blocks: KnownBlock[] = []
    const opening: Promise<Blob | undefined>[] = []
    for (let index = Math.floor(start / blockLength); index * blockLength < end; index++) {
      const block = version.blocks.get(index)
      const blob = block && this.#blobs.get(block.id)
      if (!blob) return undefined
      blocks.push(block)
      opening.push(blob)
    }
    const losses = this.#losses
    const parts: Blob[] = []
    for (const [i, blob] of (await Promise.all(opening)).entries()) {
      if (blob?.size !== blocks[i]!.length) return undefined
      const offset = (Math.floor(start / blockLength) + i) * blockLength
      const isWhole = start <= offset && offset + blob.size <= end
      parts.push(isWhole ? blob : blob.slice(Math.max(start - offset, 0), Math.min(end - offset, blob.size)))
    }
    if (losses !== this.#losses) return undefined
    const answer = { blob: parts.length === 1 ? parts[0]! : new Blob(parts), blocks }
    version.last = { start, end, answer }
    return answer
  }

  /** Forgets everything. */
  clear(): void {
    this.#losses++
    this.#blobs.clear()
    this.#versions.clear()
  }
}

function isAfter(one: Removals, other: Removals): boolean {
  return one.clears > other.clears || (one.clears === other.clears && one.evicted > other.evicted)
}
