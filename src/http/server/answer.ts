import { abortable, markHandled } from '../../bytes/promises.ts'
import { BodyReader } from './body-reader.ts'
import type { RequestLog } from './request-log.ts'
import type { Problem } from '../protocol/problem.ts'
import { StatusError } from './status-error.ts'
import { PROBLEM_TYPE } from '../protocol/media-types.ts'

/** Status of an answer that nobody waits for any more, as nginx logs it. */
const CLIENT_GONE = 499

/** An answer before it becomes a Response: what the functions of the routes return. */
export interface Answer {
  /** Status code. */
  readonly status: number
  /** Header fields, without those that every answer gets later. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body: as a whole, or as a stream. */
  readonly body?: Uint8Array<ArrayBuffer> | Blob | StreamedBody | undefined
}

/** A body that is read while it is sent. */
export interface StreamedBody {
  /** The bytes. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Frees what the stream reads from; called once, however the stream ends. */
  release(): void
}

/** An answer whose whole body is there. */
export interface WholeAnswer extends Omit<Answer, 'body'> {
  /** The body. */
  readonly body: Uint8Array<ArrayBuffer>
}

/** An answer whose head can be sent. */
export interface BegunAnswer extends Omit<Answer, 'body'> {
  /** The body: as a whole, or as what has been read of it and the rest. */
  readonly body?: Uint8Array<ArrayBuffer> | Blob | BegunBody | undefined
}

/** A body that is read while it is sent; its first chunk may have been read already. */
export interface BegunBody {
  /** The first chunk, if it has been read. */
  readonly first: Uint8Array<ArrayBuffer> | undefined
  /** The rest. */
  readonly rest: BodyReader
  /** Frees what stands behind the body; called once, however it ends. */
  release(): void
}

/** Makes a Response. The header fields are valid, and no two of them have the same name. */
export type MakeResponse = (
  body: ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | Blob | null,
  head: { readonly status: number; readonly headers: Record<string, string> },
) => Response

/** An answer whose head is sent before any of its body has been read. */
export function unread({ body, ...head }: Answer): BegunAnswer {
  if (!body || !('release' in body)) return { ...head, body }
  return { ...head, body: { first: undefined, rest: new BodyReader(body.stream), release: body.release } }
}

/**
 * Reads the first chunk of a streamed body before the head of the answer is sent. A failure up to here becomes an
 * answer of its own; a later one can only break off the connection.
 *
 * @throws what the body fails with, or a {@linkcode StatusError} if `signal` aborts, because the client has gone.
 */
export async function begin(answer: Answer, signal: AbortSignal): Promise<BegunAnswer> {
  const { body, ...head } = unread(answer)
  if (!body || !('rest' in body)) return { ...head, body }
  const { rest, release } = body
  try {
    const first = await abortable(rest.read(), signal)
    return { ...head, body: { first, rest, release } }
  } catch (error) {
    markHandled(rest.cancel(error))
    release()
    throw signal.aborted ? clientGone() : error
  }
}

/**
 * Does the same for a server that sends a whole body faster than a stream: if the first chunk is all of the body, the answer
 * has it as a whole.
 */
export async function beginWhole(answer: Answer, signal: AbortSignal): Promise<BegunAnswer> {
  const begun = await begin(answer, signal)
  const { body, headers } = begun
  if (!body || !('rest' in body)) return begun
  const { first, rest, release } = body
  if (!first || headers?.['Content-Length'] !== String(first.byteLength)) return begun
  markHandled(rest.cancel('all has been read'))
  release()
  return { ...begun, body: first }
}

/** The failure of a request whose client no longer waits for the answer. */
export function clientGone(): StatusError {
  return new StatusError(CLIENT_GONE, 'the client has gone')
}

/** An answer of JSON. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): WholeAnswer {
  const body = new TextEncoder().encode(JSON.stringify(value))
  return {
    status,
    headers: {
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
      'Content-Length': String(body.byteLength),
    },
    body,
  }
}

/** The answer to a request that failed. */
export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>>): WholeAnswer {
  return jsonAnswer(problem.status, problem, { ...headers, 'Content-Type': PROBLEM_TYPE })
}

/** Makes the Response from an answer. A HEAD gets only the header fields (RFC 9110, section 9.3.2). */
export function toResponse(
  request: Request,
  { status, headers, body }: BegunAnswer,
  log: RequestLog,
  onError: (error: unknown) => void,
  makeResponse: MakeResponse = (sent, head) => new Response(sent, head),
): Response {
  if (body && 'rest' in body) {
    const counted = log.endAfter(status, body, (error) => {
      body.release()
      if (error !== undefined) onError(error)
    })
    return makeResponse(counted, { status, headers: { ...headers } })
  }
  const sent = request.method === 'HEAD' ? undefined : body
  log.endWith(status, sent instanceof Blob ? sent.size : (sent?.byteLength ?? 0))
  return makeResponse(sent ?? null, { status, headers: { ...headers } })
}
