import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError, NotFoundError } from '../../src/errors.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive, type HttpHiveOptions } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes, rejection, soon, standstill } from '../support/streams.ts'

const KIB = 1024
const BYTES = randomBytes(20 * KIB)
const OTHER_ETAG = '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'

/** Sits between the client and a handler: it may answer, pass the request on, or spoil the answer. */
type Fault = (request: Request, pass: () => Promise<Response>, count: number) => Promise<Response> | Response

/** A hive with the entry `x`, and a client whose requests of one method meet a fault. */
async function client(fault: Fault, { method = 'GET', ...options }: HttpHiveOptions & { method?: string } = {}) {
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

const pass: Fault = (_request, passOn) => passOn()

/** An answer with the same status and header fields, but another body. */
function withBody(
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

/** A body that gives `bytes`, in chunks, and then breaks off, ends, or falls silent. */
function bodyOf(bytes: Uint8Array, then: 'error' | 'end' | 'silence'): ReadableStream<Uint8Array> {
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

async function cut(response: Response, byteLength: number, then: 'error' | 'end' | 'silence'): Promise<Response> {
  return withBody(response, bodyOf(new Uint8Array(await response.arrayBuffer()).subarray(0, byteLength), then))
}

describe('HttpHive reads on when', () => {
  const cases: Record<string, Fault> = {
    'a connection breaks off midway': async (_request, passOn, count) =>
      count % 2 ? cut(await passOn(), 333, 'error') : passOn(),
    'an answer ends early': async (_request, passOn, count) => (count % 2 ? cut(await passOn(), 333, 'end') : passOn()),
    'an answer stops midway': async (_request, passOn, count) =>
      count === 2 ? cut(await passOn(), 333, 'silence') : passOn(),
    'every answer breaks off after some bytes': async (_request, passOn) => cut(await passOn(), 700, 'error'),
    'there is no answer': (_request, passOn, count) => {
      if (count === 1 || count === 2 || count === 7) throw new TypeError('fetch failed')
      return passOn()
    },
    'no answer ever comes': (_request, passOn, count) =>
      count === 2 ? new Promise<Response>(() => undefined) : passOn(),
    'the server is busy': (_request, passOn, count) =>
      count % 7 === 1 ? new Response('later', { status: 503, headers: { 'Retry-After': '0' } }) : passOn(),
    'the server gives less than it was asked for': async (request, passOn) => {
      const [start, end] = rangeOf(request)
      if (end - start <= 100) return passOn()
      const answer = await passOn()
      const body = new Uint8Array(await answer.arrayBuffer()).slice(0, 100)
      return withBody(answer, body, {
        'Content-Length': '100',
        'Content-Range': `bytes ${start}-${start + 99}/${BYTES.byteLength}`,
      })
    },
    'the server does not support ranges': (request, passOn) => {
      request.headers.delete('range')
      return passOn().then((answer) => wholeOf(answer))
    },
    'the server answers without Content-Length': async (_request, passOn) => {
      const answer = await passOn()
      return withBody(answer, answer.body, { 'Content-Length': undefined })
    },
  }
  for (const [title, fault] of Object.entries(cases)) {
    it(`${title}, and has every byte`, async () => {
      const { hive } = await client(fault, { stallTimeoutMs: 200 })
      const entry = await hive.open('x', { bufferSize: KIB })
      expect(await soon(collect(entry.stream()), 'the bytes')).toEqual(BYTES)
      const part = await soon(collect(entry.stream({ start: 5_000, end: 9_001 })), 'a part')
      expect(part).toEqual(BYTES.slice(5_000, 9_001))
    })
  }

  it('the server does not support ranges, and requests the whole only once', async () => {
    const { hive, reads } = await client((_request, passOn) => passOn().then((answer) => wholeOf(answer)))
    const entry = await hive.open('x', { bufferSize: KIB })
    expect(await collect(entry.stream({ start: 100 }))).toEqual(BYTES.slice(100))
    expect(reads()).toHaveLength(1)
  })

  it('the range requested ahead failed for good while nothing was being read', async () => {
    let outage: () => void
    const failed = new Promise<void>((resolve) => (outage = resolve))
    const { hive } = await client(
      (_request, passOn, count) => {
        if (count !== 2) return passOn()
        outage()
        throw new TypeError('fetch failed')
      },
      { retries: 0 },
    )
    const entry = await hive.open('x', { bufferSize: KIB })
    const reader = entry.stream().getReader()
    const chunks = [(await reader.read()).value!]
    await soon(failed, 'the outage')
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
    expect(concatBytes(...chunks)).toEqual(BYTES)
  })

  it('an answer with the whole has brought it past the range requested ahead, which it cancels', async () => {
    let givenUp = false
    const { hive, reads } = await client(async (request, passOn, count) => {
      const [start] = rangeOf(request)
      if (count === 1) return cut(await passOn(), 500, 'error')
      if (count === 2) {
        const silent = new ReadableStream({ cancel: () => void (givenUp = true) })
        return withBody(await passOn(), silent, { 'Content-Length': undefined })
      }
      if (count === 3) return cut(wholeOf(await passOn()), 3_000, 'error')
      expect(start).toBeGreaterThanOrEqual(3_000)
      return passOn()
    })
    expect(await soon(collect((await hive.open('x', { bufferSize: KIB })).stream()), 'the bytes')).toEqual(BYTES)
    expect(givenUp).toBe(true)
    for (const request of reads()) expect(rangeOf(request)[1]).toBeGreaterThan(rangeOf(request)[0])
  })

  it('a signature takes many times the stall timeout to arrive', async () => {
    const stallTimeoutMs = 1_000
    const { hive, local } = await client(
      async (_request, passOn) => {
        const answer = await passOn()
        const bytes = new Uint8Array(await answer.arrayBuffer())
        let offset = 0
        const slow = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              vi.advanceTimersByTime(stallTimeoutMs - 1)
              if (offset === bytes.byteLength) return controller.close()
              controller.enqueue(bytes.slice(offset, ++offset))
            },
          },
          { highWaterMark: 0 },
        )
        // Not through a Response of the host, which may read ahead.
        return Object.defineProperty(withBody(answer, null), 'body', { value: slow })
      },
      { stallTimeoutMs },
    )
    const expected = await collect((await local.open('x')).signature())
    const entry = await hive.open('x')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      expect(await collect(entry.signature())).toEqual(expected)
    } finally {
      vi.useRealTimers()
    }
  })

  it('the answer of a busy server cannot even be discarded', async () => {
    const { hive } = await client((_request, passOn, count) =>
      count === 1
        ? new Response(new ReadableStream({ cancel: () => Promise.reject(new TypeError('terminated')) }), {
            status: 503,
          })
        : passOn(),
    )
    expect(await collect((await hive.open('x')).stream())).toEqual(BYTES)
  })

  it('a busy server says that it should try again, and not earlier', async () => {
    const { hive } = await client((_request, passOn, count) =>
      count === 1 ? new Response(null, { status: 429, headers: { 'Retry-After': '1' } }) : passOn(),
    )
    const entry = await hive.open('x')
    const before = performance.now()
    expect(await collect(entry.stream())).toEqual(BYTES)
    expect(performance.now() - before).toBeGreaterThan(900)
  })
})

describe('HttpHive fails with', () => {
  async function failure(fault: Fault, options: HttpHiveOptions = {}): Promise<{ error: unknown; received: number }> {
    const { hive } = await client(fault, options)
    const reader = (await hive.open('x', { bufferSize: KIB })).stream().getReader()
    let received = 0
    const error = await rejection(
      (async () => {
        for (let read = await reader.read(); !read.done; read = await reader.read()) received += read.value.byteLength
      })(),
    )
    return { error, received }
  }

  it('a ConflictError when a later range has another etag', async () => {
    const { error, received } = await failure(async (_request, passOn, count) => {
      const answer = await passOn()
      return count < 4 ? answer : withBody(answer, answer.body, { ETag: OTHER_ETAG })
    })
    expect(error).toMatchObject({ name: 'ConflictError', alias: 'x', actualEtag: OTHER_ETAG, offset: received })
    expect(received).toBe(3 * KIB)
  })

  it('a ConflictError when a later range has another total', async () => {
    const { error, received } = await failure(async (request, passOn, count) => {
      const answer = await passOn()
      const [start, end] = rangeOf(request)
      return count < 4 ? answer : withBody(answer, answer.body, { 'Content-Range': `bytes ${start}-${end - 1}/99999` })
    })
    expect(error).toMatchObject({ name: 'ConflictError', offset: received })
  })

  it('a ConflictError when the answer is the whole of another version', async () => {
    const { error } = await failure(async (_request, passOn, count) => {
      const answer = await passOn()
      return count < 3 ? answer : withBody(wholeOf(answer), 'another version', { ETag: OTHER_ETAG })
    })
    expect(error).toMatchObject({ name: 'ConflictError', actualEtag: OTHER_ETAG, offset: 2 * KIB })
  })

  it('a ConflictError for 412, even from a server that sends no problem', async () => {
    const { error } = await failure((_request, passOn, count) =>
      count < 3 ? passOn() : new Response('<h1>no</h1>', { status: 412 }),
    )
    expect(error).toMatchObject({ name: 'ConflictError', alias: 'x', offset: 2 * KIB })
  })

  for (const status of [404, 410]) {
    it(`a NotFoundError for ${status}`, async () => {
      const { error } = await failure((_request, passOn, count) =>
        count < 3 ? passOn() : new Response('', { status }),
      )
      expect(error).toMatchObject({ name: 'NotFoundError', alias: 'x' })
    })
  }

  it('a RangeError for 416, or a ConflictError when that shows another total', async () => {
    const out = await failure(() => new Response('', { status: 416 }))
    expect(out.error).toBeInstanceOf(RangeError)
    const shorter = await failure(
      () => new Response('', { status: 416, headers: { ETag: OTHER_ETAG, 'Content-Range': 'bytes */3' } }),
    )
    expect(shorter.error).toMatchObject({ name: 'ConflictError', actualEtag: OTHER_ETAG })
  })

  it('a FormatError when the range is not the requested one', async () => {
    for (const contentRange of [undefined, 'bytes 1-1024/20480', 'bytes 0-1024/20480', 'bytes 0-1023/*', 'x']) {
      const { error } = await failure(async (_request, passOn) => {
        const answer = await passOn()
        return withBody(answer, answer.body, { 'Content-Range': contentRange })
      })
      expect(error, contentRange).toMatchObject({ name: 'FormatError' })
    }
  })

  it('a FormatError when there is no etag to compare', async () => {
    const { error } = await failure(async (_request, passOn) => {
      const answer = await passOn()
      return withBody(answer, answer.body, { ETag: undefined })
    })
    expect(error).toMatchObject({ name: 'FormatError' })
  })

  it('a FormatError when a range has more bytes than it says', async () => {
    const { error } = await failure(async (_request, passOn) => {
      const answer = await passOn()
      const bytes = new Uint8Array(await answer.arrayBuffer())
      return withBody(answer, new Uint8Array([...bytes, 1]), { 'Content-Length': undefined })
    })
    expect(error).toMatchObject({ name: 'FormatError' })
  })

  it('a retryable BackendError when nothing helps, after so many attempts', async () => {
    const cause = new TypeError('fetch failed')
    let count = 0
    const { error } = await failure(
      () => {
        count++
        throw cause
      },
      { retries: 2 },
    )
    expect(error).toMatchObject({ name: 'BackendError', retryable: true, outcome: undefined, cause })
    // The range that is read, and the one ahead of it, which is only asked for once there is an answer.
    expect(count).toBe(3)
  })

  it('a BackendError when answers break off without a byte, after so many attempts', async () => {
    const { error } = await failure(async (_request, passOn) => cut(await passOn(), 0, 'error'), { retries: 2 })
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
  })

  it('a BackendError when a server without ranges makes no progress, after so many attempts', async () => {
    let count = 0
    const { error, received } = await failure(
      async (_request, passOn) => {
        count++
        return cut(wholeOf(await passOn()), 700, 'error')
      },
      { retries: 2 },
    )
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
    expect([received, count]).toEqual([700, 3])
  })

  it('a BackendError at once when the server asks for too long a wait', async () => {
    const { error } = await failure(() => new Response(null, { status: 503, headers: { 'Retry-After': '3600' } }))
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
  })

  it('an AccessError for what is not allowed, without trying again', async () => {
    for (const status of [401, 403]) {
      let count = 0
      const { error } = await failure(() => {
        count++
        return new Response('', { status, statusText: 'No' })
      })
      expect(error).toMatchObject({ name: 'AccessError', alias: 'x', status })
      expect((error as Error).message).toContain(`${status} No`)
      expect(count).toBe(1)
    }
  })

  /** Every kind of request, and how often it is sent. */
  const calls: Record<string, (hive: HttpHive) => Promise<unknown>> = {
    stat: (hive) => hive.stat('x'),
    list: (hive) => hive.list(),
    entries: (hive) => hive.entries().getReader().read(),
    remove: (hive) => hive.remove('x'),
    sink: (hive) => bytesSource(BYTES).stream().pipeTo(hive.sink('x')),
    'a sink that looks first': (hive) =>
      bytesSource(BYTES)
        .stream()
        .pipeTo(hive.sink('x', { ifNoneMatch: '*' })),
    patchSink: (hive) => bytesSource(BYTES).stream().pipeTo(hive.patchSink('x')),
  }
  const statuses = [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 416, 418, 421, 422, 428, 429, 500, 502, 503, 507]
  for (const [title, call] of Object.entries(calls)) {
    it(`an error that has the status of the answer: ${title}`, async () => {
      for (const status of statuses) {
        const hive = answered(() => new Response(null, { status }), { retries: 0, requestStreams: false })
        expect(await rejection(call(hive)), String(status)).toMatchObject({ status })
      }
    })
  }

  it('an error that has the status of the answer: reading, and a signature', async () => {
    for (const status of statuses) {
      const { hive } = await client(() => new Response(null, { status }), { retries: 0 })
      const entry = await hive.open('x')
      expect(await rejection(collect(entry.stream())), String(status)).toMatchObject({ status })
      expect(await rejection(collect(entry.signature())), String(status)).toMatchObject({ status })
    }
  })

  it('an error that has the status of an answer that is not one of a hive', async () => {
    const page = (init: ResponseInit = {}): Response => new Response('<h1>hello</h1>', init)
    for (const call of [calls['stat'], calls['list'], calls['entries']]) {
      expect(await rejection(call!(answered(page)))).toMatchObject({ name: 'FormatError', status: 200 })
    }
    for (const [call, status] of [
      [calls['remove'], 200],
      [calls['sink'], 202],
      [calls['sink'], 303],
    ] as const) {
      const error = await rejection(call!(answered(() => page({ status }), { requestStreams: false })))
      expect(error).toMatchObject({ name: 'BackendError', status })
    }
    for (const [headers, name] of [
      [{ ETag: OTHER_ETAG }, 'ConflictError'],
      [{ ETag: undefined }, 'FormatError'],
      [{ 'Content-Range': 'bytes 5-6/20480' }, 'FormatError'],
    ] as const) {
      const { error } = await failure(async (_request, passOn) => withBody(await passOn(), 'xx', headers))
      expect(error).toMatchObject({ name, status: 206 })
    }
  })

  it('an error whose message is short, however much the server says', async () => {
    const headers = { 'Content-Type': 'application/problem+json' }
    const words = 'x'.repeat(50_000)
    for (const [status, type] of [
      [400, 'urn:combstream:error:TypeError'],
      [500, 'about:blank'],
      [404, 'urn:combstream:error:NotFoundError'],
    ] as const) {
      const problem = JSON.stringify({ type, detail: words })
      const error = await rejection(answered(() => new Response(problem, { status, headers })).list())
      expect((error as Error).message.length).toBeLessThan(1_100)
    }
  })

  it('the error that a problem describes, without trying again, whatever the status', async () => {
    const facts = { expected: 'a', actual: 'b' }
    for (const [status, name, members, expected] of [
      [502, 'IntegrityError', facts, { name: 'IntegrityError', ...facts }],
      [503, 'NotFoundError', { alias: 'x', blockIndex: 3 }, { name: 'NotFoundError', alias: 'x' }],
      [503, 'QuotaExceededError', { limit: 7 }, { name: 'QuotaExceededError', limit: 7 }],
      [503, 'BackendError', { retryable: false }, { name: 'BackendError', retryable: false }],
      [500, 'BackendError', { retryable: false }, { name: 'BackendError', retryable: false }],
      [507, 'QuotaExceededError', {}, { name: 'QuotaExceededError' }],
    ] as const) {
      let count = 0
      const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': '0' }
      const problem = JSON.stringify({ type: `urn:combstream:error:${name}`, detail: 'words', ...members })
      const { error } = await failure(() => {
        count++
        return new Response(problem, { status, headers })
      })
      expect(error).toMatchObject(expected)
      expect((error as Error).message).toContain('words')
      expect(count, `${status} ${name}`).toBe(1)
    }
  })

  it('the damage that stopped a body midway, once the server reports it', async () => {
    const problem = JSON.stringify({ type: 'urn:combstream:error:IntegrityError', alias: 'x', blockIndex: 3 })
    const headers = { 'Content-Type': 'application/problem+json' }
    let count = 0
    const { error, received } = await failure(async (_request, passOn) =>
      ++count === 1 ? cut(await passOn(), 300, 'error') : new Response(problem, { status: 500, headers }),
    )
    expect(error).toMatchObject({ name: 'IntegrityError', alias: 'x', blockIndex: 3, status: 500 })
    expect(received).toBe(300)
    // The range that broke off, the one ahead of it, and the rest of the first.
    expect(count).toBe(3)
  })

  it('a BackendError for a fetch that would fail again in the same way, without trying again', async () => {
    const failures: [object, object?][] = [
      [{ message: 'fetch failed' }, { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }],
      [{ message: 'fetch failed' }, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: 'self-signed certificate' }],
      [{ message: 'client error (Connect): invalid peer certificate: UnknownIssuer' }],
      [{ message: 'fetch failed' }, { message: 'redirect count exceeded' }],
    ]
    for (const [facts, causeFacts] of failures) {
      const cause = Object.assign(
        new TypeError(),
        facts,
        causeFacts && { cause: Object.assign(new Error(), causeFacts) },
      )
      let count = 0
      const { error } = await failure(() => {
        count++
        throw cause
      })
      expect(error).toMatchObject({ name: 'BackendError', retryable: false, cause })
      expect(count).toBe(1)
    }
  })

  it('a BackendError even when fetch rejects with undefined', async () => {
    const { error } = await failure(() => Promise.reject(undefined), { retries: 0 })
    expect(error).toMatchObject({ name: 'BackendError', retryable: true, cause: undefined })
  })

  it('a TypeError for invalid header fields, without trying again', async () => {
    const { hive } = await client(pass)
    const broken = new HttpHive('http://hive.test/', { headers: { 'not a header': 'x' } })
    expect(await rejection(broken.stat('x', {}))).toMatchObject({ name: 'TypeError' })
    expect((await hive.stat('x')).size).toBe(BYTES.byteLength)
  })

  it('a FormatError where there is no hive', async () => {
    const page = (): Response => new Response('<h1>hello</h1>', { headers: { 'Content-Type': 'text/html' } })
    const hive = new HttpHive('http://hive.test/', { fetch: () => Promise.resolve(page()) })
    expect(await rejection(hive.list())).toMatchObject({ name: 'FormatError' })
    expect(await rejection(hive.open('x'))).toMatchObject({ name: 'FormatError' })
    const json = new HttpHive('http://hive.test/', {
      fetch: () => Promise.resolve(Response.json({ entries: [{ alias: 'x' }] })),
    })
    expect(await rejection(json.list())).toMatchObject({ name: 'FormatError' })
  })
})

/** A client whose every request gets one answer. */
function answered(answer: () => Response, options: HttpHiveOptions = {}): HttpHive {
  return new HttpHive('http://hive.test/', { ...options, fetch: () => Promise.resolve(answer()) })
}

describe('HttpHive checks the answers of a server: it', () => {
  const json = { alias: 'x', size: 1, etag: OTHER_ETAG, type: 'a/b', modified: '2026-01-01T00:00:00.000Z' }

  it('rejects an alias that is not one', async () => {
    for (const alias of ['', '../x', '-/x', 'x'.repeat(1_024), '\ud800']) {
      const hive = answered(() => Response.json({ entries: [{ ...json, alias }] }))
      expect(await rejection(hive.list()), alias).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    }
  })

  it('keeps the alias that it has patched', async () => {
    const { hive } = await client(() => Response.json({ ...json, alias: 'another' }), { method: 'PATCH' })
    const sink = hive.patchSink('x')
    await bytesSource(BYTES).stream().pipeTo(sink)
    expect((await sink.entry).alias).toBe('x')
  })

  it('takes the first time that it can read, or none', async () => {
    const second = 'Thu, 01 Jan 2026 00:00:00 GMT'
    const cases = [
      [{ 'Hive-Modified': 'x', 'Last-Modified': second }, Date.parse(second)],
      [{ 'Hive-Modified': '2026-01-01T00:00:00.007Z', 'Last-Modified': second }, Date.parse(second) + 7],
      [{ 'Last-Modified': 'yesterday' }, 0],
      [{}, 0],
    ] as const
    for (const [times, expected] of cases) {
      const hive = answered(() => new Response(null, { headers: { ETag: '"a"', 'Content-Length': '1', ...times } }))
      expect((await hive.stat('x')).modified.getTime(), JSON.stringify(times)).toBe(expected)
    }
  })

  const page = (aliases: string[], next?: unknown): Response =>
    Response.json({ entries: aliases.map((alias) => ({ ...json, alias })), next })

  it('rejects a list that is larger than requested', async () => {
    expect(await rejection(answered(() => page(['a', 'b', 'c'])).list({ limit: 2 }))).toMatchObject({
      name: 'FormatError',
    })
    expect((await answered(() => page(['a', 'b'], 'b')).list({ limit: 2 })).entries).toHaveLength(2)
  })

  it('rejects a list of entries that were not requested', async () => {
    for (const [aliases, options] of [
      [['a', 'b'], { after: 'b' }],
      [['b'], { after: 'b' }],
      [['b', 'a'], {}],
      [['a', 'a'], {}],
      [['x/a', 'y'], { prefix: 'x/' }],
    ] as const) {
      const error = await rejection(answered(() => page([...aliases])).list(options))
      expect(error, aliases.join()).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    }
  })

  it('rejects a next page that begins within this one', async () => {
    for (const next of ['a', 'b']) {
      const hive = answered(() => page(['a', 'b', 'c'], next))
      expect(await rejection(hive.list()), next).toMatchObject({ name: 'FormatError' })
      expect(await rejection(hive.entries().getReader().read()), next).toMatchObject({ name: 'FormatError' })
    }
  })

  it('does not wait for ever when it removes, and says that the entry may be gone all the same', async () => {
    const { hive } = await client(() => new Promise(() => undefined), { method: 'DELETE', stallTimeoutMs: 100 })
    expect(await rejection(hive.remove('x'))).toMatchObject({ name: 'BackendError', outcome: 'unknown' })
  })

  it('rejects a list without an end', async () => {
    let count = 0
    const endless = answered(() => page([], `next ${++count}`))
    expect(await rejection(endless.list())).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    expect(count).toBe(1)
    // UTF-16 would have it the other way around.
    for (const next of ['b', 'a', '\uffff']) {
      const steps = ['\u{10000}', next]
      const hive = answered(() => page(['x'], steps.shift()))
      const reader = hive.entries().getReader()
      expect((await reader.read()).value?.alias).toBe('x')
      expect(await rejection(reader.read()), next).toMatchObject({ name: 'FormatError' })
    }
    const standing = answered(() => page(['x'], 'x'))
    expect(await rejection(standing.list({ after: 'x' }))).toMatchObject({ name: 'FormatError' })
    expect(await rejection(answered(() => page(['x'], 5)).list())).toMatchObject({ name: 'FormatError' })
  })

  it('takes only strings as the message of an error', async () => {
    const headers = { 'Content-Type': 'application/problem+json' }
    for (const said of [{ detail: { a: 1 } }, { detail: 5, title: ['x'] }, { title: {} }]) {
      const problem = JSON.stringify({ type: 'urn:combstream:error:TypeError', ...said })
      const error = await rejection(answered(() => new Response(problem, { status: 400, headers })).list())
      expect(error).toMatchObject({ name: 'TypeError', message: 'The request is malformed' })
    }
    // It cannot become a primitive value: a template would fail on it.
    const error = await rejection(
      answered(() => new Response('{"type":"x","detail":{"toString":1}}', { status: 500, headers })).list(),
    )
    expect(error).toMatchObject({ name: 'BackendError' })
  })

  it('accepts a body that ends with an empty chunk', async () => {
    const { hive } = await client(async (_request, passOn) => {
      const answer = await passOn()
      const bytes = new Uint8Array(await answer.arrayBuffer())
      const chunks = [bytes, new Uint8Array(0), new Uint8Array(0)]
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          const chunk = chunks.shift()
          if (chunk) controller.enqueue(chunk)
          else controller.close()
        },
      })
      const response = withBody(answer, null)
      // Not through a Response of the host, which may drop what is empty.
      return Object.defineProperty(response, 'body', { value: body })
    })
    expect(await collect((await hive.open('x', { bufferSize: KIB })).stream())).toEqual(BYTES)
  })

  it('recognizes an error by its name, whatever a minifier has made of its class', async () => {
    const name = Object.getOwnPropertyDescriptor(NotFoundError, 'name')!
    const backendName = Object.getOwnPropertyDescriptor(BackendError, 'name')!
    Object.defineProperty(NotFoundError, 'name', { ...name, value: 'n' })
    Object.defineProperty(BackendError, 'name', { ...backendName, value: 'b' })
    try {
      const { hive } = await client((_request, passOn, count) => {
        if (count === 1) throw new TypeError('fetch failed')
        return passOn()
      })
      await bytesSource(BYTES)
        .stream()
        .pipeTo(hive.sink('new', { ifNoneMatch: '*' }))
      expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['new', 'x'])
    } finally {
      Object.defineProperty(NotFoundError, 'name', name)
      Object.defineProperty(BackendError, 'name', backendName)
    }
  })
})

describe('HttpHive asks', () => {
  it('for ranges of one buffer, with If-Match, or without it to compare', async () => {
    for (const validate of ['if-match', 'compare'] as const) {
      const { hive, reads } = await client(pass, { validate })
      const entry = await hive.open('x', { bufferSize: 4 * KIB })
      expect(await collect(entry.stream({ start: 1_000 }))).toEqual(BYTES.slice(1_000))
      expect(reads().map(({ headers }) => headers.get('range') ?? 'bytes=1000-5095')[0]).toBe('bytes=1000-5095')
      expect(reads()).toHaveLength(5)
      for (const { headers } of reads())
        expect(headers.get('if-match')).toBe(validate === 'compare' ? null : entry.etag)
    }
  })

  it('for whole blocks of the server, but for exactly one buffer when each read must check the version', async () => {
    const { hive, local, reads } = await client(pass)
    const size = 2_500_000
    await bytesSource(randomBytes(size)).stream().pipeTo(local.sink('large'))
    const entry = await hive.open('large')
    expect((await collect(entry.stream({ start: 1 }))).byteLength).toBe(size - 1)
    const reader = entry.reader()
    while (reader.offset < size) await reader.read()
    const ranges = reads().map((request) => rangeOf(request))
    expect(ranges).toEqual([
      [1, 1_000_000],
      [1_000_000, 2_000_000],
      [2_000_000, size],
      [0, 1_048_576],
      [1_048_576, 2_097_152],
      [2_097_152, size],
    ])
  })

  it('for a snapshot in one request, by the URL of its version', async () => {
    const { hive, local, reads } = await client(pass)
    const entry = await hive.open('x', { bufferSize: KIB, consistency: 'snapshot' })
    const reader = entry.stream().getReader()
    let received = (await reader.read()).value!.byteLength
    await bytesSource(randomBytes(10)).stream().pipeTo(local.sink('x'))
    for (let read = await reader.read(); !read.done; read = await reader.read()) received += read.value.byteLength
    expect(received).toBe(BYTES.byteLength)
    expect(reads().map(({ url }) => url)).toEqual([`http://hive.test/x?v=${encodeURIComponent(entry.etag)}`])
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'ConflictError', expectedEtag: entry.etag })
    await local.remove('x')
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'NotFoundError', alias: 'x' })
  })

  it('for no more than the current range and the next one', async () => {
    const { hive, reads } = await client(pass)
    const reader = (await hive.open('x', { bufferSize: KIB })).stream().getReader()
    expect(reads()).toHaveLength(0)
    await reader.read()
    await expect.poll(() => reads().length).toBe(2)
    await standstill()
    expect(reads()).toHaveLength(2)
  })

  it('with its headers, made anew for each request', async () => {
    let asked = 0
    const { hive, requests } = await client(pass, {
      headers: () => Promise.resolve({ Authorization: `Bearer ${++asked}` }),
    })
    await hive.stat('x')
    await hive.list()
    await hive.remove('x')
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 3'])
  })

  it('for the pages of a list as they are read, and for one page where that is enough', async () => {
    const { local } = await client(pass)
    for (const alias of ['a', 'b', 'c', 'd']) await bytesSource(BYTES).stream().pipeTo(local.sink(alias))
    const handler = createHiveHandler(local, { limits: { listEntries: 2 } })
    let count = 0
    const hive = new HttpHive('http://hive.test/', {
      fetch(url, init) {
        count++
        return handler(new Request(url, init))
      },
    })
    const page = await hive.list({ limit: 3, after: 'a' })
    expect(page.entries.map(({ alias }) => alias)).toEqual(['b', 'c'])
    expect(page.next).toBe('c')
    expect((await hive.list({ after: 'c' })).next).toBe(undefined)
    const reader = hive.entries().getReader()
    expect(count).toBe(2)
    const aliases: string[] = []
    for (let read = await reader.read(); !read.done; read = await reader.read()) aliases.push(read.value.alias)
    expect(aliases).toEqual(['a', 'b', 'c', 'd', 'x'])
    expect(count).toBe(5)
  })
})

describe('HttpHive lets go', () => {
  it('at once when a stream is cancelled, even of an answer that is on its way', async () => {
    const signals: AbortSignal[] = []
    const hangs: Fault = (request, _pass, count) => {
      signals.push(request.signal)
      return count === 1 ? new Promise(() => undefined) : _pass()
    }
    const { hive } = await client(hangs)
    const reader = (await hive.open('x')).stream().getReader()
    const read = reader.read()
    await standstill()
    await soon(reader.cancel('seek'), 'cancel')
    expect((await soon(read, 'the pending read')).done).toBe(true)
    expect(signals[0]?.aborted).toBe(true)
  })

  it('of the body when a stream is cancelled midway', async () => {
    let cancelled: unknown
    const { hive } = await client(async (_request, passOn) => {
      const answer = await passOn()
      const first = new Uint8Array(await answer.arrayBuffer()).slice(0, 100)
      return withBody(
        answer,
        new ReadableStream({
          start: (controller) => controller.enqueue(first),
          cancel: (reason) => void (cancelled = reason),
        }),
      )
    })
    const reader = (await hive.open('x')).stream().getReader()
    await reader.read()
    const read = reader.read()
    await soon(reader.cancel('seek'), 'cancel')
    await soon(read, 'the pending read')
    expect(cancelled).toBe('seek')
  })

  /** Requests whose answers have the given header fields and bodies that fall silent. */
  const silences: Record<
    string,
    { status?: number; type: string; call(hive: HttpHive, signal?: AbortSignal): Promise<unknown> }
  > = {
    'a list': { type: 'application/json', call: (hive, signal) => hive.list({ signal }) },
    'an error of a list': {
      status: 400,
      type: 'application/problem+json',
      call: (hive, signal) => hive.list({ signal }),
    },
    'an error of a DELETE': {
      status: 400,
      type: 'application/problem+json',
      call: (hive, signal) => hive.remove('x', { signal }),
    },
    'an error of a PUT': {
      status: 400,
      type: 'application/problem+json',
      call: (hive, signal) => bytesSource(BYTES).stream().pipeTo(hive.sink('x', { signal })),
    },
    'the answer to a PATCH': {
      type: 'application/json',
      call: (hive, signal) => bytesSource(BYTES).stream().pipeTo(hive.patchSink('x', { signal })),
    },
    'a signature': {
      type: 'application/vnd.rdiff-signature',
      call: async (hive, signal) => collect((await hive.open('x')).signature({ signal })),
    },
    'an error of a signature': {
      status: 400,
      type: 'application/problem+json',
      call: async (hive, signal) => collect((await hive.open('x')).signature({ signal })),
    },
    'an error of a range': {
      status: 400,
      type: 'application/problem+json',
      call: async (hive, signal) => collect((await hive.open('x')).stream({ signal })),
    },
  }
  for (const [title, { status = 200, type, call }] of Object.entries(silences)) {
    const silent = (stallTimeoutMs: number): { hive: HttpHive; cancelled: () => boolean } => {
      let cancelled = false
      const hive = new HttpHive('http://hive.test/', {
        stallTimeoutMs,
        requestStreams: false,
        fetch(_url, { method }) {
          const headers = { ETag: OTHER_ETAG, 'Content-Type': type, 'Content-Length': '10' }
          if (method === 'HEAD') return Promise.resolve(new Response(null, { headers }))
          const body = new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array([0x20])),
            // A source that does not react must not hold anybody up.
            cancel: () => {
              cancelled = true
              return new Promise(() => undefined)
            },
          })
          return Promise.resolve(new Response(body, { status, headers }))
        },
      })
      return { hive, cancelled: () => cancelled }
    }

    it(`of ${title} that is silent for too long`, async () => {
      const { hive, cancelled } = silent(100)
      const name = status === 200 ? 'BackendError' : 'TypeError'
      expect(await rejection(call(hive))).toMatchObject({ name })
      expect(cancelled()).toBe(true)
    })

    it(`of ${title} at once when it is aborted, with the same reason`, async () => {
      const { hive, cancelled } = silent(20_000)
      const controller = new AbortController()
      const reason = { any: 'value' }
      const given = rejection(call(hive, controller.signal))
      await standstill()
      controller.abort(reason)
      expect(await given).toBe(reason)
      expect(cancelled()).toBe(true)
    })
  }

  it('with an error of its own when the body of a list breaks off', async () => {
    const cause = new TypeError('terminated')
    const broken = new ReadableStream({ pull: (controller) => controller.error(cause) })
    const error = await rejection(answered(() => new Response(broken)).list())
    expect(error).toMatchObject({ name: 'BackendError', retryable: true, cause })
  })

  it('while it waits to try again', async () => {
    const controller = new AbortController()
    const { hive } = await client(() => new Response(null, { status: 503, headers: { 'Retry-After': '30' } }))
    const stream = (await hive.open('x')).stream({ signal: controller.signal })
    const read = rejection(collect(stream))
    await standstill()
    controller.abort('stop')
    expect(await read).toBe('stop')
  })
})

describe('HttpHive writes', () => {
  const blockBytes = 256 * KIB

  it('in one request where bodies cannot be streamed, and refuses more than 64 MiB', async () => {
    const { hive, requests } = await client(pass, { method: 'PUT', requestStreams: false })
    const bytes = randomBytes(3 * blockBytes + 7)
    await bytesSource(bytes).stream().pipeTo(hive.sink('y'))
    expect(await collect((await hive.open('y')).stream())).toEqual(bytes)
    expect(requests.filter(({ method }) => method === 'PUT')).toHaveLength(1)

    const sink = hive.sink('z')
    const writer = sink.getWriter()
    writer.closed.catch(() => undefined)
    const block = new Uint8Array(16 * KIB * KIB)
    for (let i = 0; i < 4; i++) await writer.write(block)
    const error = await rejection(writer.write(new Uint8Array(1)))
    expect(error).toMatchObject({ name: 'QuotaExceededError', limit: 64 * KIB * KIB })
    expect(await rejection(sink.entry)).toBe(error)
    expect(requests.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('nothing twice: without an answer the outcome is unknown', async () => {
    const cause = new TypeError('fetch failed')
    const fail: Fault = () => {
      throw cause
    }
    const put = await client(fail, { method: 'PUT' })
    const sink = put.hive.sink('y')
    const error = await rejection(bytesSource(BYTES).stream().pipeTo(sink))
    expect(error).toMatchObject({ name: 'BackendError', retryable: true, outcome: 'unknown', cause })
    expect(await rejection(sink.entry)).toBe(error)
    expect(put.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1)

    const remove = await client(fail, { method: 'DELETE' })
    expect(await rejection(remove.hive.remove('x'))).toMatchObject({ name: 'BackendError', outcome: 'unknown', cause })
  })

  const lost: Record<string, Fault> = {
    'is lost': async (_request, passOn) => {
      await passOn()
      throw new TypeError('fetch failed')
    },
    'is that of a gateway which gave up waiting': async (_request, passOn) => {
      await passOn()
      return new Response('<h1>Gateway Timeout</h1>', { status: 504 })
    },
  }
  for (const [title, fault] of Object.entries(lost)) {
    for (const [size, options] of [
      [0, {}],
      [1_000, {}],
      [3 * blockBytes + 7, {}],
      [3 * blockBytes + 7, { requestStreams: false }],
    ] as const) {
      const how = 'requestStreams' in options ? 'as one' : 'as this host does it'
      it(`${size} bytes ${how}, and has succeeded when the answer ${title} but the entry is there`, async () => {
        const { hive, local, requests } = await client(fault, { ...options, method: 'PUT' })
        const sink = hive.sink('y', { type: 'a/b' })
        await soon(bytesSource(randomBytes(size)).stream().pipeTo(sink), 'the upload')
        const stored = await local.stat('y')
        expect(await sink.entry).toMatchObject({ alias: 'y', size, type: 'a/b', etag: stored.etag })
        expect(requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD'])
      })
    }
  }

  it('and waits for a server that is still storing when the answer is lost', async () => {
    const local = new LocalHive(new StreamStore(memoryBackend()))
    const handler = createHiveHandler(local)
    let put: (() => Promise<Response>) | undefined
    const methods: string[] = []
    const hive = new HttpHive('http://hive.test/', {
      requestStreams: false,
      async fetch(url, init) {
        methods.push(init.method!)
        if (init.method === 'PUT') {
          put = () => handler(new Request(url, init))
          throw new TypeError('fetch failed')
        }
        const answer = await handler(new Request(url, init))
        // Seen by the next request.
        await put?.()
        return answer
      },
    })
    const sink = hive.sink('y')
    await soon(bytesSource(BYTES).stream().pipeTo(sink), 'the upload')
    expect((await sink.entry).size).toBe(BYTES.byteLength)
    expect(methods).toEqual(['PUT', 'HEAD', 'HEAD'])
  })

  it('and fails with the loss of the answer when the entry has other bytes, or cannot be looked up', async () => {
    const cause = new TypeError('fetch failed')
    const fail: Fault = () => {
      throw cause
    }
    const { hive, requests } = await client(fail, { method: 'PUT', retries: 2 })
    const error = await rejection(bytesSource(randomBytes(9)).stream().pipeTo(hive.sink('x')))
    expect(error).toMatchObject({ name: 'BackendError', outcome: 'unknown', cause })
    expect(requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'HEAD', 'HEAD'])

    const dead = new HttpHive('http://hive.test/', { retries: 0, fetch: () => Promise.reject(cause) })
    const unheard = await rejection(bytesSource(BYTES).stream().pipeTo(dead.sink('x')))
    expect(unheard).toMatchObject({ name: 'BackendError', outcome: 'unknown', cause })
  })

  it('and does not look up the entry when the answer says that nothing was stored', async () => {
    for (const status of [303, 400, 403, 409, 412, 413, 500, 503]) {
      const { hive, requests } = await client(() => new Response(null, { status }), { method: 'PUT' })
      await rejection(bytesSource(BYTES).stream().pipeTo(hive.sink('y')))
      expect(
        requests.map(({ method }) => method),
        String(status),
      ).toEqual(['PUT'])
    }
  })

  it('and can be aborted while it looks up the entry', async () => {
    const controller = new AbortController()
    const hive = new HttpHive('http://hive.test/', {
      requestStreams: false,
      fetch: (_url, { method }) => {
        if (method === 'PUT') return Promise.reject(new TypeError('fetch failed'))
        controller.abort('stop')
        return new Promise(() => undefined)
      },
    })
    const sink = hive.sink('y', { signal: controller.signal })
    expect(await rejection(bytesSource(BYTES).stream().pipeTo(sink))).toBe('stop')
    expect(await rejection(sink.entry)).toBe('stop')
  })

  it.each(['sink', 'patchSink', 'remove'] as const)(
    'nothing by %s when it is given up before it is sent',
    async (kind) => {
      for (const requestStreams of [true, false]) {
        const controller = new AbortController()
        const { signal } = controller
        const methods: (string | undefined)[] = []
        const hive = new HttpHive('http://hive.test/', {
          requestStreams,
          // Like a handler of the same program, it does not look at the signal.
          fetch(_url, { method }) {
            methods.push(method)
            return Promise.resolve(new Response(null, { headers: { ETag: OTHER_ETAG, 'Content-Length': '1' } }))
          },
          headers() {
            if (methods.length > 0 || kind !== 'patchSink') controller.abort('stop')
            return {}
          },
        })
        const sent =
          kind === 'remove'
            ? hive.remove('x', { signal })
            : new Blob([randomBytes(600 * KIB)]).stream().pipeTo(hive[kind]('x', { signal }))
        expect(await rejection(sent)).toBe('stop')
        await standstill()
        expect(methods).toEqual(kind === 'patchSink' ? ['HEAD'] : [])
      }
    },
  )

  it('and has succeeded even if the connection fails after the answer', async () => {
    const badly = async (_request: Request, passOn: () => Promise<Response>): Promise<Response> => {
      const answer = await passOn()
      const body = new ReadableStream({ cancel: () => Promise.reject(new TypeError('terminated')) })
      // A Response of the host cannot have a body with 204.
      return Object.defineProperty(answer, 'body', { value: body })
    }
    const put = await client(badly, { method: 'PUT' })
    const sink = put.hive.sink('y')
    await bytesSource(BYTES).stream().pipeTo(sink)
    expect((await sink.entry).size).toBe(BYTES.byteLength)
    const remove = await client(badly, { method: 'DELETE' })
    await remove.hive.remove('x')
    expect(await remove.local.list()).toEqual({ entries: [] })
  })

  /** What every change does, for each of the requests that make one. */
  const changes: Record<string, (hive: HttpHive) => Promise<unknown>> = {
    PUT: (hive) => bytesSource(BYTES).stream().pipeTo(hive.sink('x')),
    PATCH: (hive) => bytesSource(BYTES).stream().pipeTo(hive.patchSink('x')),
    DELETE: (hive) => hive.remove('x'),
  }
  for (const [method, change] of Object.entries(changes)) {
    it(`by ${method}, and accepts only the statuses of the protocol as success`, async () => {
      const done = { PUT: [201, 204], PATCH: [200], DELETE: [204] }[method]!
      for (const status of [200, 201, 202, 203, 204, 205, 206, 207, 304].filter((code) => !done.includes(code))) {
        const body = [204, 205, 304].includes(status) ? null : '<h1>Welcome</h1>'
        const { hive, local } = await client(() => new Response(body, { status, headers: { ETag: OTHER_ETAG } }), {
          method,
        })
        const error = await rejection(change(hive))
        expect(error, String(status)).toMatchObject({ name: 'BackendError', retryable: false, outcome: 'unknown' })
        expect((error as Error).message).toContain(`answered ${method} with ${status}`)
        expect((await local.stat('x')).size).toBe(BYTES.byteLength)
      }
    })

    it(`by ${method}, and says that it was redirected, even where nothing more is known`, async () => {
      const moved = new Response(null, { status: 303, headers: { Location: 'https://login.test/' } })
      const opaque = Object.defineProperties(new Response(null, { headers: { ETag: OTHER_ETAG } }), {
        type: { value: 'opaqueredirect' },
        status: { value: 0 },
        ok: { value: false },
      })
      // An upload with progress, by XMLHttpRequest say, follows redirects whatever it is asked for.
      const page = new Response(method === 'PATCH' ? '{}' : null, {
        status: { PUT: 201, PATCH: 200, DELETE: 204 }[method]!,
        headers: { ETag: OTHER_ETAG },
      })
      const followed = Object.defineProperty(page, 'redirected', { value: true })
      for (const [answer, words] of [
        [moved, `redirected ${method} to "https://login.test/"`],
        [opaque, `redirected ${method}, `],
        [followed, `redirected ${method}, `],
      ] as const) {
        const { hive, requests } = await client(() => answer, { method, requestStreams: false })
        const error = await rejection(change(hive))
        expect(error).toMatchObject({ name: 'BackendError', retryable: false, outcome: 'unknown' })
        expect((error as Error).message).toContain(words)
        for (const request of requests) expect(request.redirect).toBe(request.method === 'HEAD' ? 'follow' : 'manual')
      }
    })
  }

  it('and fails with the reason for which the server refused it', async () => {
    const problem = (name: string, facts: object): string =>
      JSON.stringify({ type: `urn:combstream:error:${name}`, ...facts })
    const headers = { 'Content-Type': 'application/problem+json' }
    const cases = [
      [413, problem('QuotaExceededError', { limit: 7 }), { name: 'QuotaExceededError', limit: 7 }],
      [507, '', { name: 'QuotaExceededError' }],
      [409, problem('ConflictError', { actualEtag: '"b"' }), { name: 'ConflictError', actualEtag: '"b"', alias: 'y' }],
      [412, problem('AlreadyExistsError', { alias: 'y' }), { name: 'AlreadyExistsError', alias: 'y' }],
      [
        422,
        problem('FormatError', { reason: 'magic', offset: 0 }),
        { name: 'FormatError', reason: 'magic', offset: 0 },
      ],
      [422, problem('FormatError', { reason: 'nonsense', offset: 'x' }), { name: 'FormatError', reason: 'invalid' }],
      [
        500,
        problem('IntegrityError', { expected: 'a', actual: 'b' }),
        { name: 'IntegrityError', expected: 'a', actual: 'b' },
      ],
      [
        503,
        problem('BackendError', { retryable: true, outcome: 'unknown' }),
        { name: 'BackendError', outcome: 'unknown' },
      ],
      [502, '', { name: 'BackendError', retryable: true, outcome: 'unknown' }],
      [500, '', { name: 'BackendError', retryable: false }],
      [400, problem('TypeError', { detail: 'no alias' }), { name: 'TypeError', message: 'no alias' }],
      [418, problem('constructor', {}), { name: 'BackendError' }],
      [412, '{"type"', { name: 'ConflictError' }],
    ] as const
    for (const [status, body, expected] of cases) {
      const { hive } = await client(() => new Response(body, { status, headers }), { method: 'PUT' })
      expect(await rejection(bytesSource(BYTES).stream().pipeTo(hive.sink('y'))), body).toMatchObject(expected)
    }
  })

  it('only after a check, and sends nothing that cannot succeed', async () => {
    const { hive, requests } = await client(pass, { method: 'PUT' })
    const writer = hive.sink('x', { ifNoneMatch: '*' }).getWriter()
    expect(await rejection(writer.closed)).toMatchObject({ name: 'AlreadyExistsError', alias: 'x' })
    expect(requests.map(({ method }) => method)).toEqual(['HEAD'])
  })
})

/** The Range of a request, half-open. */
function rangeOf(request: Request): [number, number] {
  const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.get('range') ?? '') ?? []
  return [Number(first), Number(last) + 1]
}

/** The answer of a server without ranges, for the same request. */
function wholeOf({ headers }: Response): Response {
  const fields = { ETag: headers.get('etag')!, 'Content-Length': String(BYTES.byteLength) }
  return new Response(BYTES.slice(), { status: 200, headers: fields })
}

describe('new HttpHive', () => {
  it('refuses a URL with a user name or a password, which fetch would refuse', () => {
    for (const url of ['http://user@hive.test/', 'http://user:secret@hive.test/', 'http://:secret@hive.test/']) {
      expect(() => new HttpHive(url)).toThrow(/user name/)
    }
  })

  it('refuses a timeout that is too long for a timer', () => {
    for (const stallTimeoutMs of [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(() => new HttpHive('http://hive.test/', { stallTimeoutMs })).toThrow(RangeError)
    }
    expect(new HttpHive('http://hive.test/', { stallTimeoutMs: 2 ** 31 - 1 })).toBeInstanceOf(HttpHive)
  })
})
