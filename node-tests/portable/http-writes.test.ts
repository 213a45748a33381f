import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes, rejection, soon, standstill } from '../support/streams.ts'
import { KIB, BYTES, OTHER_ETAG, type Fault, client, pass } from '../support/faulty-client.ts'

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
    'comes from a gateway that gave up waiting': async (_request, passOn) => {
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
      const how = 'requestStreams' in options ? 'as one body' : 'as this host sends a body'
      it(`${size} bytes ${how}, and succeeds when the answer ${title} but the entry exists`, async () => {
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
        // The next request sees the result.
        await put?.()
        return answer
      },
    })
    const sink = hive.sink('y')
    await soon(bytesSource(BYTES).stream().pipeTo(sink), 'the upload')
    expect((await sink.entry).size).toBe(BYTES.byteLength)
    expect(methods).toEqual(['PUT', 'HEAD', 'HEAD'])
  })

  it('and fails because the answer was lost when the entry has other bytes, or cannot be looked up', async () => {
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

  it('and fails because the answer was lost when the entry has the bytes but not the type of the upload', async () => {
    const cause = new TypeError('fetch failed')
    const neverStored: Fault = () => {
      throw cause
    }
    for (const requestStreams of [undefined, false]) {
      const { hive, local } = await client(neverStored, { method: 'PUT', retries: 1, requestStreams })
      await bytesSource(BYTES)
        .stream()
        .pipeTo(local.sink('y', { type: 'text/plain' }))
      const sink = hive.sink('y', { type: 'text/html' })
      const error = await rejection(bytesSource(BYTES).stream().pipeTo(sink))
      expect(error).toMatchObject({ name: 'BackendError', outcome: 'unknown', cause })
      expect(await rejection(sink.entry)).toBe(error)
    }
  })

  it('and succeeds when the type lost its trailing spaces in transit', async () => {
    const stored: Fault = async (_request, passOn) => {
      await passOn()
      throw new TypeError('fetch failed')
    }
    const { hive } = await client(stored, { method: 'PUT', retries: 1 })
    const sink = hive.sink('y', { type: 'text/plain;  ' })
    await soon(bytesSource(BYTES).stream().pipeTo(sink), 'the upload')
    expect((await sink.entry).type.trim()).toBe('text/plain;')
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
    'nothing by %s when it is aborted before it is sent',
    async (kind) => {
      for (const requestStreams of [true, false]) {
        const controller = new AbortController()
        const { signal } = controller
        const methods: (string | undefined)[] = []
        const hive = new HttpHive('http://hive.test/', {
          requestStreams,
          // Ignores the signal, like a handler in the same process.
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

  it('and succeeds even if the connection fails after the answer', async () => {
    const badly = async (_request: Request, passOn: () => Promise<Response>): Promise<Response> => {
      const answer = await passOn()
      const body = new ReadableStream({ cancel: () => Promise.reject(new TypeError('terminated')) })
      // The host's Response cannot have a body with status 204.
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

  /** One change for each method. */
  const changes: Record<string, (hive: HttpHive) => Promise<unknown>> = {
    PUT: (hive) => bytesSource(BYTES).stream().pipeTo(hive.sink('x')),
    PATCH: (hive) => bytesSource(BYTES).stream().pipeTo(hive.patchSink('x')),
    DELETE: (hive) => hive.remove('x'),
    MOVE: (hive) => hive.rename('x', 'y'),
  }
  for (const [method, change] of Object.entries(changes)) {
    it(`by ${method}, and accepts only the statuses of the protocol as success`, async () => {
      const done = { PUT: [201, 204], PATCH: [200], DELETE: [204], MOVE: [201, 204] }[method]!
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

    it(`by ${method}, and reports a redirect, even where nothing more is known`, async () => {
      const moved = new Response(null, { status: 303, headers: { Location: 'https://login.test/' } })
      const opaque = Object.defineProperties(new Response(null, { headers: { ETag: OTHER_ETAG } }), {
        type: { value: 'opaqueredirect' },
        status: { value: 0 },
        ok: { value: false },
      })
      // An upload with progress, such as one by XMLHttpRequest, always follows redirects.
      const page = new Response(method === 'PATCH' ? '{}' : null, {
        status: { PUT: 201, PATCH: 200, DELETE: 204, MOVE: 201 }[method]!,
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

  it("and fails with the server's reason for refusing it", async () => {
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
    // At the same time, because each failure that may pass makes the client wait.
    const refuse = async ([status, body, expected]: (typeof cases)[number]): Promise<void> => {
      const { hive } = await client(() => new Response(body, { status, headers }), { method: 'PUT' })
      expect(await rejection(bytesSource(BYTES).stream().pipeTo(hive.sink('y'))), body).toMatchObject(expected)
    }
    await Promise.all(cases.map(refuse))
  })

  it('only after a check, and sends nothing that cannot succeed', async () => {
    const { hive, requests } = await client(pass, { method: 'PUT' })
    const writer = hive.sink('x', { ifNoneMatch: '*' }).getWriter()
    expect(await rejection(writer.closed)).toMatchObject({ name: 'AlreadyExistsError', alias: 'x' })
    expect(requests.map(({ method }) => method)).toEqual(['HEAD'])
  })
})
