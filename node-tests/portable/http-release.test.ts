import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { HttpHive } from '../../src/http.ts'
import { rejection, soon, standstill } from '../support/streams.ts'
import { BYTES, OTHER_ETAG, type Fault, client, withBody, answered } from '../support/faulty-client.ts'

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

  /** Requests, with the status and type of an answer whose body falls silent. */
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
            // A source that does not react must not block the caller.
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
