import { byteStream } from './byte-stream.ts'
import { asBytes } from './chunk-reader.ts'
import { describeValue } from './describe-value.ts'
import { type ByteRange, clampRange } from './byte-range.ts'

/**
 * Bytes that can be read any number of times, from anywhere: the shape of a `Blob`, on purpose. A `Blob` or `File` is
 * one; so are a stored stream, an entry of a hive, near or far, and a file on disk.
 */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number
  /**
   * The bytes from `start` up to, not including, `end`, as a source of their own; clamped as in `Blob.slice`. Unlike a
   * Blob, the sources of this package round nothing.
   *
   * @throws {TypeError} if `start` or `end` is no integer.
   */
  slice(start?: number, end?: number): ByteSource
  /** All the bytes, as a new stream that is independent of every other. */
  stream(): ReadableStream<Uint8Array>
}

/** Bytes of one chunk that {@linkcode bytesSource} gives; above 64 KiB the cost of a chunk no longer shows. */
const CHUNK_BYTES = 256 * 1024

/**
 * A source over bytes in memory. It reads `bytes` when its streams are read, so they must not change meanwhile.
 *
 * @throws {TypeError} if `bytes` is not a Uint8Array.
 */
export function bytesSource(bytes: Uint8Array): ByteSource {
  if (!ArrayBuffer.isView(bytes)) throw new TypeError(`bytes must be a Uint8Array, got ${typeof bytes}`)
  const plain = asBytes(bytes)
  return rangeSource(plain.byteLength, ({ start, end }) => {
    let offset = start
    return byteStream({
      next() {
        if (offset >= end) return undefined
        const chunk = plain.slice(offset, Math.min(offset + CHUNK_BYTES, end))
        offset += chunk.byteLength
        return chunk
      },
      fill(buffer) {
        const piece = plain.subarray(offset, Math.min(offset + buffer.byteLength, end))
        buffer.set(piece)
        offset += piece.byteLength
        return piece.byteLength
      },
      cancel() {
        offset = end
      },
    })
  })
}

/** A source over anything that can be read from one offset to another; slices of slices are worked out here. */
export function rangeSource(
  size: number,
  read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>,
): ByteSource {
  return new RangeSource({ start: 0, end: size }, read)
}

class RangeSource implements ByteSource {
  readonly size: number
  readonly #range: ByteRange
  readonly #read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>

  constructor(range: ByteRange, read: (range: ByteRange) => ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.size = range.end - range.start
    this.#range = range
    this.#read = read
  }

  slice(start?: number, end?: number): ByteSource {
    const range = clampRange(this.size, start, end)
    const base = this.#range.start
    return new RangeSource({ start: base + range.start, end: base + range.end }, this.#read)
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#read(this.#range)
  }
}

/**
 * Checks that a value has the shape of a {@linkcode ByteSource}.
 *
 * @throws {TypeError} if it has not.
 */
export function assertByteSource(value: ByteSource, name: string): void {
  const source: Partial<ByteSource> | null | undefined = value
  const size = source?.size
  if (
    typeof source?.stream !== 'function' ||
    typeof source.slice !== 'function' ||
    !Number.isSafeInteger(size) ||
    size! < 0
  ) {
    throw new TypeError(`${name} must have size, slice() and stream(), as a Blob has; got ${describeValue(value)}`)
  }
}
