import { type ByteSource, bytesSource } from '../bytes/byte-source.ts'
import { asBytes, isBytes } from '../bytes/chunk-reader.ts'
import { describeValue } from '../bytes/describe-value.ts'

/** Bytes to be read once: in memory, from a `Blob`, a `File` or any other ByteSource, or from a stream. */
export type ByteInput = Uint8Array | ArrayBuffer | ByteSource | ReadableStream<Uint8Array>

/** Checks whether a value has the shape of a {@linkcode ByteInput}. */
export function isByteInput(value: unknown): value is ByteInput {
  const { getReader, stream } = (value ?? {}) as Partial<ReadableStream & ByteSource>
  return isBytes(value) || typeof getReader === 'function' || typeof stream === 'function'
}

/**
 * Converts an argument that may be bytes, a ByteSource or a stream to a stream.
 *
 * @throws {TypeError} if it is none of them.
 */
export function toByteStream(value: ByteInput, name: string): ReadableStream<Uint8Array> {
  if (isBytes(value)) return bytesSource(asBytes(value)).stream()
  if (!isByteInput(value)) {
    throw new TypeError(`${name} must be bytes, a Blob, a ByteSource or a stream, got ${describeValue(value)}`)
  }
  return 'getReader' in value ? value : value.stream()
}
