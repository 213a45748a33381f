import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive, type HttpHiveOptions } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes } from './streams.ts'

export const KIB = 1024
export const BYTES = randomBytes(20 * KIB)
export const OTHER_ETAG = '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'

/** Sits between the client and a handler. It may answer, pass the request on, or corrupt the answer. */
export type Fault = (request: Request, pass: () => Promise<Response>, count: number) => Promise<Response> | Response

/** Makes a hive with the entry `x`, and a client whose requests of one method meet a fault. */
export async function client(fault: Fault, { method = 'GET', ...options }: HttpHiveOptions & { method?: string } = {}) {
  const local = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  const handler = createHiveHandler(local)
  await bytesSource(BYTES).stream().pipeTo(local.sink('x'))
  const requests: Request[] = []
  let count = 0
  const hive = new HttpHive('http://hive.test/', {
    ...options,
    fetch(url, init) {
      const request = new Request(url, init)
      requests.push(request)
      const pass = (): Promise<Response> => handler(new Request(url, init))
      return Promise.resolve(request.method === method ? fault(request, pass, ++count) : pass())
    },
  })
  return { hive, local, requests, reads: () => requests.filter((request) => request.method === 'GET') }
}

export const pass: Fault = (_request, passOn) => passOn()

/** Returns an answer with the same status and header fields, but another body. */
export function withBody(
  response: Response,
  body: BodyInit | null,
  headers: Record<string, string | undefined> = {},
): Response {
  const changed = new Headers(response.headers)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) changed.delete(name)
    else changed.set(name, value)
  }
  return new Response(body, { status: response.status, headers: changed })
}

/** Returns a body that delivers `bytes` in chunks, and then breaks off, ends, or falls silent. */
function brokenBody(bytes: Uint8Array, then: 'error' | 'end' | 'silence'): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream({
    pull(controller): Promise<void> | undefined {
      if (offset < bytes.byteLength) {
        controller.enqueue(bytes.slice(offset, offset + 100))
        offset += 100
      } else if (then === 'error') {
        controller.error(new TypeError('terminated'))
      } else if (then === 'end') {
        controller.close()
      } else {
        return new Promise(() => undefined)
      }
      return undefined
    },
  })
}

export async function cut(
  response: Response,
  byteLength: number,
  then: 'error' | 'end' | 'silence',
): Promise<Response> {
  return withBody(response, brokenBody(new Uint8Array(await response.arrayBuffer()).subarray(0, byteLength), then))
}

/** Makes a client whose requests all get the same answer. */
export function answered(answer: () => Response, options: HttpHiveOptions = {}): HttpHive {
  return new HttpHive('http://hive.test/', { ...options, fetch: () => Promise.resolve(answer()) })
}

/** Returns the Range of a request as a half-open range. */
export function rangeOf(request: Request): [number, number] {
  const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.get('range') ?? '') ?? []
  return [Number(first), Number(last) + 1]
}

/** Returns the answer of a server without ranges to the same request. */
export function wholeOf({ headers }: Response): Response {
  const fields = { ETag: headers.get('etag')!, 'Content-Length': String(BYTES.byteLength) }
  return new Response(BYTES.slice(), { status: 200, headers: fields })
}
