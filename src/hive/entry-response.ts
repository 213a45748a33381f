import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { answerRead, bodyStream, type ReadAnswer } from '../representation/answer-read.ts'
import type { Entry } from './hive.ts'

/**
 * Answers a request for an entry that is open: GET or HEAD, with conditions and a range. `digest` is the SHA-256 of its
 * bytes, if it is known.
 *
 * Rejects with what the first read of the bytes fails with.
 */
export async function entryResponse(
  entry: Entry,
  request: Pick<Request, 'method' | 'headers' | 'signal'>,
  digest: Uint8Array | undefined,
): Promise<Response> {
  const { method, signal } = request
  if (method !== 'GET' && method !== 'HEAD') {
    return problem(405, 'Method Not Allowed', `an entry answers GET and HEAD, not ${method}`, { Allow: 'GET, HEAD' })
  }
  let answer: ReadAnswer
  try {
    answer = answerRead(request, entry, { asOfMs: Date.now(), digest })
  } catch (error) {
    const { name, message } = error as Error
    if (name !== 'ConflictError') throw error
    return problem(412, 'Precondition Failed', message, { ETag: entry.etag })
  }
  const { status, headers, bytes } = answer
  if (status === 416) {
    return problem(
      416,
      'Range Not Satisfiable',
      `the range is not in the entry, which has ${entry.size} bytes`,
      headers,
    )
  }
  const body = bytes && (await begun(bodyStream(bytes, (range) => entry.stream({ ...range, signal }))))
  return new Response(body ?? null, { status, headers: { ...headers } })
}

/** Reads the first chunk, so that a failure up to here is known before the answer begins. */
async function begun(stream: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const chunks = new ChunkReader(stream)
  let first = await chunks.read()
  return byteStream({
    async next() {
      const chunk = first ?? (await chunks.read())
      first = undefined
      return chunk as Uint8Array<ArrayBuffer> | undefined
    },
    cancel: (reason) => chunks.cancel(reason),
  })
}

/** An error whose status says it all (RFC 9457, section 4.2.1). */
function problem(status: number, title: string, detail: string, headers: Readonly<Record<string, string>>): Response {
  const text = JSON.stringify({ type: 'about:blank', title, status, detail })
  const own = { 'Cache-Control': 'no-store', 'Content-Type': 'application/problem+json' }
  return new Response(text, { status, headers: { ...headers, ...own } })
}
