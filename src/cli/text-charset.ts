import { concatBytes, copyBytes, ownBytes } from '../bytes/byte-order.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../bytes/promises.ts'

/** Bytes that are looked at. */
const HEAD_BYTES = 64 * 1024

/** A stream, and what it is. */
export interface TypedStream {
  /** The media type. */
  readonly type: string
  /** The bytes. */
  readonly stream: ReadableStream<Uint8Array>
}

/**
 * Adds `charset=utf-8` to the type of a text whose first 64 KiB are UTF-8. Without it, browsers take a text for
 * windows-1252. Nothing is read of what is not a text, and the stream that it gives has all bytes.
 */
export async function withTextCharset({ type, stream }: TypedStream, signal: AbortSignal): Promise<TypedStream> {
  if (!type.startsWith('text/')) return { type, stream }

  const reader = new ChunkReader(stream)
  const chunks: Uint8Array[] = []
  let byteLength = 0
  let isEnd = false
  try {
    while (byteLength < HEAD_BYTES && !isEnd) {
      const chunk = await abortable(reader.read(), signal)
      if (chunk) chunks.push(copyBytes(chunk))
      else isEnd = true
      byteLength += chunk?.byteLength ?? 0
    }
  } catch (error) {
    markHandled(reader.cancel(error))
    throw error
  }
  const isText = isUtf8(concatBytes(...chunks).subarray(0, HEAD_BYTES), isEnd)
  return {
    type: isText ? `${type}; charset=utf-8` : type,
    stream: byteStream({
      async next() {
        const chunk = chunks.shift() ?? (await reader.read())
        return chunk && ownBytes(chunk)
      },
      cancel: (reason) => reader.cancel(reason),
    }),
  }
}

/** Whether bytes are UTF-8, but for a character that the end cuts in two if more bytes follow. */
function isUtf8(bytes: Uint8Array, isEnd: boolean): boolean {
  // UTF-16 without a byte order mark: no text has this character.
  if (bytes.includes(0)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isEnd })
    return true
  } catch {
    return false
  }
}
