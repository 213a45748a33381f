import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { collect } from '../../src/bytes/collect.ts'
import { soon } from '../support/streams.ts'
import { KIB, BYTES, type Fault, client, withBody, cut, rangeOf, wholeOf } from '../support/faulty-client.ts'

describe('HttpHive continues to read when', () => {
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
    'the server sends less than was requested': async (request, passOn) => {
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
    it(`${title}, and receives every byte`, async () => {
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

  it('an answer with the whole entry carries it past the range requested ahead, which it cancels', async () => {
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

  it('an answer with the whole entry breaks off, whereupon ranges have their usual size again', async () => {
    for (const brokenAt of [500, 1_500]) {
      const { hive, reads } = await client(async (_request, passOn, count) =>
        count === 1 ? cut(wholeOf(await passOn()), brokenAt, 'error') : passOn(),
      )
      const entry = await hive.open('x', { bufferSize: KIB })
      expect(await soon(collect(entry.stream()), 'the bytes')).toEqual(BYTES)
      const [, second] = reads().map(rangeOf)
      expect(second![0]).toBe(brokenAt)
      for (const [start, end] of reads().map(rangeOf)) expect(end - start).toBeLessThanOrEqual(KIB)
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

  it('a busy server says when to retry, and does not retry earlier', async () => {
    const { hive } = await client((_request, passOn, count) =>
      count === 1 ? new Response(null, { status: 429, headers: { 'Retry-After': '1' } }) : passOn(),
    )
    const entry = await hive.open('x')
    const before = performance.now()
    expect(await collect(entry.stream())).toEqual(BYTES)
    expect(performance.now() - before).toBeGreaterThan(900)
  })
})
