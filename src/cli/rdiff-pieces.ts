import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'

const NONE = new Uint8Array(0)

/** The same bytes in chunks of at most `maxBytes`; 0: as they come. */
export function inPieces(stream: ReadableStream<Uint8Array>, maxBytes: number): ReadableStream<Uint8Array> {
  if (maxBytes === 0) return stream
  const reader = new ChunkReader(stream)
  let rest: Uint8Array = NONE
  return byteStream({
    async next() {
      if (rest.byteLength === 0) rest = (await reader.read()) ?? NONE
      const piece = rest.slice(0, maxBytes)
      rest = rest.subarray(piece.byteLength)
      return piece.byteLength > 0 ? piece : undefined
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
