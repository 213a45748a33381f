import { ownBytes } from '../bytes/byte-order.ts'
import type { ByteRange } from '../bytes/byte-range.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { toHex } from '../bytes/byte-text.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import type { Representation } from './representation.ts'

/** A gap between two parts that is read and dropped, rather than opening the bytes anew: the size of a block. */
const MAX_SKIPPED_BYTES = 1_000_000

const BOUNDARY_BYTES = 16

/** One part of a {@linkcode Multipart}. */
export interface Part extends ByteRange {
  /** The delimiter and the header fields that come before the bytes. */
  readonly head: Uint8Array<ArrayBuffer>
}

/** A body of several ranges: multipart/byteranges (RFC 9110, section 14.6). */
export interface Multipart {
  /** Media type of the body, with its boundary. */
  readonly contentType: string
  /** Number of bytes of the body. */
  readonly contentLength: number
  /** The parts, in the order in which they were asked for. */
  readonly parts: readonly Part[]
  /** The delimiter that ends the body. */
  readonly tail: Uint8Array<ArrayBuffer>
}

/**
 * Joins the ranges that overlap, touch, or have at most `maxGap` bytes between them (RFC 9110, section 15.3.7.2). A
 * joined range has the place of the first of its ranges, so the order stays that of the request.
 */
export function coalesce(ranges: readonly ByteRange[], maxGap: number): ByteRange[] {
  const ordered = ranges.map((range, place) => ({ ...range, place })).sort((a, b) => a.start - b.start)
  const joined: { start: number; end: number; place: number }[] = []
  for (const range of ordered) {
    const last = joined.at(-1)
    if (last && range.start <= last.end + maxGap) {
      last.end = Math.max(last.end, range.end)
      last.place = Math.min(last.place, range.place)
    } else {
      joined.push({ ...range })
    }
  }
  return joined.sort((a, b) => a.place - b.place).map(({ start, end }) => ({ start, end }))
}

/** Number of bytes that a part takes besides its range: a smaller gap costs less than another part. */
export function partOverhead({ size, type }: Pick<Representation, 'size' | 'type'>): number {
  const boundary = '0'.repeat(2 * BOUNDARY_BYTES)
  return partHead(boundary, { start: size, end: size }, { size, type }).length
}

/** Makes the parts of a body, with a new random boundary. */
export function multipartOf(ranges: readonly ByteRange[], version: Pick<Representation, 'size' | 'type'>): Multipart {
  const boundary = newBoundary()
  const encoder = new TextEncoder()
  const parts = ranges.map((range) => ({ ...range, head: encoder.encode(partHead(boundary, range, version)) }))
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`)
  const contentLength = parts.reduce(
    (sum, { head, start, end }) => sum + head.byteLength + end - start,
    tail.byteLength,
  )
  return { contentType: `multipart/byteranges; boundary=${boundary}`, contentLength, parts, tail }
}

/** The first one, too, begins with an empty line, as in nginx and Apache: zsync finds no parts without it. */
function partHead(
  boundary: string,
  { start, end }: ByteRange,
  { size, type }: Pick<Representation, 'size' | 'type'>,
): string {
  return `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`
}

/** Random, so that nobody can store bytes that contain it; without capitals, because zsync ignores their case. */
function newBoundary(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(BOUNDARY_BYTES)))
}

/**
 * Streams the body. The head of a part is sent once the first bytes of the part are there, so a failure to read the
 * first part comes before anything is sent. At most two chunks are held.
 *
 * @param read Opens the bytes of a range. Parts that follow each other closely are read through one stream.
 */
export function multipartStream(
  { parts, tail }: Multipart,
  read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new PartReader(parts, read)
  let index = 0
  /** Offset of the next byte of the current part; undefined before its head. */
  let offset: number | undefined
  let waiting: Uint8Array<ArrayBuffer> | undefined
  let isEnded = false

  const readOn = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const chunk = await bytes.read(index, offset!)
    if (!chunk) return undefined
    offset! += chunk.byteLength
    if (offset === parts[index]!.end) {
      offset = undefined
      index++
    }
    return chunk
  }

  return byteStream({
    async next() {
      const chunk = waiting
      waiting = undefined
      if (chunk) return chunk
      if (offset !== undefined) return readOn()
      const part = parts[index]
      if (!part) {
        if (isEnded) return undefined
        isEnded = true
        return tail
      }
      offset = part.start
      waiting = await readOn()
      return waiting && part.head
    },
    cancel(reason) {
      waiting = undefined
      return bytes.cancel(reason)
    },
  })
}

/** Reads the bytes of parts, one part after the other. */
class PartReader {
  readonly #parts: readonly Part[]
  readonly #read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>
  #chunks: ChunkReader | undefined
  /** Offset in the version of the next byte: the first one of `#rest`, or of the next chunk. */
  #offset = 0
  #rest: Uint8Array | undefined
  #isCancelled = false

  constructor(parts: readonly Part[], read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#parts = parts
    this.#read = read
  }

  /** The next bytes of a part; undefined once it is cancelled. */
  async read(index: number, offset: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const chunks = (this.#chunks ??= this.#open(index, offset))
    for (;;) {
      const chunk = this.#rest ?? (await chunks.read())
      this.#rest = undefined
      if (this.#isCancelled) return undefined
      if (!chunk) throw new Error(`the bytes end at ${this.#offset}, within a part`)
      const skipped = Math.min(offset - this.#offset, chunk.byteLength)
      const { end } = this.#parts[index]!
      const piece = chunk.subarray(skipped, end - this.#offset)
      const taken = skipped + piece.byteLength
      this.#offset += taken
      if (taken < chunk.byteLength) this.#rest = chunk.subarray(taken)
      if (this.#offset === end && !this.#continuesTo(index + 1)) {
        // All its bytes have been read, but a stream frees its resources only when it is cancelled or read to its end.
        markHandled(chunks.cancel())
        this.#chunks = undefined
      }
      if (piece.byteLength > 0) return ownBytes(piece)
    }
  }

  cancel(reason: unknown): Promise<void> | undefined {
    this.#isCancelled = true
    this.#rest = undefined
    return this.#chunks?.cancel(reason)
  }

  /** Opens the bytes of a part, and of those after it that can be read through the same stream. */
  #open(index: number, start: number): ChunkReader {
    let last = index
    while (this.#continuesTo(last + 1)) last++
    this.#offset = start
    return new ChunkReader(this.#read({ start, end: this.#parts[last]!.end }))
  }

  #continuesTo(index: number): boolean {
    const [before, part] = [this.#parts[index - 1], this.#parts[index]]
    if (!before || !part) return false
    return part.start >= before.end && part.start - before.end <= MAX_SKIPPED_BYTES
  }
}
