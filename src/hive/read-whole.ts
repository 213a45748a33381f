import { checkInteger } from '../bytes/check-integer.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { QuotaExceededError } from '../errors.ts'
import type { Entry, ReadWholeOptions } from './hive.ts'

/** Largest entry that is read into memory by default. */
const DEFAULT_LIMIT = 1024 ** 3
/** In V8, the longest string has some 512 Mi characters. */
const DEFAULT_TEXT_LIMIT = 256 * 1024 ** 2

/** Reads a whole entry into one array. */
export async function readEntryBytes(
  entry: Entry,
  { limit = DEFAULT_LIMIT, signal }: ReadWholeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  assertFits(entry, limit)
  const bytes = new Uint8Array(entry.size)
  let offset = 0
  await forEachChunk(entry, signal, (chunk) => {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  })
  return bytes
}

/** Reads a whole entry into a Blob. */
export async function readEntryBlob(
  entry: Entry,
  { limit = DEFAULT_LIMIT, signal }: ReadWholeOptions = {},
): Promise<Blob> {
  assertFits(entry, limit)
  const parts: Uint8Array<ArrayBuffer>[] = []
  await forEachChunk(entry, signal, (chunk) => void parts.push(chunk))
  return new Blob(parts, { type: entry.type })
}

/** Reads a whole entry as UTF-8. */
export async function readEntryText(
  entry: Entry,
  { limit = DEFAULT_TEXT_LIMIT, signal }: ReadWholeOptions = {},
): Promise<string> {
  assertFits(entry, limit)
  const decoder = new TextDecoder()
  let text = ''
  await forEachChunk(entry, signal, (chunk) => {
    text += decoder.decode(chunk, { stream: true })
  })
  return text + decoder.decode()
}

/** The size may come from a server, so it is checked before room is made for it. */
function assertFits({ alias, size }: Entry, limit: number): void {
  checkInteger('limit', limit, 0, Infinity)
  if (size <= limit) return
  throw new QuotaExceededError(`the entry has ${size} bytes, which is more than the limit of ${limit}: ${alias}`, {
    limit,
  })
}

async function forEachChunk(
  entry: Entry,
  signal: AbortSignal | undefined,
  use: (chunk: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  const chunks = new ChunkReader(entry.stream({ signal }))
  try {
    for (let chunk = await chunks.read(); chunk; chunk = await chunks.read()) use(chunk as Uint8Array<ArrayBuffer>)
  } catch (error) {
    // A string may become longer than the engine allows.
    markHandled(chunks.cancel(error))
    throw error
  }
}
