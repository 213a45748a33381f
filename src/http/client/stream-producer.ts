import { ownBytes } from '../../bytes/byte-order.ts'
import type { ByteProducer } from '../../bytes/byte-stream.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { onAbort } from '../../bytes/on-abort.ts'

/** Produces the chunks of a stream. When one of the signals aborts, which must also end the stream, it fails at once. */
export function streamProducer(
  stream: ReadableStream<Uint8Array>,
  signals: readonly (AbortSignal | undefined)[],
): ByteProducer {
  const chunks = new ChunkReader(stream)
  let stopListening = (): void => undefined
  return {
    start(fail) {
      stopListening = onAbort(signals, fail)
    },
    async next() {
      const chunk = await chunks.read()
      if (!chunk) stopListening()
      return chunk && ownBytes(chunk)
    },
    cancel(reason) {
      stopListening()
      return chunks.cancel(reason)
    },
  }
}
