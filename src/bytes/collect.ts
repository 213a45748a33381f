import { QuotaExceededError } from '../errors.ts'
import { ChunkReader } from './chunk-reader.ts'
import { markHandled } from './promises.ts'

/** Options of {@linkcode collect}. */
export interface CollectOptions {
  /**
   * The largest number of bytes to read.
   * @default Infinity
   */
  limit?: number
}

/**
 * Reads a stream to its end, into one array.
 *
 * @throws {QuotaExceededError} if there are more bytes than `limit`; the stream is cancelled.
 */
export async function collect(
  readable: ReadableStream<Uint8Array>,
  { limit = Infinity }: CollectOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new ChunkReader(readable)
  const chunks: Uint8Array[] = []
  let size = 0
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    size += chunk.byteLength
    if (size > limit) {
      const error = new QuotaExceededError(`more than ${limit} bytes`, { limit })
      markHandled(reader.cancel(error))
      throw error
    }
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
