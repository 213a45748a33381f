import { describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { HttpHive, type HttpHiveOptions } from '../../src/http/client/http-hive.ts'
import { rejection, soon } from '../support/streams.ts'
import { BYTES, client, type Fault, KIB, rangeOf, withBody } from '../support/faulty-client.ts'

const LAST = BYTES.byteLength - 1

/** Flips a bit of the byte at this offset of the entry, in every answer that has it. */
function flip(offset: number, headers: Record<string, string | undefined> = {}): Fault {
  return async (request, passOn) => {
    const answer = await passOn()
    if (request.method === 'HEAD') return withBody(answer, null, headers)
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const start = request.headers.has('range') ? rangeOf(request)[0] : 0
    if (offset >= start && offset < start + bytes.byteLength) bytes[offset - start]! ^= 1
    return withBody(answer, bytes, headers)
  }
}

const expected = { name: 'IntegrityError', alias: 'x', expected: expect.any(String), actual: expect.any(String) }

async function readAll(entry: Entry): Promise<void> {
  const reader = entry.reader({ bufferSize: 3 * KIB })
  while (reader.offset < reader.size) await reader.read()
}

describe('HttpHive checks a whole read against the etag: it', () => {
  const reads: Record<string, (entry: Entry) => Promise<unknown>> = {
    'a stream': (entry) => collect(entry.stream()),
    'a stream with both ends given': (entry) => collect(entry.stream({ start: 0, end: entry.size })),
    'a slice': (entry) => collect(entry.slice(0).stream()),
    'a reader': readAll,
  }
  for (const [title, read] of Object.entries(reads)) {
    for (const consistency of ['conflict', 'snapshot'] as const) {
      it(`fails ${title} with consistency ${consistency} if any byte has changed on the way`, async () => {
        for (const offset of [0, 5_000, LAST]) {
          const { hive } = await client(flip(offset))
          const entry = await hive.open('x', { bufferSize: 4 * KIB, consistency })
          const error = await soon(rejection(read(entry)), 'the error')
          expect(error).toMatchObject({ ...expected, expected: entry.etag.slice(1, -1) })
          expect((error as { actual?: string }).actual).not.toBe(entry.etag.slice(1, -1))
        }
        const { hive } = await client((_request, passOn) => passOn())
        await read(await hive.open('x', { bufferSize: 4 * KIB, consistency }))
      })
    }
  }

  it('does not deliver the last bytes of a changed entry', async () => {
    const { hive } = await client(flip(0))
    const reader = (await hive.open('x', { bufferSize: KIB })).stream().getReader()
    let received = 0
    const error = await rejection(
      (async () => {
        for (let read = await reader.read(); !read.done; read = await reader.read()) received += read.value.byteLength
      })(),
    )
    expect(error).toMatchObject(expected)
    expect(received).toBeGreaterThan(0)
    expect(received).toBeLessThan(BYTES.byteLength)
  })

  it('checks an empty entry, and one that a sink has just stored', async () => {
    const { hive } = await client((_request, passOn) => passOn())
    const sink = hive.sink('empty')
    await sink.getWriter().close()
    expect(await collect((await sink.entry).stream())).toEqual(new Uint8Array())
  })

  it('does not check a part, since nothing says what it must be', async () => {
    const { hive } = await client(flip(LAST))
    const entry = await hive.open('x')
    expect(await collect(entry.stream({ start: 1 }))).not.toEqual(BYTES.slice(1))
    expect(await collect(entry.stream({ end: LAST }))).toEqual(BYTES.slice(0, LAST))
  })

  it('does not check a reader that seeks, but does from the start', async () => {
    const { hive } = await client(flip(LAST))
    const reader = (await hive.open('x', { bufferSize: 10 * KIB })).reader()
    await reader.read()
    reader.seek(5)
    await reader.read()
    expect(await reader.read()).toHaveLength(BYTES.byteLength - 10 * KIB - 5)
    reader.seek(0)
    await reader.read()
    expect(await rejection(reader.read())).toMatchObject(expected)
    expect(reader.offset).toBe(10 * KIB)
  })

  it('reads nothing ahead, and is cancelled at once', async () => {
    const { hive, reads: requests } = await client((_request, passOn) => passOn())
    const entry = await hive.open('x', { bufferSize: KIB })
    const controller = new AbortController()
    const stream = entry.stream({ signal: controller.signal })
    await Promise.resolve()
    expect(requests()).toHaveLength(0)
    const reader = stream.getReader()
    await reader.read()
    const before = requests().length
    controller.abort(new Error('enough'))
    expect(await rejection(reader.read())).toMatchObject({ message: 'enough' })
    expect(requests()).toHaveLength(before)
  })
})

describe('HttpHive with a server whose etags are not digests', () => {
  /** Opens an entry of a server that answers the HEAD with these fields, and sends these bytes. */
  function open(bytes: Uint8Array, headers: Record<string, string>, options: HttpHiveOptions = {}): Promise<Entry> {
    const hive = new HttpHive('http://files.test/', {
      ...options,
      fetch(url, init) {
        const request = new Request(url, init)
        const [start, end] = rangeOf(request)
        const fields = { ETag: '"v1"', 'Content-Length': String(BYTES.byteLength) }
        if (request.method === 'HEAD')
          return Promise.resolve(new Response(null, { headers: { ...fields, ...headers } }))
        const place = `bytes ${start}-${end - 1}/${bytes.byteLength}`
        const body = bytes.slice(start, end)
        return Promise.resolve(
          new Response(body, {
            status: 206,
            headers: { ...fields, 'Content-Length': String(end - start), 'Content-Range': place },
          }),
        )
      },
    })
    return hive.open('x')
  }
  const wrong = BYTES.slice().fill(1, LAST)
  const read = async (...from: Parameters<typeof open>): Promise<unknown> => collect((await open(...from)).stream())

  it('checks a whole read against the Repr-Digest that came when the entry was opened', async () => {
    const value = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', BYTES))))
    const none = btoa(String.fromCharCode(...new Uint8Array(32)))
    const fields = [
      `sha-256=:${value}:`,
      `sha-512=:AAAA:, sha-256=:${value}:`,
      ` sha-256=:${value}:;q=1 ,\tmd5=:AAAA:`,
      `sha-256=:${none}:, sha-256=:${value}:`,
    ]
    for (const field of fields) {
      expect(await read(BYTES, { 'Repr-Digest': field }), field).toEqual(BYTES)
      expect(await rejection(read(wrong, { 'Repr-Digest': field })), field).toMatchObject(expected)
    }
    expect(await rejection(read(BYTES, { 'Repr-Digest': `sha-256=:${none}:` }))).toMatchObject(expected)
  })

  it('does not check without one that it can use', async () => {
    const none = btoa(String.fromCharCode(...new Uint8Array(32)))
    const useless: Record<string, string>[] = [
      {},
      { 'Repr-Digest': 'sha-512=:AAAA:' },
      { 'Repr-Digest': 'sha-256=:AAAA:' },
      { 'Repr-Digest': `x-sha-256=:${none}:` },
      { 'Repr-Digest': `sha-256="${none}"` },
      // That of the compressed bytes.
      { 'Repr-Digest': `sha-256=:${none}:`, 'Content-Encoding': 'gzip' },
    ]
    for (const headers of useless) expect(await read(wrong, headers), JSON.stringify(headers)).toEqual(wrong)
  })

  it('does not check at all with verify: false', async () => {
    const none = btoa(String.fromCharCode(...new Uint8Array(32)))
    expect(await read(wrong, { 'Repr-Digest': `sha-256=:${none}:` }, { verify: false })).toEqual(wrong)
    const { hive } = await client(flip(LAST), { verify: false })
    expect(await collect((await hive.open('x')).stream())).not.toEqual(BYTES)
    expect(() => new HttpHive('http://files.test/', { verify: 'yes' as unknown as boolean })).toThrow(TypeError)
  })
})
