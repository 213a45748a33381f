import { type IncomingMessage, request as send } from 'node:http'
import { collect } from '../../src/bytes/collect.ts'

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * A fetch like that of a host without streams: it sends and receives bodies as a whole. It cannot use Node's own fetch,
 * which makes its bodies with the global ReadableStream and hangs if that is not Node's.
 */
export async function streamlessFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const { method, url, headers } = new Request(input, { ...init, body: null })
  const { signal, redirect = 'follow' } = init
  // Node's Request accepts the polyfill's streams, so the package assumes that this host can send them.
  const isStream = typeof init.body === 'object' && init.body !== null && 'getReader' in init.body
  const body = isStream ? await collect(init.body as ReadableStream<Uint8Array>) : init.body
  const answer = await new Promise<Response>((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(signal?.aborted ? signal.reason : new TypeError('fetch failed', { cause }))
    const options = { method, headers: Object.fromEntries(headers), signal: signal ?? undefined }
    const request = send(url, options, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('error', fail)
      message.on('end', () => resolve(response(message, method === 'HEAD', chunks)))
    })
    request.on('error', fail)
    request.end(body ?? undefined)
  })
  const location = REDIRECTS.has(answer.status) ? answer.headers.get('location') : null
  if (location === null || redirect === 'manual') return answer
  if (redirect === 'error') throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') })
  return await streamlessFetch(new URL(location, url), { ...init, body: body ?? null })
}

function response(message: IncomingMessage, isHead: boolean, chunks: readonly Buffer[]): Response {
  const status = message.statusCode!
  const headers = new Headers()
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    headers.append(message.rawHeaders[i]!, message.rawHeaders[i + 1]!)
  }
  const isEmpty = isHead || [204, 304].includes(status)
  return new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers })
}
