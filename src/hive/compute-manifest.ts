import type { ByteRange } from '../bytes/byte-range.ts'
import { toBase64Url } from '../bytes/byte-text.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { createSha256 } from '../bytes/sha256.ts'
import type { EntryManifest } from './entry-manifest.ts'
import type { VersionReading, VersionSource } from './version-source.ts'

/** Bytes of a block in a computed manifest: the default of a store's blocks, so that a reader of one opens no two. */
const BLOCK_BYTES = 1_000_000
/** Most blocks whose digests are computed at a time: a bound of what one call reads. */
const MAX_BLOCKS = 64

/** Computes the digests of the blocks that a range of a version touches, or of the first of them. It holds one chunk. */
export async function computeManifest(
  source: Pick<VersionSource, 'info' | 'read'>,
  range: ByteRange,
  reading: VersionReading,
): Promise<EntryManifest> {
  const { etag, size } = source.info
  const start = range.start - (range.start % BLOCK_BYTES)
  const wantedEnd = range.end === range.start ? start : Math.min(size, Math.ceil(range.end / BLOCK_BYTES) * BLOCK_BYTES)
  const end = Math.min(wantedEnd, start + MAX_BLOCKS * BLOCK_BYTES)
  const digests = await digestBlocks(source.read({ start, end }, { ...reading, readAhead: true }))
  return { etag, size, blockLength: BLOCK_BYTES, start, digests, ...(end < wantedEnd && { next: end }) }
}

async function digestBlocks(bytes: ReadableStream<Uint8Array>): Promise<string[]> {
  const chunks = new ChunkReader(bytes)
  const digests: string[] = []
  try {
    let hash = await createSha256()
    let hashed = 0
    const endBlock = async (): Promise<void> => {
      digests.push(toBase64Url(hash.digest()))
      hash = await createSha256()
      hashed = 0
    }
    for (let chunk = await chunks.read(); chunk; chunk = await chunks.read()) {
      for (let rest = chunk; rest.byteLength > 0;) {
        const piece = rest.subarray(0, BLOCK_BYTES - hashed)
        hash.update(piece)
        hashed += piece.byteLength
        rest = rest.subarray(piece.byteLength)
        if (hashed === BLOCK_BYTES) await endBlock()
      }
    }
    if (hashed > 0) await endBlock()
    return digests
  } catch (error) {
    markHandled(chunks.cancel(error))
    throw error
  }
}
