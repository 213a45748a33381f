import { byteStream } from './byte-stream.ts'
import { asBytes } from './chunk-reader.ts'
import { describeValue } from './describe-value.ts'
import { type ByteRange, clampRange } from './byte-range.ts'

/**
 * Bytes that can be read any number of times, from any offset. The shape is that of a `Blob`, so a `Blob` or `File` is
 * one; so are a stored stream, an entry of a hive, local or remote, and a file on disk.
 */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number
  /**
   * The bytes from `start` up to, not including, `end`, as a separate source; clamped as in `Blob.slice`. Unlike a
   * Blob, the sources of this package do not round offsets.
   *
   * @throws {TypeError} if `start` or `end` is not an integer.
   */
  slice(start?: number, end?: number): ByteSource
  /** All the bytes, as a new stream that is independent of all others. */
  stream(): ReadableStream<Uint8Array>
}

/** Bytes of a chunk from {@linkcode bytesSource}; above 64 KiB the overhead of a chunk is negligible. */
const CHUNK_BYTES = 256 * 1024

/**
 * A source over bytes in memory. It reads `bytes` when its streams are read, so they must not change before that.
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

/** A source whose streams take options. */
export interface RangeSource<Options> extends ByteSource {
  slice(start?: number, end?: number): RangeSource<Options>
  stream(options?: Options): ReadableStream<Uint8Array<ArrayBuffer>>
}

/** Opens a stream of the bytes of a range. */
type ReadRange<Options> = (range: ByteRange, options?: Options) => ReadableStream<Uint8Array<ArrayBuffer>>

/** A source over anything that can be read from one offset to another, with slices, and slices of slices. */
export function rangeSource<Options = undefined>(size: number, read: ReadRange<Options>): RangeSource<Options> {
  return sliceOf({ start: 0, end: size }, read)
}

function sliceOf<Options>({ start, end }: ByteRange, read: ReadRange<Options>): RangeSource<Options> {
  const size = end - start
  return {
    size,
    slice(from, to) {
      const range = clampRange(size, from, to)
      return sliceOf({ start: start + range.start, end: start + range.end }, read)
    },
    stream: (options) => read({ start, end }, options),
  }
}

/**
 * Checks that a value has the shape of a {@linkcode ByteSource}.
 *
 * @throws {TypeError} if it does not.
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
