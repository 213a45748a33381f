import { assertByteSource, type ByteSource } from '../../bytes/byte-source.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { markHandled } from '../../bytes/promises.ts'
import { IntegrityError } from '../../errors.ts'
import { BlockPlaces } from './block-places.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { DeltaCopies, type DeltaCopy } from './delta-copies.ts'
import { DeltaStream } from '../delta-stream.ts'
import { addPiece, coalescePieces, type RangePiece } from './range-pieces.ts'
import { asSignature, Signature } from '../signature.ts'

/** Options of {@linkcode rangePlan}. */
export interface RangePlanOptions {
  /** Bytes of the new content, which a signature does not tell. */
  size: number
  /**
   * What lies between two remote pieces is fetched with them, as one piece, if it has fewer bytes than this, though the
   * local source has it. 0 fetches nothing that is there.
   * @default 16384, about what a new connection carries in one round trip: asking twice would take as long
   */
  coalesceLength?: number | undefined
  /** Gives the plan, and the local source, up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How new content is put together from what is there and what is fetched. A plain object: it can be cloned and stored. */
export interface RangePlan {
  /** Bytes of the new content. */
  readonly size: number
  /** The pieces of the new content, in order, without gaps or overlaps. */
  readonly pieces: readonly RangePiece[]
  /** Bytes of all local pieces. */
  readonly localBytes: number
  /** Bytes of all remote pieces. */
  readonly remoteBytes: number
}

const DEFAULT_COALESCE_LENGTH = 16 * 1024

/** How often the local source is read at most. */
const MAX_PASSES = 4

/** It is read again only for at least this part of its size, which most networks take longer to fetch. */
const MIN_MISSING_PART = 1 / 8

/**
 * Finds out which parts of new content, of which it has the signature, a local source has already, as zsync does: what
 * is left is to be fetched. {@linkcode rebuild} then puts the content together.
 *
 * The blocks of the new content are found wherever they lie in `local`, and all blocks that are equal are filled from
 * one place. What is fetched is the changes, up to the borders of their blocks. (A short block at the end is found at the
 * end of `local`, or behind the block before it.)
 *
 * `local` is read once, from its start to its end. A block that begins within one that was found is stepped over then,
 * as in content that repeats itself at odd distances: so it is read again, up to four times in all, as long as that finds
 * something and blocks of an eighth of its size or more are missing.
 *
 * It holds what a `DeltaStream` holds, a signature of the missing blocks while it reads again, and about 20 bytes a
 * block, 250 for content that repeats itself or lies in many pieces; nothing for each byte of `local`.
 *
 * @param signature Signature of the new content. With strong sums as short as `strongLength: 'min'` makes them, content
 * that was made to be taken for other content is: verify a digest then.
 * @param local What is there, the old version for instance.
 * @throws {TypeError} if an argument or an option is of the wrong type.
 * @throws {RangeError} if `size` is not that of content with as many blocks, or `coalesceLength` is negative.
 * @throws {IntegrityError} if `local` gives fewer or more bytes than its size promises. An error of `local` passes
 * through unchanged.
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
 * console.log(plan.remoteBytes) // 512: the block of the new line
 * ```
 */
export async function rangePlan(
  signature: Signature,
  local: ByteSource,
  { size, coalesceLength = DEFAULT_COALESCE_LENGTH, signal }: RangePlanOptions,
): Promise<RangePlan> {
  const target = asSignature(signature)
  assertByteSource(local, 'local')
  checkInteger('size', size, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('coalesceLength', coalesceLength, 0, Number.MAX_SAFE_INTEGER)
  const { blockCount, blockLength } = target
  if (Math.ceil(size / blockLength) !== blockCount) {
    throw new RangeError(`size must be that of ${blockCount} blocks of ${blockLength} bytes, got ${size}`)
  }
  signal?.throwIfAborted()

  const places = new BlockPlaces(target, size)
  await findBlocks(target, local, signal, places)
  const found = places.pieces()
  await findShortBlock(target, local, signal, found)
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
    if (nothingFound || blocks.length * signature.blockLength < Math.max(1, local.size * MIN_MISSING_PART)) return
    await findCopies(signatureOf(signature, blocks), local, signal, (copy) => places.add(copy, blocks))
    missing = blocks
  }
}

/** The signature of some of the blocks. */
function signatureOf(signature: Signature, blocks: Uint32Array): Signature {
  const { strongLength } = signature
  const weakSums = blocks.map((block) => signature.weakSums[block]!)
  const strongSums = new Uint8Array(blocks.length * strongLength)
  for (const [i, block] of blocks.entries()) {
    strongSums.set(signature.strongSums.subarray(block * strongLength, (block + 1) * strongLength), i * strongLength)
  }
  return new Signature(Object.assign({}, signature, { weakSums, strongSums }))
}

/** Reads `source` and finds the blocks in it: the copies that a delta to it consists of. */
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
    // More than there should be may be more without an end.
    if (copies.offset > source.size) break
  }
  if (copies.offset === source.size) return
  const error = new IntegrityError(`the local source gave ${copies.offset} of its ${source.size} bytes`, {
    expected: `${source.size} bytes`,
    actual: `${copies.offset} bytes`,
  })
  markHandled(delta.cancel(error))
  throw error
}

/**
 * Looks for a short block at the end of the content, if that alone is missing there, where it should be: behind the block
 * before it, for windows are short at the end of the local source only; and there, as it may have been stepped over.
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
