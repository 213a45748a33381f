import type { ByteSource } from '../../bytes/byte-source.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { markHandled } from '../../bytes/promises.ts'
import { IntegrityError } from '../../errors.ts'
import { BlockPlaces } from './block-places.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { DeltaCopies, type DeltaCopy } from './delta-copies.ts'
import { DeltaStream } from '../delta-stream.ts'
import type { SignatureLimits } from '../load-signature-job.ts'
import { addPiece, coalescePieces, type RangePiece } from './range-pieces.ts'
import { Signature } from '../signature.ts'
import { toByteSource } from '../to-byte-source.ts'
import type { ByteInput } from '../to-byte-stream.ts'
import { toSignature } from '../to-signature.ts'

/** Options of {@linkcode rangePlan}. */
export interface RangePlanOptions {
  /** Size of the new content in bytes, which the signature does not contain. */
  size: number
  /**
   * If fewer bytes than this lie between two remote pieces, they are fetched together with them as one piece, even
   * though the local source has them. With 0, nothing is fetched that is available locally.
   * @default 16384, about what a new connection carries in one round trip: a second request would take as long
   */
  coalesceLength?: number | undefined
  /** Limits on a signature that is not loaded yet. The defaults are those of `loadSignature`. */
  limits?: SignatureLimits | undefined
  /** Aborts planning, and reading the local source, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How to assemble new content from local and fetched bytes. A plain object that can be cloned and stored. */
export interface RangePlan {
  /** Size of the new content in bytes. */
  readonly size: number
  /** The pieces of the new content, in order, without gaps or overlaps. */
  readonly pieces: readonly RangePiece[]
  /** Total bytes of the local pieces. */
  readonly localBytes: number
  /** Total bytes of the remote pieces. */
  readonly remoteBytes: number
}

const DEFAULT_COALESCE_LENGTH = 16 * 1024

/** Maximum number of times the local source is read. */
const MAX_PASSES = 4

/**
 * The local source is read again only if at least this fraction of its size is missing, which most networks take longer
 * to fetch.
 */
const MIN_MISSING_FRACTION = 1 / 8

/**
 * Finds out which parts of new content a local source already has, as zsync does. The new content is known only by its
 * signature. The rest needs to be fetched; {@linkcode rebuild} then assembles the content.
 *
 * Blocks of the new content are found wherever they lie in `local`, and all identical blocks are filled from one place.
 * What remains to be fetched is the changes, rounded to block boundaries. (A short block at the end is found only at
 * the end of `local`, or right after the block before it.)
 *
 * `local` is read from start to end. A block that begins inside one already found is skipped in that pass, which
 * happens in content that repeats at irregular distances. So `local` is read again, up to four times in total, as long
 * as that finds more blocks, and the missing ones amount to at least an eighth of its size.
 *
 * Memory: that of a `DeltaStream`, a signature of the missing blocks while reading again, and about 20 bytes per block,
 * or 250 if the content repeats or lies in many pieces. Memory does not depend on the size of `local`.
 *
 * @param signature Signature of the new content, loaded, or the bytes of one, a Blob or a stream of them. If its strong sums are as short as `strongLength: 'min'` makes them,
 * an attacker can craft content that is mistaken for other content; verify a digest in that case.
 * @param local The data you already have, such as the old version.
 * @throws {TypeError} if an argument or option has the wrong type.
 * @throws {FormatError} if the bytes of `signature` are not a signature, or exceed the limits.
 * @throws {RangeError} if `size` does not match the number of blocks, or `coalesceLength` is negative.
 * @throws {IntegrityError} if `local` gives fewer or more bytes than its size says. Its own errors pass through
 * unchanged.
 *
 * @example
 * ```ts
 * import { loadSignature, rangePlan, SignatureStream } from 'combstream/rsync'
 *
 * const before = new Blob(['a line\n'.repeat(50_000), 'the last line\n'])
 * const after = new Blob(['a new first line\n', before])
 * const signature = await loadSignature(after.stream().pipeThrough(new SignatureStream({ sourceLength: after.size })))
 *
 * const plan = await rangePlan(signature, before, { size: after.size })
 * console.log(plan.remoteBytes) // 512: the block with the new line
 * ```
 */
export async function rangePlan(
  signature: Signature | ByteInput,
  local: ByteSource | Uint8Array | ArrayBuffer,
  { size, coalesceLength = DEFAULT_COALESCE_LENGTH, limits, signal }: RangePlanOptions,
): Promise<RangePlan> {
  const basis = toByteSource(local, 'local')
  checkInteger('size', size, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('coalesceLength', coalesceLength, 0, Number.MAX_SAFE_INTEGER)
  const target = await toSignature(signature, { limits, signal })
  const { blockCount, blockLength } = target
  if (Math.ceil(size / blockLength) !== blockCount) {
    throw new RangeError(`size must match ${blockCount} blocks of ${blockLength} bytes, got ${size}`)
  }
  signal?.throwIfAborted()

  const places = new BlockPlaces(target, size)
  await findBlocks(target, basis, signal, places)
  const found = places.pieces()
  await findShortBlock(target, basis, signal, found)
  const pieces = coalescePieces(found, coalesceLength)
  const remoteBytes = pieces.reduce((sum, { source, length }) => sum + (source === 'remote' ? length : 0), 0)
  return { size, pieces, localBytes: size - remoteBytes, remoteBytes }
}

/** Finds the places of the blocks in the local source. */
async function findBlocks(
  signature: Signature,
  local: ByteSource,
  signal: AbortSignal | undefined,
  places: BlockPlaces,
): Promise<void> {
  let missing = places.missing()
  if (missing.length === 0) return
  await findCopies(signature, local, signal, (copy) => places.add(copy))
  for (let pass = 2; pass <= MAX_PASSES; pass++) {
    const blocks = places.missing()
    const nothingFound = blocks.length === missing.length
    if (nothingFound || blocks.length * signature.blockLength < Math.max(1, local.size * MIN_MISSING_FRACTION)) return
    await findCopies(signatureOf(signature, blocks), local, signal, (copy) => places.add(copy, blocks))
    missing = blocks
  }
}

/** Returns the signature of some of the blocks. */
function signatureOf(signature: Signature, blocks: Uint32Array): Signature {
  const { strongLength } = signature
  const weakSums = blocks.map((block) => signature.weakSums[block]!)
  const strongSums = new Uint8Array(blocks.length * strongLength)
  for (const [i, block] of blocks.entries()) {
    strongSums.set(signature.strongSums.subarray(block * strongLength, (block + 1) * strongLength), i * strongLength)
  }
  return new Signature(Object.assign({}, signature, { weakSums, strongSums }))
}

/** Reads `source` and finds the blocks in it, as the copies of a delta to it. */
async function findCopies(
  signature: Signature,
  source: ByteSource,
  signal: AbortSignal | undefined,
  found: (copy: DeltaCopy) => void,
): Promise<void> {
  const bytes = source.stream()
  const delta = new ChunkReader(bytes.pipeThrough(new DeltaStream(signature, { signal })))
  const copies = new DeltaCopies()
  for (let chunk = await delta.read(); chunk; chunk = await delta.read()) {
    copies.take(chunk, found)
    // A source that gives too much may never end.
    if (copies.offset > source.size) break
  }
  if (copies.offset === source.size) return
  const error = new IntegrityError(`the local source gave ${copies.offset} bytes, expected ${source.size}`, {
    expected: `${source.size} bytes`,
    actual: `${copies.offset} bytes`,
  })
  markHandled(delta.cancel(error))
  throw error
}

/**
 * Looks for the short block at the end of the content if it alone is missing there. It tries two places. One is right
 * after the block before it, because a scan considers short windows only at the end of the source. The other is the end
 * of the local source, where the scan may have skipped it.
 */
async function findShortBlock(
  signature: Signature,
  local: ByteSource,
  signal: AbortSignal | undefined,
  pieces: RangePiece[],
): Promise<void> {
  const [before, last] = pieces.slice(-2)
  if (before?.source !== 'local' || last?.source !== 'remote' || last.length >= signature.blockLength) return
  const { position, length } = last
  for (const offset of [before.offset + before.length, local.size - length]) {
    if (offset < 0 || offset + length > local.size) continue
    let found = false
    await findCopies(signature, local.slice(offset, offset + length), signal, (copy) => {
      found ||= copy.position === position && copy.length === length
    })
    if (!found) continue
    pieces.pop()
    addPiece(pieces, { source: 'local', position, offset, length })
    return
  }
}
