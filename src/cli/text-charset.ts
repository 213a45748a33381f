import { concatBytes, copyBytes, ownBytes } from '../bytes/byte-order.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../bytes/promises.ts'

/** Number of bytes that are inspected. */
const HEAD_BYTES = 64 * 1024

/** A stream and its media type. */
export interface TypedStream {
  /** The media type. */
  readonly type: string
  /** The bytes. */
  readonly stream: ReadableStream<Uint8Array>
}

/**
 * Adds `charset=utf-8` to the media type of text whose first 64 KiB are UTF-8. Without it, browsers interpret text as
 * windows-1252. A stream of any other type is not read. The returned stream has all bytes.
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

/** Whether bytes are UTF-8. If more bytes follow, the last character may be incomplete. */
function isUtf8(bytes: Uint8Array, isEnd: boolean): boolean {
  // Text does not contain NUL, except in UTF-16 without a byte order mark.
  if (bytes.includes(0)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isEnd })
    return true
  } catch {
    return false
  }
}
