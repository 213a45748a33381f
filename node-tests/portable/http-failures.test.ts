import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { HttpHive, type HttpHiveOptions } from '../../src/http.ts'
import { rejection } from '../support/streams.ts'
import {
  KIB,
  BYTES,
  OTHER_ETAG,
  type Fault,
  client,
  pass,
  withBody,
  cut,
  answered,
  rangeOf,
  wholeOf,
} from '../support/faulty-client.ts'

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

  it('a FormatError for 416, since the range is within the entry, or a ConflictError when that shows another total', async () => {
    for (const headers of [{}, { 'Content-Range': `bytes */${BYTES.byteLength}` }]) {
      const { error } = await failure((_request, passOn, count) =>
        count < 3 ? passOn() : new Response('', { status: 416, headers }),
      )
      expect(error).toMatchObject({ name: 'FormatError', reason: 'invalid', offset: 2 * KIB, status: 416 })
    }
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

  it('a FormatError when each answer has one byte, after a few of them', async () => {
    let count = 0
    const { error, received } = await failure(async (request, passOn) => {
      count++
      const answer = await passOn()
      const [start] = rangeOf(request)
      const bytes = new Uint8Array(await answer.arrayBuffer()).slice(0, 1)
      const range = `bytes ${start}-${start}/${BYTES.byteLength}`
      return withBody(answer, bytes, { 'Content-Range': range, 'Content-Length': '1' })
    })
    expect(error).toMatchObject({ name: 'FormatError', reason: 'limit', offset: received, status: 206 })
    // The first range, and what is read ahead of it.
    expect(count).toBeLessThan(100)
  })

  it('a BackendError when each answer breaks off after a byte, after a few of them', async () => {
    let count = 0
    const { error } = await failure(
      async (_request, passOn) => {
        count++
        return cut(await passOn(), 1, 'error')
      },
      { retries: 1 },
    )
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
    expect(count).toBeLessThan(100)
  })

  it('a FormatError when a range has more bytes than it declares', async () => {
    const { error } = await failure(async (_request, passOn) => {
      const answer = await passOn()
      const bytes = new Uint8Array(await answer.arrayBuffer())
      return withBody(answer, new Uint8Array([...bytes, 1]), { 'Content-Length': undefined })
    })
    expect(error).toMatchObject({ name: 'FormatError' })
  })

  it('a retryable BackendError when every attempt fails, after the last one', async () => {
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
    // Only for the range that is read: the one ahead of it is not requested before the first answer.
    expect(count).toBe(3)
  })

  it('a BackendError when answers break off without a byte, after the last attempt', async () => {
    const { error } = await failure(async (_request, passOn) => cut(await passOn(), 0, 'error'), { retries: 2 })
    expect(error).toMatchObject({ name: 'BackendError', retryable: true })
  })

  it('a BackendError when a server without ranges makes no progress, after the last attempt', async () => {
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

  it('a BackendError at once when the server asks for a wait that is too long', async () => {
    for (const wait of ['3600', '99999999999999999999', 'Fri, 31 Dec 2100 00:00:00 GMT']) {
      let count = 0
      const { error } = await failure(() => {
        count++
        return new Response(null, { status: 503, headers: { 'Retry-After': wait } })
      })
      expect(error).toMatchObject({ name: 'BackendError', retryable: true })
      expect(count, wait).toBe(1)
    }
  })

  it('an AccessError for what is not allowed, without a retry', async () => {
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

  /** One call for each kind of request. */
  const calls: Record<string, (hive: HttpHive) => Promise<unknown>> = {
    stat: (hive) => hive.stat('x'),
    list: (hive) => hive.list(),
    entries: (hive) => hive.entries().getReader().read(),
    remove: (hive) => hive.remove('x'),
    sink: (hive) => bytesSource(BYTES).stream().pipeTo(hive.sink('x')),
    'a sink that checks first': (hive) =>
      bytesSource(BYTES)
        .stream()
        .pipeTo(hive.sink('x', { ifNoneMatch: '*' })),
    patchSink: (hive) => bytesSource(BYTES).stream().pipeTo(hive.patchSink('x')),
  }
  const statuses = [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 416, 418, 421, 422, 428, 429, 500, 502, 503, 507]
  for (const [title, call] of Object.entries(calls)) {
    it(`an error with the status of the answer: ${title}`, async () => {
      for (const status of statuses) {
        const hive = answered(() => new Response(null, { status }), { retries: 0, requestStreams: false })
        expect(await rejection(call(hive)), String(status)).toMatchObject({ status })
      }
    })
  }

  it('an error with the status of the answer: a read, and a signature', async () => {
    for (const status of statuses) {
      const { hive } = await client(() => new Response(null, { status }), { retries: 0 })
      const entry = await hive.open('x')
      expect(await rejection(collect(entry.stream())), String(status)).toMatchObject({ status })
      expect(await rejection(collect(entry.signature())), String(status)).toMatchObject({ status })
    }
  })

  it('an error with the status of the answer, even if that does not come from a hive', async () => {
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

  it("an error with a short message, however long the server's is", async () => {
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

  it('the error that a problem describes, without a retry, whatever the status', async () => {
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

  it('a BackendError for a fetch that would fail again in the same way, without a retry', async () => {
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

  it('a TypeError for invalid header fields, without a retry', async () => {
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
