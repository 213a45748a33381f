import type { Exchange } from './exchange.ts'
import type { Problem } from './problem.ts'
import { PROBLEM_TYPE } from './format.ts'

/** An answer before it is a Response: what the parts of the handler return. */
export interface Answer {
  /** Status code. */
  readonly status: number
  /** Header fields; those that every answer has are added later. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body: whole, or a stream with what is to be done when it has ended. */
  readonly body?: Uint8Array<ArrayBuffer> | StreamedBody | undefined
}

/** A body that is read while it is sent. */
export interface StreamedBody {
  /** The bytes. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Frees what stands behind the stream; called once, however it ends. */
  release(): void
}

/** An answer of JSON. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = new TextEncoder().encode(JSON.stringify(value))
  return {
    status,
    headers: {
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json',
      ...headers,
      'Content-Length': String(body.byteLength),
    },
    body,
  }
}

/** The answer to a request that failed. */
export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>>): Answer {
  return jsonAnswer(problem.status, problem, { ...headers, 'Content-Type': PROBLEM_TYPE })
}

/** Makes the Response of an answer. HEAD gets the header fields only (RFC 9110, section 9.3.2). */
export function toResponse(
  request: Request,
  { status, headers, body }: Answer,
  exchange: Exchange,
  onError: (error: unknown) => void,
): Response {
  if (body && 'stream' in body) {
    const { stream, release } = body
    const counted = exchange.endAfter(status, stream, (error) => {
      release()
      if (error !== undefined) onError(error)
    })
    return new Response(counted, { status, headers: { ...headers } })
  }
  const sent = request.method === 'HEAD' ? undefined : body
  exchange.endWith(status, sent?.byteLength ?? 0)
  return new Response(sent ?? null, { status, headers: { ...headers } })
}
