import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError, NotFoundError } from '../../src/errors.ts'
import { rejection } from '../support/streams.ts'
import { KIB, BYTES, OTHER_ETAG, client, withBody, answered } from '../support/faulty-client.ts'

describe('HttpHive checks the answers of a server: it', () => {
  const json = { alias: 'x', size: 1, etag: OTHER_ETAG, type: 'a/b', modified: '2026-01-01T00:00:00.000Z' }

  it('rejects an invalid alias', async () => {
    for (const alias of ['', '../x', '-/x', 'x'.repeat(1_024), '\ud800']) {
      const hive = answered(() => Response.json({ entries: [{ ...json, alias }] }))
      expect(await rejection(hive.list()), alias).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    }
  })

  it('keeps the alias that it patched, whatever the answer says', async () => {
    const { hive } = await client(() => Response.json({ ...json, alias: 'another' }), { method: 'PATCH' })
    const sink = hive.patchSink('x')
    await bytesSource(BYTES).stream().pipeTo(sink)
    expect((await sink.entry).alias).toBe('x')
  })

  it('uses the first time that it can parse, or none', async () => {
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

  it('does not wait forever for a removal, and says that the entry may be gone anyway', async () => {
    const { hive } = await client(() => new Promise(() => undefined), { method: 'DELETE', stallTimeoutMs: 100 })
    expect(await rejection(hive.remove('x'))).toMatchObject({ name: 'BackendError', outcome: 'unknown' })
  })

  it('rejects a list without an end', async () => {
    let count = 0
    const endless = answered(() => page([], `next ${++count}`))
    expect(await rejection(endless.list())).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    expect(count).toBe(1)
    // In UTF-16 order it would be the other way around.
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

  it('accepts only strings as error messages', async () => {
    const headers = { 'Content-Type': 'application/problem+json' }
    for (const said of [{ detail: { a: 1 } }, { detail: 5, title: ['x'] }, { title: {} }]) {
      const problem = JSON.stringify({ type: 'urn:combstream:error:TypeError', ...said })
      const error = await rejection(answered(() => new Response(problem, { status: 400, headers })).list())
      expect(error).toMatchObject({ name: 'TypeError', message: 'The request is malformed' })
    }
    // It cannot be converted to a primitive value: a template literal would throw.
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
      // Bypasses the host's Response, which may drop empty chunks.
      return Object.defineProperty(response, 'body', { value: body })
    })
    expect(await collect((await hive.open('x', { bufferSize: KIB })).stream())).toEqual(BYTES)
  })

  it('recognizes an error by its name, even if a minifier has renamed its class', async () => {
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
