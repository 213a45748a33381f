import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError } from '../../errors.ts'

/** What {@linkcode readExactly} reads. */
export interface ExactReading {
  /** The number of bytes that there must be. */
  readonly byteLength: number
  /** Takes the bytes if it has this length. */
  readonly into: Uint8Array<ArrayBuffer> | undefined
  /** Called after each piece. */
  readonly onProgress: () => void
}

/**
 * Reads the body of an answer, which must have a certain length.
 *
 * @throws {BackendError} if it is shorter or longer.
 */
export async function readExactly(
  response: Response,
  { byteLength, into, onProgress }: ExactReading,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = into?.byteLength === byteLength ? into : new Uint8Array(byteLength)
  let offset = 0
  await eachChunk(response, (chunk) => {
    onProgress()
    if (chunk.byteLength > byteLength - offset) throw cut(`more than ${byteLength} bytes`)
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  })
  if (offset < byteLength) throw cut(`${offset} of ${byteLength} bytes`)
  return bytes
}

/**
 * Reads the body of an answer as text.
 *
 * @throws {BackendError} if it has more than `maxBytes` bytes.
 */
export async function readText(response: Response, maxBytes: number, onProgress: () => void): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  await eachChunk(response, (chunk) => {
    onProgress()
    size += chunk.byteLength
    if (size > maxBytes) throw new BackendError(`the answer has more than ${maxBytes} bytes`, { retryable: false })
    text += decoder.decode(chunk, { stream: true })
  })
  return text + decoder.decode()
}

async function eachChunk({ body }: Response, take: (chunk: Uint8Array) => void): Promise<void> {
  if (!body) return
  const reader = new ChunkReader(body)
  try {
    for (let chunk = await reader.read(); chunk; chunk = await reader.read()) take(chunk)
  } catch (error) {
    markHandled(reader.cancel(error))
    throw error
  }
}

function cut(got: string): BackendError {
  return new BackendError(`the answer was cut off: got ${got}`, { retryable: true })
}
