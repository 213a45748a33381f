import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { HiveChange } from '../../src/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, type HiveHandlerOptions, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { stopClock } from '../support/stop-clock.ts'
import { pending, rejection, soon, standstill } from '../support/streams.ts'

type Reader = ReadableStreamDefaultReader<HiveChange>
type Handler = (request: Request) => Promise<Response>

const MISSED = { alias: undefined, etag: undefined }
const newHive = (): LocalHive => new LocalHive(new StreamStore(memoryBackend()))

async function put(hive: LocalHive | HttpHive, alias: string, content = alias): Promise<HiveChange> {
  const sink = hive.sink(alias)
  await new Blob([content]).stream().pipeTo(sink)
  return { alias, etag: (await sink.entry).etag }
}

async function next(reader: Reader): Promise<HiveChange | undefined> {
  return (await soon(reader.read(), 'a change')).value
}

/** A client of a handler that can be replaced, whose connections can be cut. */
function clientOf(handler: Handler) {
  const requests: Request[] = []
  const network = { handler, requests, cut: (): void => undefined, lose: false, opened: Promise.resolve() }
  const hive = new HttpHive('http://hive.test/', {
    async fetch(url, init) {
      const request = new Request(url, init)
      requests.push(request)
      const response = await network.handler(request)
      if (!response.body || !url.includes('?watch')) return response
      const reader = response.body.getReader()
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            network.cut = () => {
              void reader.cancel()
              controller.error(new TypeError('terminated'))
            }
          },
          async pull(controller) {
            const { done, value } = await reader.read()
            if (done) controller.close()
            else if (network.lose) network.cut()
            else controller.enqueue(value)
          },
          cancel: (reason) => reader.cancel(reason),
        },
        { highWaterMark: 0 },
      )
      return new Response(body, response)
    },
  })
  return { hive, network }
}

function fixture(options: HiveHandlerOptions = {}) {
  const local = newHive()
  return { local, ...clientOf(createHiveHandler(local, options)) }
}

/** A hive whose changes are made by the test. */
function fakeHive() {
  let source: ReadableStreamDefaultController<HiveChange> | undefined
  const state = { watches: 0, cancelled: 0 }
  const hive = Object.assign(newHive(), {
    watch: () =>
      new ReadableStream<HiveChange>({
        start(controller) {
          state.watches++
          source = controller
        },
        cancel: () => void state.cancelled++,
      }),
  })
  return {
    hive,
    state,
    publish: (change: HiveChange) => source!.enqueue(change),
    fail: (e: unknown) => source!.error(e),
  }
}

afterEach(() => vi.useRealTimers())

let hives = 0
// Without streams of its own, a host gets an answer from the network as a whole, and this one does not end.
const isStreamless = fetch.name === 'streamlessFetch'
const KINDS: Record<string, () => HttpHive> = {
  'a handler of the same program': () => fixture().hive,
  'a real server': () => new HttpHive(`${inject('hiveUrl')}-/hives/watch-${Date.now()}-${hives++}/`),
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`HttpHive.watch on ${kind}`, () => {
    it.skipIf(isStreamless && kind === 'a real server')(
      'streams what is stored, updated and removed, and only aliases with the prefix',
      async () => {
        const hive = open()
        const readers = ['', 'a/', 'ä 🐝?&'].map((prefix) => hive.watch({ prefix }).getReader())
        // What the server sends first shows that it watches.
        for (const reader of readers) {
          const seen: unknown[] = []
          const first = reader.read().then(({ value }) => seen.push(value))
          for (let i = 0; seen.length === 0; i++) {
            await put(hive, i % 2 ? 'a/first' : 'ä 🐝?&/first', String(i))
            await standstill()
          }
          await first
        }
        const last = [await put(hive, 'a/x'), await put(hive, 'ä 🐝?&x'), await put(hive, 'a/x', 'new')]
        await hive.remove('a/x')
        const expected = [...last, { alias: 'a/x', etag: undefined }]
        for (const [i, prefix] of ['', 'a/', 'ä 🐝?&'].entries()) {
          for (const change of expected.filter(({ alias }) => alias!.startsWith(prefix))) {
            let got = await next(readers[i]!)
            while (got?.alias?.endsWith('first')) got = await next(readers[i]!)
            expect(got).toEqual(change)
          }
          await readers[i]!.cancel()
        }
      },
    )

    it('ends at once when it is cancelled or aborted', async () => {
      const hive = open()
      const controller = new AbortController()
      const reader = hive.watch({ signal: controller.signal }).getReader()
      const other = hive.watch().getReader()
      const [first, second] = [reader.read(), other.read()]
      expect(await pending(first)).toBe(true)
      controller.abort(new Error('enough'))
      expect(await rejection(first)).toMatchObject({ message: 'enough' })
      await soon(other.cancel(), 'the cancel')
      expect(await second).toMatchObject({ done: true })
      const gone = hive.watch({ signal: AbortSignal.abort(new Error('before')) }).getReader()
      expect(await rejection(gone.read())).toMatchObject({ message: 'before' })
    })
  })
}

describe('HttpHive.watch', () => {
  it('tells that it is alive with whatever arrives, and that it is not when the connection breaks off', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { local, hive, network } = fixture()
    const told: boolean[] = []
    const reader = hive.watch({ onAlive: (isAlive) => told.push(isAlive) }).getReader()
    const first = reader.read()
    while (told.length === 0) await standstill()
    await vi.advanceTimersByTimeAsync(8_000)
    while (told.length === 1) await standstill()
    const change = await put(local, 'x')
    expect(await first).toMatchObject({ value: change })
    expect(told).toEqual([true, true, true])
    network.cut()
    const second = reader.read()
    while (told.length === 3) await standstill()
    expect(told.at(-1)).toBe(false)
    await vi.advanceTimersByTimeAsync(10_000)
    while (told.length === 4) await standstill()
    expect(told.at(-1)).toBe(true)
    await reader.cancel()
    await second
    expect(() => hive.watch({ onAlive: 1 as never })).toThrow(TypeError)
  })

  it('checks its options at once', () => {
    const { hive } = fixture()
    for (const prefix of [1, '\ud800']) expect(() => hive.watch({ prefix: prefix as string })).toThrow(TypeError)
  })

  it('resumes after cuts without a loss and without a change twice', async () => {
    const { local, hive, network } = fixture()
    const reader = hive.watch({ prefix: 'in/' }).getReader()
    await standstill()
    for (let i = 0; i < 6; i++) {
      const before = network.requests.length
      const change = await put(local, `in/${i}`)
      // The answer is lost on the way, before or after the client has got the change.
      if (i % 2 === 0) {
        expect(await next(reader)).toEqual(change)
        network.cut()
      } else {
        network.lose = true
        const read = reader.read()
        await standstill()
        network.lose = false
        expect((await soon(read, 'the change again')).value).toEqual(change)
      }
      await put(local, `out/${i}`)
      const later = await put(local, `in/later${i}`)
      expect(await next(reader)).toEqual(later)
      expect(network.requests.length).toBeGreaterThan(before)
      expect(network.requests.at(-1)!.headers.get('last-event-id')).toMatch(/^\w+-\d+$/)
    }
    expect(await pending(reader.read())).toBe(true)
  })

  it('says that changes were missed when the server has been restarted', async () => {
    const { local, hive, network } = fixture()
    const reader = hive.watch().getReader()
    const change = await put(local, 'a')
    expect(await next(reader)).toEqual(change)
    network.handler = createHiveHandler(local)
    await put(local, 'missed')
    network.cut()
    expect(await next(reader)).toEqual(MISSED)
    const later = await put(local, 'b')
    expect(await next(reader)).toEqual(later)
  })

  it('goes on through failures, however many, and says that it may have missed the beginning', async () => {
    const { local, hive, network } = fixture()
    const { handler } = network
    const failures: Request[] = []
    network.handler = (request) => {
      if (failures.push(request) % 2) return Promise.reject(new TypeError('fetch failed'))
      return Promise.resolve(new Response('later', { status: 503, headers: { 'Retry-After': '0' } }))
    }
    // The waits between attempts grow: they are not what is tested.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const reader = hive.watch().getReader()
    const first = reader.read()
    while (failures.length < 20) {
      await standstill()
      await vi.advanceTimersByTimeAsync(10_000)
    }
    network.handler = handler
    await vi.advanceTimersByTimeAsync(10_000)
    await standstill()
    vi.useRealTimers()
    expect((await soon(first, 'the notice')).value).toEqual(MISSED)
    const change = await put(local, 'a')
    expect(await next(reader)).toEqual(change)
  })

  it('ends with a typed error if it is not allowed, or the server is not a hive that can be watched', async () => {
    const event = (data: string): Response =>
      new Response(`data: ${data}\n\n`, { headers: { 'Content-Type': 'text/event-stream' } })
    const answers: [() => Response, object][] = [
      [() => new Response(null, { status: 401 }), { name: 'AccessError', status: 401 }],
      [() => new Response(null, { status: 403 }), { name: 'AccessError', status: 403 }],
      [() => new Response(null, { status: 404 }), { name: 'NotFoundError' }],
      [() => new Response('<h1>', { headers: { 'Content-Type': 'text/html' } }), { name: 'FormatError' }],
      [() => Response.json({ entries: [] }), { name: 'FormatError', reason: 'invalid' }],
      [() => new Response(null, { headers: { 'Content-Type': 'text/event-stream' } }), { name: 'FormatError' }],
      [
        () => new Response(null, { status: 503, headers: { 'Retry-After': '3600' } }),
        { name: 'BackendError', status: 503 },
      ],
      [() => new Response(null, { status: 500 }), { name: 'BackendError', retryable: false }],
      [() => event('{"alias":"in/../x"}'), { name: 'FormatError', reason: 'invalid' }],
      [() => event('{"alias":"out"}'), { name: 'FormatError', reason: 'invalid' }],
      [() => event('{"alias":"in/a","etag":7}'), { name: 'FormatError', reason: 'invalid' }],
      [() => event('{'), { name: 'FormatError', reason: 'invalid' }],
    ]
    for (const [answer, expected] of answers) {
      const hive = new HttpHive('http://hive.test/', { fetch: () => Promise.resolve(answer()) })
      expect(await rejection(hive.watch({ prefix: 'in/' }).getReader().read())).toMatchObject(expected)
    }
  })

  it('ignores events of types that it does not know', async () => {
    const text = 'event: new\ndata: x\n\ndata: {"alias":"a"}\n\n'
    const fetch = (): Promise<Response> =>
      Promise.resolve(new Response(text, { headers: { 'Content-Type': 'Text/Event-Stream; charset=utf-8' } }))
    const reader = new HttpHive('http://hive.test/', { fetch }).watch().getReader()
    expect(await next(reader)).toEqual({ alias: 'a', etag: undefined })
    await reader.cancel()
  })

  it('takes a connection that has brought nothing for long for lost', async () => {
    const { local, hive, network } = fixture()
    const { handler } = network
    network.handler = async (request) => {
      const { body, headers } = await handler(request)
      // Its first bytes arrive.
      const reader = body!.getReader()
      const { value } = await reader.read()
      const silent = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(value!) })
      return new Response(silent, { headers })
    }
    stopClock()
    const reader = hive.watch().getReader()
    const read = reader.read()
    await standstill()
    await vi.advanceTimersByTimeAsync(29_000)
    expect(network.requests).toHaveLength(1)
    network.handler = handler
    await vi.advanceTimersByTimeAsync(2_000)
    await standstill()
    expect(network.requests).toHaveLength(2)
    vi.useRealTimers()
    const change = await put(local, 'a')
    expect((await soon(read, 'a change')).value).toEqual(change)
    await reader.cancel()
  })
})

describe('GET /?watch', () => {
  const WATCH = 'http://hive.test/?watch'
  const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

  it('sends comments and positions while nothing happens, so that proxies see life', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { hive, publish } = fakeHive()
    const handler = createHiveHandler(hive)
    const response = await handler(new Request(`${WATCH}&prefix=in/`))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body!.getReader()
    const read = async (): Promise<string> => decode((await soon(reader.read(), 'the next bytes')).value)
    expect(await read()).toMatch(/^:\nid: \w+-0\n\n$/)
    const quiet = read()
    expect(await pending(quiet)).toBe(true)
    await vi.advanceTimersByTimeAsync(8_000)
    expect(await quiet).toBe(':\n\n')
    publish({ alias: 'out/a', etag: '"x"' })
    await standstill()
    const moved = read()
    await standstill()
    await vi.advanceTimersByTimeAsync(8_000)
    expect(await moved).toMatch(/^:\nid: \w+-1\n\n$/)
    publish({ alias: 'in/a', etag: '"x"' })
    expect(await read()).toMatch(/^data: {"alias":"in\/a","etag":"\\"x\\""}\nid: \w+-2\n\n$/)
    await reader.cancel()
    const head = await handler(new Request(WATCH, { method: 'HEAD' }))
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'text/event-stream', ''])
  })

  it('keeps a bounded number of changes for readers that are slow or come back, and says when they miss some', async () => {
    const { hive, publish } = fakeHive()
    const handler = createHiveHandler(hive)
    const slow = clientOf(handler).hive.watch().getReader()
    await standstill()
    publish({ alias: 'first', etag: undefined })
    expect(await next(slow)).toEqual({ alias: 'first', etag: undefined })
    for (let i = 0; i < 4_000; i++) publish({ alias: `a${i}`, etag: undefined })
    await standstill()
    for (let i = 0; i < 4_000; i++) expect((await next(slow))?.alias).toBe(`a${i}`)
    for (let i = 0; i < 9_000; i++) publish({ alias: `b${i}`, etag: undefined })
    await standstill()
    expect(await next(slow)).toEqual(MISSED)
    publish({ alias: 'last', etag: undefined })
    expect(await next(slow)).toEqual({ alias: 'last', etag: undefined })
    // A hive behind this one may have missed some itself.
    publish({ alias: undefined, etag: undefined })
    expect(await next(slow)).toEqual(MISSED)
    for (const id of ['x', '-1', 'nothing-0', `${'9'.repeat(400)}-${'9'.repeat(400)}`]) {
      const response = await handler(new Request(WATCH, { headers: { 'Last-Event-ID': id } }))
      const reader = response.body!.getReader()
      expect(decode((await reader.read()).value), id).toMatch(/^event: missed\ndata: {}\nid: \w+-\d+\n\n$/)
      await reader.cancel()
    }
    await slow.cancel()
  })

  it('admits a bounded number of watchers, who share one watch of the hive', async () => {
    const { hive, state } = fakeHive()
    const handler = createHiveHandler(hive, { limits: { watchers: 2 } })
    const ask = (): Promise<Response> => handler(new Request(WATCH))
    const [first] = [await ask(), await ask()]
    const refused = await ask()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ type: 'urn:combstream:error:BackendError', retryable: true })
    await first.body!.cancel()
    expect((await ask()).status).toBe(200)
    expect(state.watches).toBe(1)
    expect(() => createHiveHandler(hive, { limits: { watchers: -1 } })).toThrow(RangeError)
  })

  it('goes on for the other watchers when one that waits for changes goes', async () => {
    const { hive, state, publish } = fakeHive()
    const handler = createHiveHandler(hive, { limits: { watchers: 2 } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const join = async () => {
      const reader = (await handler(new Request(WATCH))).body!.getReader()
      await reader.read()
      return reader
    }
    const [gone, stays] = [await join(), await join()]
    const waiting = gone.read()
    await standstill()
    await gone.cancel()
    expect(await waiting).toMatchObject({ done: true })
    await standstill()
    await vi.advanceTimersByTimeAsync(70_000)
    expect(state.cancelled).toBe(0)
    publish({ alias: 'a', etag: undefined })
    expect(decode((await soon(stays.read(), 'the change')).value)).toContain('"alias":"a"')
    const another = await join()
    expect((await handler(new Request(WATCH))).status).toBe(503)
    await Promise.all([stays.cancel(), another.cancel()])
  })

  it('stops watching the hive a minute after the last watcher has gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { hive, state } = fakeHive()
    const handler = createHiveHandler(hive)
    const visit = async (): Promise<void> => (await handler(new Request(WATCH))).body!.cancel()
    await visit()
    await vi.advanceTimersByTimeAsync(50_000)
    await visit()
    await vi.advanceTimersByTimeAsync(50_000)
    expect(state).toEqual({ watches: 1, cancelled: 0 })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(state).toEqual({ watches: 1, cancelled: 1 })
    await visit()
    expect(state.watches).toBe(2)
  })

  it('leaves no timer behind when a watcher that waits for changes goes', async () => {
    const stopping = new AbortController()
    const handler = createHiveHandler(fakeHive().hive, { stopping: stopping.signal })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const reader = (await handler(new Request(WATCH))).body!.getReader()
    await reader.read()
    const waiting = reader.read()
    await standstill()
    const timers = vi.getTimerCount()
    await reader.cancel()
    expect(await waiting).toMatchObject({ done: true })
    await standstill()
    // The one that remembers the changes for a minute has taken the place of the heartbeat.
    expect([timers, vi.getTimerCount()]).toEqual([1, 1])
    stopping.abort()
  })

  it('ends all watches at once when the server is about to stop', async () => {
    const stopping = new AbortController()
    const handler = createHiveHandler(newHive(), { stopping: stopping.signal })
    const reader = (await handler(new Request(WATCH))).body!.getReader()
    await reader.read()
    const read = reader.read()
    expect(await pending(read)).toBe(true)
    stopping.abort()
    expect(await soon(read, 'the end')).toMatchObject({ done: true })
    expect((await handler(new Request(WATCH))).status).toBe(503)
  })

  it('breaks off when the hive can no longer be watched, and says so to the server', async () => {
    const { hive, fail } = fakeHive()
    const errors: unknown[] = []
    const handler = createHiveHandler(hive, { onError: (error) => errors.push(error) })
    const reader = (await handler(new Request(WATCH))).body!.getReader()
    await reader.read()
    fail(new Error('no more'))
    expect(await rejection(reader.read())).toMatchObject({ message: 'no more' })
    expect(errors).toMatchObject([{ message: 'no more' }])
    expect((await handler(new Request(WATCH))).status).toBe(200)
    const old = createHiveHandler({ open: () => undefined } as unknown as LocalHive)
    expect((await old(new Request(WATCH))).status).toBe(501)
  })
})
