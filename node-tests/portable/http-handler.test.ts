import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError, QuotaExceededError } from '../../src/errors.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, type HiveHandlerOptions, type Transfer } from '../../src/http.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { stopClock } from '../support/stop-clock.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const ORIGIN = 'http://hive.test'

function start(options: HiveHandlerOptions = {}) {
  const backend = memoryBackend()
  const hive = new LocalHive(new StreamStore(backend, { blockSize: 1_000, inMemoryThreshold: 4_000 }))
  const transfers: Transfer[] = []
  const errors: unknown[] = []
  const handler = createHiveHandler(hive, {
    onTransfer: (transfer) => transfers.push(transfer),
    onError: (error) => errors.push(error),
    ...options,
  })
  const send = (path: string, init?: RequestInit): Promise<Response> => handler(new Request(`${ORIGIN}/${path}`, init))
  const put = (path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
    send(path, { method: 'PUT', body, headers: { 'Content-Type': 'video/mp4', ...headers } })
  return { backend, hive, handler, send, put, transfers, errors }
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = (await response.json()) as Record<string, unknown>
  expect(problem['status']).toBe(response.status)
  return problem
}

const namesIn = async (hive: LocalHive): Promise<string[]> => (await hive.list()).entries.map(({ alias }) => alias)

describe('PUT', () => {
  it('creates with 201, updates with 204, and sends etag, time and location', async () => {
    const { put, hive } = start()
    const created = await put('a/b%20c', randomBytes(2_500))
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).toBe(`${ORIGIN}/a/b%20c`)
    const entry = await hive.stat('a/b c')
    expect(created.headers.get('etag')).toBe(entry.etag)
    expect(created.headers.get('hive-modified')).toBe(entry.modified.toISOString())
    expect(entry).toMatchObject({ size: 2_500, type: 'video/mp4' })

    const updated = await put('a/b%20c', randomBytes(10, 2))
    expect(updated.status).toBe(204)
    expect(updated.body ?? null).toBeNull()
    expect(updated.headers.get('etag')).not.toBe(entry.etag)
  })

  it('writes only a new entry: If-None-Match: *', async () => {
    const { put, hive } = start()
    expect((await put('x', 'a', { 'If-None-Match': '*' })).status).toBe(201)
    const response = await put('x', 'b', { 'If-None-Match': '*' })
    expect(response.status).toBe(412)
    const { etag } = await hive.stat('x')
    expect(await problemOf(response)).toMatchObject({
      type: 'urn:combstream:error:AlreadyExistsError',
      alias: 'x',
      actualEtag: etag,
    })
  })

  it('compares and swaps: If-Match', async () => {
    const { put, hive } = start()
    const none = await put('x', 'a', { 'If-Match': '"a"' })
    expect(none.status).toBe(412)
    expect(await problemOf(none)).toMatchObject({ type: 'urn:combstream:error:ConflictError', expectedEtag: '"a"' })
    expect((await put('x', 'a', { 'If-Match': '*' })).status).toBe(412)
    await put('x', 'a')
    const { etag } = await hive.stat('x')
    const response = await put('x', 'b', { 'If-Match': '"other"' })
    expect(response.headers.get('etag')).toBe(etag)
    expect(await problemOf(response)).toMatchObject({ expectedEtag: '"other"', actualEtag: etag })
    for (const condition of ['*', `"other", ${etag}`]) {
      expect((await put('x', 'a', { 'If-Match': condition })).status).toBe(204)
    }
  })

  it('honours the conditions that exclude a version', async () => {
    const { put, hive } = start()
    await put('x', 'a')
    const { etag } = await hive.stat('x')
    expect((await put('x', 'b', { 'If-None-Match': etag })).status).toBe(412)
    expect((await put('x', 'b', { 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' })).status).toBe(412)
    expect((await put('x', 'b', { 'If-None-Match': '"other"' })).status).toBe(204)
    expect((await put('x', 'c', { 'If-Unmodified-Since': 'Tue, 01 Jan 2999 00:00:00 GMT' })).status).toBe(204)
  })

  it('refuses part of an entry, a content coding, and an invalid media type', async () => {
    const { put, hive } = start()
    expect((await put('x', 'a', { 'Content-Range': 'bytes 0-0/10' })).status).toBe(400)
    const coded = await put('x', 'a', { 'Content-Encoding': 'gzip' })
    expect(coded.status).toBe(415)
    expect(coded.headers.get('accept-encoding')).toBe('identity')
    const typed = await put('x', 'a', { 'Content-Type': 'no type' })
    expect(typed.status).toBe(400)
    expect(await problemOf(typed)).toMatchObject({ type: 'urn:combstream:error:TypeError' })
    expect(await namesIn(hive)).toEqual([])
  })

  it('accepts an entry without a type and without bytes', async () => {
    const { send, hive } = start()
    expect((await send('x', { method: 'PUT' })).status).toBe(201)
    expect(await hive.stat('x')).toMatchObject({ size: 0, type: 'application/octet-stream' })
  })

  it('refuses more bytes than its limit', async () => {
    const { put, hive } = start({ limits: { uploadBytes: 1_000 } })
    expect((await put('x', randomBytes(1_000))).status).toBe(201)
    const response = await put('y', randomBytes(1_001))
    expect(response.status).toBe(413)
    expect(await problemOf(response)).toMatchObject({ type: 'urn:combstream:error:QuotaExceededError', limit: 1_000 })
    expect(await namesIn(hive)).toEqual(['x'])
  })
})

describe('a slow body', () => {
  const silenceMs = 1_000

  function startSlow(pull: (controller: ReadableStreamDefaultController<Uint8Array>) => unknown) {
    const started = start({ limits: { silenceMs } })
    const request = new Request(`${ORIGIN}/x`, { method: 'PUT' })
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          await pull(controller)
        },
      },
      { highWaterMark: 0 },
    )
    // The host's Request may read ahead, or not accept a stream.
    Object.defineProperty(request, 'body', { value: body })
    stopClock()
    return { ...started, answer: () => started.handler(request) }
  }

  it('may take any time while bytes keep arriving', async () => {
    let count = 0
    const { answer, hive } = startSlow((controller) => {
      vi.advanceTimersByTime(silenceMs - 1)
      if (count++ < 50) controller.enqueue(randomBytes(100))
      else controller.close()
    })
    expect((await answer()).status).toBe(201)
    expect((await hive.stat('x')).size).toBe(5_000)
  })

  for (const chunks of [0, 1, 5]) {
    it(`ends with 408 when it falls silent after ${chunks} chunks`, async () => {
      let count = 0
      const { answer, hive, errors, transfers } = startSlow((controller) => {
        if (count++ < chunks) return controller.enqueue(randomBytes(1_500))
        queueMicrotask(() => vi.advanceTimersByTime(silenceMs))
        return new Promise(() => undefined)
      })
      const response = await answer()
      expect(response.status).toBe(408)
      expect(await problemOf(response)).toMatchObject({ type: 'about:blank' })
      expect(await namesIn(hive)).toEqual([])
      expect(errors).toEqual([])
      expect(transfers).toMatchObject([{ status: 408, received: chunks * 1_500 }])
    })
  }

  it('does not time out if it is the hive that is slow', async () => {
    const { backend, answer, hive } = startSlow((controller) => {
      controller.enqueue(randomBytes(1_000))
      if (++count === 20) controller.close()
    })
    let count = 0
    const { put } = backend.blocks
    backend.blocks.put = (...args) => {
      vi.advanceTimersByTime(10 * silenceMs)
      return put(...args)
    }
    expect((await answer()).status).toBe(201)
    expect((await hive.stat('x')).size).toBe(20_000)
  })

  it('has no time limit if the options say so', async () => {
    let count = 0
    const { handler } = start({ limits: { silenceMs: Infinity } })
    stopClock()
    const request = new Request(`${ORIGIN}/x`, { method: 'PUT' })
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      vi.advanceTimersByTime(2 ** 31)
      if (count++ < 3) controller.enqueue(randomBytes(100))
      else controller.close()
    }
    Object.defineProperty(request, 'body', { value: new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }) })
    expect((await handler(request)).status).toBe(201)
  })
})

describe('an ambiguous request', () => {
  it('is refused: two Hosts with 400, an unknown coding with 501; neither is reported as a failure', async () => {
    const { handler, hive, errors } = start()
    for (const [fields, status] of [
      [{ host: 'a, b' }, 400],
      [{ 'transfer-encoding': 'gzip, chunked' }, 501],
      [{ 'transfer-encoding': 'identity' }, 501],
      [{ 'transfer-encoding': ' Chunked ' }, 201],
    ] as [Record<string, string>, number][]) {
      const request = new Request(`${ORIGIN}/x`, { method: 'PUT', body: 'abc' })
      // Pages and some hosts are not allowed to set these fields.
      const headers = { get: (name: string) => fields[name] ?? null, has: () => false }
      Object.defineProperty(request, 'headers', { value: headers })
      const response = await handler(request)
      expect(response.status).toBe(status)
      if (status !== 201) expect(await problemOf(response)).toMatchObject({ type: 'about:blank' })
      expect(await namesIn(hive)).toEqual(status === 201 ? ['x'] : [])
    }
    expect(errors).toEqual([])
  })
})

describe('PATCH', () => {
  async function withDelta() {
    const started = start()
    const old = randomBytes(20_000, 1)
    await started.put('x', old)
    const entry = await started.hive.open('x')
    const edited = new Uint8Array([...old.subarray(0, 5_000), 1, 2, 3, ...old.subarray(5_000)])
    const delta = await collect(
      bytesSource(edited)
        .stream()
        .pipeThrough(new DeltaStream(await loadSignature(entry.signature()))),
    )
    const patch = (body: BodyInit, headers: Record<string, string>): Promise<Response> =>
      started.send('x', {
        method: 'PATCH',
        body,
        headers: { 'Content-Type': 'application/vnd.rdiff-delta', ...headers },
      })
    return { ...started, entry, edited, delta, patch }
  }

  it('stores the new version, and answers with its description', async () => {
    const { patch, delta, edited, entry, hive, transfers } = await withDelta()
    const response = await patch(delta, { 'If-Match': entry.etag })
    expect(response.status).toBe(200)
    const { etag, modified } = await hive.stat('x')
    expect(response.headers.get('etag')).toBe(etag)
    expect(await response.json()).toEqual({
      alias: 'x',
      size: edited.byteLength,
      etag,
      type: 'video/mp4',
      modified: modified.toISOString(),
    })
    expect(await collect((await hive.open('x')).stream())).toEqual(edited)
    expect(transfers.at(-1)).toMatchObject({ operation: 'patch', alias: 'x', received: delta.byteLength })
  })

  it('needs the etag of the version: 428', async () => {
    const { patch, delta } = await withDelta()
    expect((await patch(delta, {})).status).toBe(428)
  })

  it('refuses another version, another type, a missing entry and a bad delta; nothing changes', async () => {
    const { patch, send, delta, entry, hive } = await withDelta()
    expect((await patch(delta, { 'If-Match': '"other"' })).status).toBe(412)
    const typed = await patch(delta, { 'If-Match': entry.etag, 'Content-Type': 'text/plain' })
    expect(typed.status).toBe(415)
    expect(typed.headers.get('accept-patch')).toBe('application/vnd.rdiff-delta')
    const headers = { 'Content-Type': 'application/vnd.rdiff-delta', 'If-Match': '*' }
    expect((await send('y', { method: 'PATCH', body: delta, headers })).status).toBe(404)
    const response = await patch(delta.slice(0, -1), { 'If-Match': entry.etag })
    expect(response.status).toBe(422)
    expect(await problemOf(response)).toMatchObject({ type: 'urn:combstream:error:FormatError', reason: 'truncated' })
    expect((await hive.stat('x')).etag).toBe(entry.etag)
    expect(await namesIn(hive)).toEqual(['x'])
  })
})

describe('DELETE', () => {
  it('removes with 204, and then answers 404', async () => {
    const { send, put, hive } = start()
    await put('x', 'a')
    expect((await send('x', { method: 'DELETE', headers: { 'If-Match': '"other"' } })).status).toBe(412)
    expect((await send('x', { method: 'DELETE' })).status).toBe(204)
    const response = await send('x', { method: 'DELETE' })
    expect(response.status).toBe(404)
    expect(await problemOf(response)).toMatchObject({ type: 'urn:combstream:error:NotFoundError', alias: 'x' })
    expect(await namesIn(hive)).toEqual([])
  })
})

describe('MOVE', () => {
  it('renames with 201, or with 204 where an entry is replaced', async () => {
    const { send, put, hive } = start()
    const move = (headers: Record<string, string>): Promise<Response> => send('x', { method: 'MOVE', headers })
    await put('x', 'a')
    await put('y', 'b')
    for (const [headers, status] of [
      [{}, 400],
      [{ Destination: '/z', Overwrite: 'f' }, 400],
      [{ Destination: '/z?v=%22a%22' }, 400],
      [{ Destination: '/%ff' }, 400],
      [{ Destination: '/' }, 400],
      [{ Destination: '/x' }, 403],
      [{ Destination: 'http://other.test/z' }, 502],
      [{ Destination: '/z', 'If-Match': '"other"' }, 412],
      [{ Destination: '/z', 'If-None-Match': '*' }, 412],
      [{ Destination: '/hive/z', 'Hive-New-Alias': 'z' }, 422],
      [{ Destination: '/y', Overwrite: 'F' }, 412],
    ] as [Record<string, string>, number][]) {
      expect((await move(headers)).status, JSON.stringify(headers)).toBe(status)
    }
    expect(await namesIn(hive)).toEqual(['x', 'y'])
    const moved = await move({ Destination: `${ORIGIN.replace('http:', 'https:')}/z`, Overwrite: 'F' })
    expect(moved.status).toBe(201)
    expect(new URL(moved.headers.get('location')!).pathname).toBe('/z')
    await put('x', 'c')
    expect((await move({ Destination: '/y' })).status).toBe(204)
    expect(await namesIn(hive)).toEqual(['y', 'z'])
    expect((await move({ Destination: '/y' })).status).toBe(404)
  })
})

describe('GET', () => {
  it('keeps entries from running in the origin of the hive, and from being transformed', async () => {
    const { send, put } = start()
    await put('page.html', '<script>alert(1)</script>', { 'Content-Type': 'text/html' })
    const { headers } = await send('page.html')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe('sandbox')
    expect(headers.get('cache-control')).toBe('no-cache, no-transform')
    expect((await send('page.html', { headers: { 'Service-Worker': 'script' } })).status).toBe(403)
  })

  const PLAYED = "sandbox allow-same-origin; script-src 'none'"
  for (const [type, policy] of [
    ['video/mp4', PLAYED],
    ['VIDEO/MP4', PLAYED],
    ['audio/mpeg', PLAYED],
    ['video/mp4; codecs="avc1.42E01E, mp4a.40.2"', PLAYED],
    ['audio/ogg;codecs=opus', PLAYED],
    ['video/vnd.apple.mpegurl ; a=b ; c="d e"', PLAYED],
    ['text/html', 'sandbox'],
    ['image/svg+xml', 'sandbox'],
    ['image/png', 'sandbox'],
    ['application/pdf', 'sandbox'],
    ['application/mp4', 'sandbox'],
    ['application/octet-stream', 'sandbox'],
    ['video/mp4, text/html', 'sandbox'],
    ['video/mp4,', 'sandbox'],
    ['video/mp4, video/webm', 'sandbox'],
    ['text/html, video/mp4', 'sandbox'],
    ['video/mp4; a=b, text/html', 'sandbox'],
    ["video/mp4; a=', text/html", 'sandbox'],
    ['video/mp4; a=", text/html', 'sandbox'],
    ['video/mp4; a="\\", text/html"', 'sandbox'],
    ['video/mp4;text/html', 'sandbox'],
    ['video/mp4 text/html', 'sandbox'],
    ['video/x+xml', 'sandbox'],
    ['audio/svg+XML; a=b', 'sandbox'],
  ] as const) {
    it(`lets a browser only show ${type}: ${policy}`, async () => {
      const { send, put } = start()
      expect((await put('x', 'bytes', { 'Content-Type': type })).status).toBe(201)
      for (const [method, fields] of [
        ['GET', {}],
        ['HEAD', {}],
        ['GET', { Range: 'bytes=0-1' }],
        ['GET', { 'If-None-Match': '*' }],
      ] as [string, Record<string, string>][]) {
        const { headers } = await send('x', { method, headers: fields })
        expect(headers.get('content-security-policy')).toBe(policy)
        expect(headers.get('x-content-type-options')).toBe('nosniff')
      }
      expect((await send('x?signature')).headers.get('content-security-policy')).toBe('sandbox')
    })
  }

  for (const [cors, policy] of [
    [undefined, 'same-origin'],
    [['https://page.example'], 'same-origin'],
    [() => true, 'same-origin'],
    ['*', 'cross-origin'],
  ] as const) {
    it(`lets pages of other origins embed an entry only if every page may use the hive: ${policy} for ${String(cors)}`, async () => {
      const { send, put } = start({ cors })
      await put('x', 'bytes')
      for (const path of ['x', 'y', '', 'x?signature']) {
        const { headers } = await send(path, { headers: { Origin: 'https://page.example' } })
        expect(headers.get('cross-origin-resource-policy')).toBe(policy)
      }
    })
  }

  it('does not change the policy of an answer from `authorize`', async () => {
    const refusal = new Response(null, { status: 401, headers: { 'Cross-Origin-Resource-Policy': 'same-site' } })
    const { send } = start({ authorize: () => refusal })
    expect((await send('x')).headers.get('cross-origin-resource-policy')).toBe('same-site')
  })

  it('serves the version that it started with, even if the entry is updated in the meantime', async () => {
    const { send, put, hive } = start()
    const bytes = randomBytes(50_000, 1)
    await put('x', bytes)
    const response = await send('x')
    const body = await startReading(response)
    await put('x', randomBytes(50_000, 2))
    await hive.remove('x')
    expect(await body()).toEqual(bytes)
  })

  it('answers for the version that ?v= names: 412 if the entry has another one, 410 if it is gone', async () => {
    const { send, put, hive } = start()
    await put('x', randomBytes(3_000, 1))
    const { etag } = await hive.stat('x')
    const path = `x?v=${encodeURIComponent(etag)}`
    expect((await send(path, { headers: { Range: 'bytes=1000-' } })).status).toBe(206)
    expect((await send(path, { method: 'PUT', body: 'a' })).status).toBe(405)
    await put('x', randomBytes(3_000, 2))
    const updated = await send(path, { headers: { Range: 'bytes=1000-' } })
    expect(updated.status).toBe(412)
    expect(await problemOf(updated)).toMatchObject({
      type: 'urn:combstream:error:ConflictError',
      expectedEtag: etag,
      actualEtag: (await hive.stat('x')).etag,
    })
    await hive.remove('x')
    const removed = await send(path)
    expect(removed.status).toBe(410)
    expect(await problemOf(removed)).toMatchObject({ type: 'urn:combstream:error:NotFoundError', alias: 'x' })
  })

  it('breaks off the body when a block is gone, and never ends it early', async () => {
    const { send, put, backend, errors } = start()
    await put('x', randomBytes(50_000))
    const response = await send('x')
    const body = await startReading(response)
    for (const { name } of await backend.blocks.list({ prefix: '', limit: 1_000 })) await backend.blocks.delete(name)
    expect(await rejection(body())).toBeInstanceOf(Error)
    expect(errors).toHaveLength(1)
  })

  it('serves the signature, with the version that it belongs to', async () => {
    const { send, put, hive } = start()
    await put('x', randomBytes(30_000))
    const entry = await hive.open('x')
    const response = await send('x?signature')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/vnd.rdiff-signature')
    expect(response.headers.get('hive-version')).toBe(entry.etag)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(await collect(entry.signature()))

    const etag = response.headers.get('etag')!
    expect(etag).not.toBe(entry.etag)
    expect((await send('x?signature', { headers: { 'If-None-Match': etag } })).status).toBe(304)
    expect((await send('x?signature&v="other"')).status).toBe(412)
    expect((await send('y?signature')).status).toBe(404)
    expect((await send('x?signature', { method: 'PUT', body: 'a' })).status).toBe(405)
    const head = await send('x?signature', { method: 'HEAD' })
    expect(head.headers.get('hive-version')).toBe(entry.etag)
  })

  it('answers 404 for reserved paths, and 400 for invalid aliases', async () => {
    const { send } = start({ limits: { aliasBytes: 100 } })
    expect((await send('-/x')).status).toBe(404)
    for (const path of ['%ff', 'x'.repeat(101), '%ed%a0%80', '%zz']) {
      const response = await send(path)
      expect(response.status, path).toBe(400)
      expect(await problemOf(response)).toMatchObject({ type: 'urn:combstream:error:TypeError' })
    }
  })

  it('serves only what is below its base', async () => {
    const { send, put, hive } = start({ base: '/hive/' })
    expect((await put('hive/x', 'a')).status).toBe(201)
    expect(await namesIn(hive)).toEqual(['x'])
    expect((await send('x')).status).toBe(404)
    expect((await send('hive')).status).toBe(404)
  })
})

describe('the list', () => {
  it('comes in pages', async () => {
    const { send, put } = start({ limits: { listEntries: 2 } })
    for (const alias of ['a', 'b', 'c', 'b/1', 'b/2']) await put(alias, alias)
    const list = async (query: string): Promise<{ names: string[]; next: string | undefined }> => {
      const response = await send(`?${query}`)
      expect(response.status).toBe(200)
      const { entries, next } = (await response.json()) as { entries: { alias: string }[]; next?: string }
      return { names: entries.map(({ alias }) => alias), next }
    }
    expect(await list('')).toEqual({ names: ['a', 'b'], next: 'b' })
    expect(await list('after=b')).toEqual({ names: ['b/1', 'b/2'], next: 'b/2' })
    expect(await list('after=b/2')).toEqual({ names: ['c'], next: undefined })
    expect(await list('prefix=b/&limit=1')).toEqual({ names: ['b/1'], next: 'b/1' })
    expect(await list('limit=1000&prefix=nothing')).toEqual({ names: [], next: undefined })
  })

  it('refuses an invalid limit', async () => {
    const { send } = start()
    for (const limit of ['0', '1001', '-1', 'x', '']) {
      const response = await send(`?limit=${limit}`)
      expect(response.status, limit).toBe(400)
      expect(await problemOf(response)).toMatchObject({ type: 'urn:combstream:error:RangeError' })
    }
  })

  it('can only be read: 405', async () => {
    const { send } = start()
    const response = await send('', { method: 'PUT', body: 'a' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })
})

describe('a failure of the engine', () => {
  it("is reported to the client without the engine's message, and to the operator with it", async () => {
    const words = "cannot store object o.00: ENOSPC: no space left on device, open '/srv/hive/blocks/o/00/o.00~'"
    for (const failure of [
      new QuotaExceededError(words),
      new BackendError(words, { retryable: false }),
      new BackendError(words, { retryable: true }),
    ]) {
      const { backend, put, send, errors } = start()
      const refuse = (): Promise<never> => Promise.reject(failure)
      Object.assign(backend.metadata, { get: refuse, list: refuse })
      for (const response of [await put('x', 'a'), await send('x'), await send('')]) {
        expect(response.status).toBeGreaterThanOrEqual(500)
        expect((await problemOf(response))['detail']).toMatch(/^the storage of the hive (is full|failed)$/)
      }
      expect(errors).toEqual([failure, failure, failure])
    }
  })

  it('tells the client which limit of the hive was exceeded', async () => {
    const hive = new LocalHive(new StreamStore(memoryBackend()), { maxEntrySize: 3 })
    const response = await createHiveHandler(hive)(new Request(`${ORIGIN}/x`, { method: 'PUT', body: 'long' }))
    expect(await problemOf(response)).toMatchObject({
      status: 507,
      detail: 'the entry is larger than 3 bytes',
      limit: 3,
    })
  })
})

describe('methods', () => {
  it('are listed by OPTIONS and 405', async () => {
    const { send } = start()
    const allow = 'GET, HEAD, PUT, PATCH, DELETE, MOVE, OPTIONS'
    const options = await send('x', { method: 'OPTIONS' })
    expect(options.status).toBe(204)
    expect(options.headers.get('allow')).toBe(allow)
    const post = await send('x', { method: 'POST', body: 'a' })
    expect(post.status).toBe(405)
    expect(post.headers.get('allow')).toBe(allow)
    expect(await problemOf(post)).toMatchObject({ type: 'about:blank', title: 'Method Not Allowed' })
  })
})

describe('authorize', () => {
  it('is called with the operation, and decides', async () => {
    const asked: unknown[] = []
    const { send, put, hive, transfers } = start({
      authorize(_request, access) {
        asked.push(access)
        if (access.operation === 'put') return Promise.resolve(false)
        return (
          access.operation === 'list' ||
          new Response('who?', { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } })
        )
      },
    })
    expect((await put('x', 'a')).status).toBe(403)
    expect((await send('')).status).toBe(200)
    const challenged = await send('x')
    expect(challenged.status).toBe(401)
    expect(challenged.headers.get('www-authenticate')).toBe('Bearer')
    expect((await send('x', { method: 'OPTIONS' })).status).toBe(204)
    expect(asked).toEqual([
      { operation: 'put', action: 'write', alias: 'x' },
      { operation: 'list', action: 'read', prefix: '' },
      { operation: 'read', action: 'read', alias: 'x' },
    ])
    expect(transfers.map(({ status }) => status)).toEqual([403, 200, 401, 204])
    expect(await namesIn(hive)).toEqual([])
  })

  it('allows a request only by returning true', async () => {
    const answers = [undefined, null, 0, 'yes', 1, {}, { status: 200 }, [], Response.error()]
    for (const answer of answers) {
      const { put, send, hive } = start({ authorize: (() => answer) as unknown as () => boolean })
      expect((await put('x', 'a')).status, String(answer)).toBe(403)
      expect((await send('x')).status, String(answer)).toBe(403)
      expect(await namesIn(hive)).toEqual([])
    }
  })
})

describe('onTransfer', () => {
  it('is called with the bytes received and sent, once for each request', async () => {
    const { send, put, transfers } = start()
    await put('x', randomBytes(5_000))
    await (await send('x')).arrayBuffer()
    await (await send('x', { headers: { Range: 'bytes=0-99' } })).arrayBuffer()
    await send('x', { method: 'HEAD' })
    await (await send('x?signature')).arrayBuffer()
    const missing = await (await send('y')).text()
    await send('x', { method: 'DELETE' })
    expect(transfers).toMatchObject([
      { operation: 'put', alias: 'x', status: 201, received: 5_000, sent: 0 },
      { operation: 'read', alias: 'x', status: 200, received: 0, sent: 5_000 },
      { operation: 'read', alias: 'x', status: 206, received: 0, sent: 100 },
      { operation: 'head', alias: 'x', status: 200, received: 0, sent: 0 },
      { operation: 'signature', alias: 'x', status: 200, received: 0 },
      { operation: 'read', alias: 'y', status: 404, received: 0, sent: missing.length },
      { operation: 'remove', alias: 'x', status: 204, received: 0, sent: 0 },
    ])
  })

  it('counts the bytes that a cancelled read had sent', async () => {
    const { send, put, transfers } = start()
    await put('x', randomBytes(50_000))
    const response = await send('x')
    const reader = response.body!.getReader()
    await reader.read()
    expect(transfers).toHaveLength(1)
    await reader.cancel('seek')
    expect(transfers).toHaveLength(2)
    expect(transfers[1]).toMatchObject({ operation: 'read', status: 200 })
    expect(transfers[1]!.sent).toBeGreaterThan(0)
    expect(transfers[1]!.sent).toBeLessThan(50_000)
  })
})

describe('a programming error', () => {
  it('ends the request too, once, with 500', async () => {
    const fault = new TypeError('undefined is not a function')
    const { send, transfers } = start({
      authorize: () => {
        throw fault
      },
    })
    expect(await rejection(send('x'))).toBe(fault)
    expect(transfers).toEqual([{ operation: 'read', alias: 'x', status: 500, received: 0, sent: 0 }])
  })

  it('in cors does not leave an entry open', async () => {
    const fault = new TypeError('undefined is not a function')
    const { hive } = start()
    await bytesSource(randomBytes(10)).stream().pipeTo(hive.sink('x'))
    let opened = 0
    const counting = Object.assign(Object.create(hive) as LocalHive, {
      open: (alias: string) => {
        opened++
        return hive.open(alias)
      },
    })
    const transfers: Transfer[] = []
    const handler = createHiveHandler(counting, {
      cors: () => {
        throw fault
      },
      onTransfer: (transfer) => transfers.push(transfer),
    })
    const { headers } = new Request(ORIGIN)
    const request = Object.defineProperty(new Request(`${ORIGIN}/x`), 'headers', { value: headers })
    // Browsers do not allow a page to set it.
    Object.defineProperty(headers, 'get', { value: (name: string) => (name === 'origin' ? 'https://page.test' : null) })
    expect(await rejection(handler(request))).toBe(fault)
    expect(opened).toBe(0)
    expect(transfers).toMatchObject([{ status: 500 }])
  })
})

describe('createHiveHandler', () => {
  it('refuses invalid options', () => {
    const { hive } = start()
    expect(() => createHiveHandler(undefined as unknown as LocalHive)).toThrow(TypeError)
    expect(() => createHiveHandler(hive, { base: 'hive' })).toThrow(TypeError)
    expect(() => createHiveHandler(hive, { limits: { uploadBytes: -1 } })).toThrow(RangeError)
    expect(() => createHiveHandler(hive, { limits: { uploadBytes: 0.5 } })).toThrow(TypeError)
    expect(() => createHiveHandler(hive, { limits: { aliasBytes: 1_024 } })).toThrow(RangeError)
    expect(() => createHiveHandler(hive, { limits: { listEntries: 0 } })).toThrow(RangeError)
    const wrong = [
      ...[
        'https://page.test',
        5,
        {},
        null,
        [5],
        ['*'],
        ['page.test'],
        ['https://page.test/'],
        ['HTTPS://PAGE.TEST'],
      ].map((cors) => ({ cors })),
      ...['hive.test', 5, {}, null, [5]].map((hosts) => ({ hosts })),
      ...[true, 'yes', {}, null].flatMap((value) => [{ authorize: value }, { onTransfer: value }, { onError: value }]),
    ]
    for (const options of wrong) {
      const create = (): unknown => createHiveHandler(hive, options as unknown as HiveHandlerOptions)
      expect(create, JSON.stringify(options)).toThrow(TypeError)
    }
    expect(createHiveHandler(hive, { cors: ['https://page.test:8443', 'null'], hosts: [] })).toBeTypeOf('function')
  })

  it('rejects for a programming error, which is not meant for clients', async () => {
    const { hive } = start()
    const fault = new TypeError('undefined is not a function')
    const broken = Object.assign(Object.create(hive) as LocalHive, { open: () => Promise.reject(fault) })
    const handler = createHiveHandler(broken)
    expect(await rejection(handler(new Request(`${ORIGIN}/x`)))).toBe(fault)
  })

  it('rejects for an error whose name is a property of every object', async () => {
    const { hive } = start()
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      const fault = Object.defineProperty(new Error('of another library'), 'name', { value: name })
      const broken = Object.assign(Object.create(hive) as LocalHive, { open: () => Promise.reject(fault) })
      expect(await rejection(createHiveHandler(broken)(new Request(`${ORIGIN}/x`)))).toBe(fault)
    }
  })
})

/** Starts to read a body. The returned function reads the rest. */
async function startReading(response: Response): Promise<() => Promise<Uint8Array>> {
  const reader = response.body!.getReader()
  const chunks: Uint8Array<ArrayBuffer>[] = [(await reader.read()).value!]
  return async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
    return new Uint8Array(await new Blob(chunks).arrayBuffer())
  }
}
