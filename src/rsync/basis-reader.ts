import type { ByteSource } from '../bytes/byte-source.ts'
import { markHandled } from '../bytes/promises.ts'
import { ReusingReader } from '../bytes/reusing-reader.ts'
import { IntegrityError } from '../errors.ts'
import type { BasisRequest } from './patch-job.ts'

/** Shorter copies are tiny: the bytes around them are read and cached along with them. */
const TINY_BYTES = 16 * 1024

/** Bytes read around a tiny copy, half of them before it. Opening a stream costs reading a block, or a request. */
const WINDOW_BYTES = 64 * 1024

/** Longer copies are not cached. */
const MAX_CACHED_RANGE_BYTES = 256 * 1024

/** Size of the cache, in bytes. The least recently used bytes are evicted first. */
const CACHE_BYTES = 1024 * 1024

/**
 * How far ahead of the open stream a copy may begin. The bytes in between are read and dropped: opening a file takes as
 * long as reading 1 MiB of it, and a request takes longer.
 */
const MAX_SKIP_BYTES = 256 * 1024

/** Bounds on how far a stream reads beyond what was requested, while copies stay in order. */
const MIN_READ_AHEAD_BYTES = 64 * 1024
const MAX_READ_AHEAD_BYTES = 8 * 1024 * 1024

const NONE = new Uint8Array(0)

/** A cached range of the basis. */
interface CachedRange {
  readonly position: number
  readonly bytes: Uint8Array
}

/** An open stream over a range of the basis. */
interface OpenStream {
  readonly reader: ReusingReader
  /** Offset in the basis of the next byte. */
  position: number
  /** Offset in the basis at which the stream ends. */
  readonly end: number
  /** The unread rest of the last chunk. */
  rest: Uint8Array
}

/**
 * Reads ranges of a basis through as few streams as it can.
 *
 * A range that begins at the open stream's position, or up to 256 KiB further on, continues that stream. The more
 * ranges arrive in order, the further ahead the next stream is opened, up to 8 MiB. Out-of-order ranges of up to 256
 * KiB are cached in case they are needed again, and a range shorter than 16 KiB is cached together with the 64 KiB
 * around it.
 *
 * It caches up to 1 MiB and holds one chunk of the basis.
 */
export class BasisReader {
  readonly #basis: ByteSource
  /** Least recently used first. */
  readonly #cache: CachedRange[] = []
  #cachedBytes = 0
  /** The stream opened last. It is closed once it has been read to its end. */
  #stream: OpenStream | undefined
  #readAheadBytes = 0

  /** Creates a reader. Nothing is read yet. */
  constructor(basis: ByteSource) {
    this.#basis = basis
  }

  /**
   * Returns a range of the basis, or the first part of it. The bytes are valid only until the next call.
   *
   * @throws {IntegrityError} if the basis gives fewer bytes than its size says, or more than requested. The basis's own
   * errors pass through unchanged.
   */
  async read({ position, length }: BasisRequest): Promise<Uint8Array> {
    const cached = this.#find(position, length)
    if (cached) return cached

    const isTiny = length < TINY_BYTES
    const start = isTiny ? Math.max(0, position - WINDOW_BYTES / 2) : position
    const until = isTiny ? start + WINDOW_BYTES : position + length
    const inOrder = this.#isInOrder(position)
    const stream = inOrder ? this.#continue(position, start, until) : this.#openOutOfOrder(start, until)
    while (stream.position < start) await nextBytes(stream, start - stream.position)
    if (!isTiny && (inOrder || length > MAX_CACHED_RANGE_BYTES)) return await nextBytes(stream, length)

    const byteLength = Math.min(isTiny ? WINDOW_BYTES : length, stream.end - stream.position)
    this.#makeRoom(byteLength)
    this.#cache.push(await readCachedRange(stream, byteLength))
    return this.#find(position, length)!
  }

  /** Releases the basis immediately. May be called at any time, and more than once. */
  cancel(reason: unknown): void {
    if (this.#stream) close(this.#stream, reason)
    this.#stream = undefined
    this.#cache.length = 0
  }

  #find(position: number, length: number): Uint8Array | undefined {
    const holds = ({ position: start, bytes }: CachedRange): boolean =>
      position >= start && position < start + bytes.byteLength
    const index = this.#cache.findLastIndex(holds)
    const range = this.#cache[index]
    if (!range) return undefined
    if (index < this.#cache.length - 1) this.#cache.push(...this.#cache.splice(index, 1))
    const offset = position - range.position
    return range.bytes.subarray(offset, offset + length)
  }

  #makeRoom(byteLength: number): void {
    this.#cachedBytes += byteLength
    while (this.#cachedBytes > CACHE_BYTES) this.#cachedBytes -= this.#cache.shift()!.bytes.byteLength
  }

  #isInOrder(position: number): boolean {
    const skipped = this.#stream ? position - this.#stream.position : -1
    return skipped >= 0 && skipped <= MAX_SKIP_BYTES
  }

  /** Returns the open stream if it covers `position`, otherwise the stream that follows it. */
  #continue(position: number, start: number, until: number): OpenStream {
    const last = this.#stream!
    if (position < last.end) return last
    this.#readAheadBytes = Math.min(Math.max(2 * this.#readAheadBytes, MIN_READ_AHEAD_BYTES), MAX_READ_AHEAD_BYTES)
    return this.#open(Math.max(start, last.end), until + this.#readAheadBytes)
  }

  #openOutOfOrder(start: number, until: number): OpenStream {
    this.#readAheadBytes = 0
    return this.#open(start, until)
  }

  #open(start: number, until: number): OpenStream {
    if (this.#stream) close(this.#stream, undefined)
    const end = Math.min(until, this.#basis.size)
    const reader = new ReusingReader(this.#basis.slice(start, end).stream(), this.#stream?.reader)
    return (this.#stream = { reader, position: start, end, rest: NONE })
  }
}

/** Returns the next bytes of a stream, at most `maxBytes` of them. */
async function nextBytes(stream: OpenStream, maxBytes: number): Promise<Uint8Array> {
  const chunk = stream.rest.byteLength > 0 ? stream.rest : await nextChunk(stream)
  const bytes = chunk.subarray(0, maxBytes)
  stream.rest = bytes.byteLength === chunk.byteLength ? NONE : chunk.subarray(bytes.byteLength)
  stream.position += bytes.byteLength
  if (stream.position === stream.end) close(stream, undefined)
  return bytes
}

async function nextChunk({ reader, position, end }: OpenStream): Promise<Uint8Array> {
  const chunk = await reader.read()
  const length = end - position
  const byteLength = chunk?.byteLength ?? 0
  if (chunk && byteLength <= length) return chunk
  throw new IntegrityError(`the basis gave ${byteLength} instead of ${length} bytes at offset ${position}`, {
    expected: `${length} bytes`,
    actual: `${byteLength} bytes`,
  })
}

/** Copies the next `byteLength` bytes of a stream into memory of their own. The stream must have that many. */
async function readCachedRange(stream: OpenStream, byteLength: number): Promise<CachedRange> {
  const { position } = stream
  const bytes = new Uint8Array(byteLength)
  for (let offset = 0; offset < byteLength;) {
    const piece = await nextBytes(stream, byteLength - offset)
    bytes.set(piece, offset)
    offset += piece.byteLength
  }
  return { position, bytes }
}

function close(stream: OpenStream, reason: unknown): void {
  stream.rest = NONE
  markHandled(stream.reader.cancel(reason))
}
