import { ownBytes } from '../../bytes/byte-order.ts'
import type { ByteProducer } from '../../bytes/byte-stream.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { onAbort } from '../../bytes/on-abort.ts'

/** The chunks of a stream. Each of the signals, which end the stream, too, makes it fail at once with its reason. */
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
