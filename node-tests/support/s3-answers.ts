import { s3Blocks, type S3BlocksOptions } from '../../src/backends/s3.ts'
import type { BlockBackend } from '../../src/backends/tiered.ts'

/** A request as an object store gets it. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Uint8Array | undefined
  readonly signal: AbortSignal
}

export const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'a secret' }

/** Blocks whose requests get the answers that a function makes up; and the requests so far. */
export function answeredBy(
  answer: (request: SentRequest) => Response | Promise<Response>,
  options: Partial<S3BlocksOptions> = {},
): BlockBackend & { readonly requests: SentRequest[] } {
  const requests: SentRequest[] = []
  const backend = s3Blocks({
    endpoint: 'https://s3.example',
    bucket: 'bucket',
    credentials: CREDENTIALS,
    fetch(input, init = {}) {
      const request = {
        method: init.method!,
        url: new URL(input as string),
        headers: new Headers(init.headers),
        body: init.body as Uint8Array | undefined,
        signal: init.signal!,
      }
      requests.push(request)
      return Promise.resolve(answer(request))
    },
    ...options,
  })
  return { ...backend, requests }
}

/** An answer with an error, as object stores word it. */
export function errorAnswer(status: number, code: string, message = ''): Response {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return new Response(xml, { status, headers: { 'Content-Type': 'application/xml' } })
}

/** An answer with bytes. */
export function bytesAnswer(bytes: Uint8Array<ArrayBuffer>, length = bytes.byteLength): Response {
  return new Response(bytes, { headers: { 'Content-Length': String(length) } })
}

/** An answer with a page of a list. */
export function listAnswer(
  objects: readonly (readonly [key: string, size: number | string])[],
  token?: string,
): Response {
  const contents = objects.map(([key, size]) => `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`)
  const more = token === undefined ? 'false' : 'true'
  const next = token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`
  const xml = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
  return new Response(xml)
}
