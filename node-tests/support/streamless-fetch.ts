import { request as send } from 'node:http'

/**
 * A fetch without streams, as a host without streams has one: an answer arrives whole. Node's own cannot stand for it:
 * it makes its bodies with the global ReadableStream, and hangs if that is not Node's.
 */
export function streamlessFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const { method, url, headers } = new Request(input, { ...init, body: null })
  const { body, signal } = init
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(signal?.aborted ? signal.reason : new TypeError('fetch failed', { cause }))
    const request = send(
      url,
      { method, headers: Object.fromEntries(headers), signal: signal ?? undefined },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', fail)
        answer.on('end', () => {
          const status = answer.statusCode!
          const received = new Headers()
          for (let i = 0; i < answer.rawHeaders.length; i += 2) {
            received.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!)
          }
          const empty = method === 'HEAD' || [204, 304].includes(status)
          resolve(new Response(empty ? null : Buffer.concat(chunks), { status, headers: received }))
        })
      },
    )
    request.on('error', fail)
    request.end(body ?? undefined)
  })
}
