import { describe, expect, it } from 'vitest'
import { canMakeByteStreams } from '../../src/bytes/byte-stream.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { parseMultipart } from '../support/multipart.ts'
import { ENTRY_KINDS } from '../support/entry-kinds.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const SIZE = 5_000
const BYTES = randomBytes(SIZE)
const OTHER = randomBytes(SIZE, 2)

const asked = (headers: Record<string, string> = {}, method = 'GET'): Request =>
  new Request('https://example.com/any/path', { method, headers })

const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer())

for (const [kind, newEntry] of Object.entries(ENTRY_KINDS)) {
  const opened = async (bytes: Uint8Array, type?: string): Promise<Entry> => {
    const entry = newEntry()
    await entry.put(bytes, type)
    return entry.open({ bufferSize: 1_024 })
  }

  describe(`${kind}: an entry`, () => {
    it('is read as a whole: bytes, blob and text', async () => {
      const entry = await opened(BYTES, 'video/mp4')
      expect(await entry.bytes()).toEqual(BYTES)
      const blob = await entry.blob()
      expect([blob.type, blob.size]).toEqual(['video/mp4', SIZE])
      expect(new Uint8Array(await blob.arrayBuffer())).toEqual(BYTES)

      // Characters that end in another chunk than they begin; a byte order mark; a byte that is not UTF-8.
      const text = '🐝'.repeat(1_000)
      const encoded = new TextEncoder().encode(`\u{feff}ab${text}`)
      const spoilt = new Uint8Array([...encoded, 0xff])
      expect(await (await opened(spoilt)).text()).toBe(`ab${text}\u{fffd}`)

      const empty = await opened(new Uint8Array(0))
      expect([await empty.bytes(), (await empty.blob()).size, await empty.text()]).toEqual([new Uint8Array(0), 0, ''])
    })

    it('is not read into memory if it is larger than the limit', async () => {
      const entry = await opened(BYTES)
      for (const read of ['bytes', 'blob', 'text'] as const) {
        expect(await rejection(entry[read]({ limit: SIZE - 1 }))).toMatchObject({
          name: 'QuotaExceededError',
          limit: SIZE - 1,
        })
        await entry[read]({ limit: SIZE })
        await entry[read]({ limit: Infinity })
        expect(await rejection(entry[read]({ limit: 0.5 }))).toBeInstanceOf(TypeError)
        expect(await rejection(entry[read]({ limit: -1 }))).toBeInstanceOf(RangeError)
        expect(await rejection(entry[read]({ signal: AbortSignal.abort('stop') }))).toBe('stop')
      }
      await entry.close()
      for (const read of ['bytes', 'blob', 'text'] as const) {
        expect(await rejection(entry[read]())).toBeInstanceOf(TypeError)
      }
      for (const method of ['GET', 'HEAD']) {
        expect(await rejection(entry.response(asked({}, method)))).toBeInstanceOf(TypeError)
      }
    })

    it('answers a request for itself, with conditions and ranges', async () => {
      const entry = await opened(BYTES, 'video/mp4')
      const whole = await entry.response(asked())
      expect(whole.status).toBe(200)
      expect(Object.fromEntries(whole.headers)).toMatchObject({
        'accept-ranges': 'bytes',
        'content-length': String(SIZE),
        'content-type': 'video/mp4',
        etag: entry.etag,
        'x-content-type-options': 'nosniff',
      })
      expect(await bytesOf(whole)).toEqual(BYTES)

      const part = await entry.response(asked({ Range: 'bytes=1000-2999', 'If-Match': entry.etag }))
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-2999/${SIZE}`])
      expect(await bytesOf(part)).toEqual(BYTES.slice(1_000, 3_000))

      const several = await entry.response(asked({ Range: 'bytes=0-9,3000-3009' }))
      const parts = parseMultipart(several.headers.get('content-type'), await bytesOf(several))
      expect(parts.map(({ bytes }) => bytes)).toEqual([BYTES.slice(0, 10), BYTES.slice(3_000, 3_010)])

      const head = await entry.response(asked({ Range: 'bytes=0-0' }, 'HEAD'))
      expect([head.status, head.headers.get('content-length'), head.body ?? null]).toEqual([200, String(SIZE), null])

      const unchanged = await entry.response(asked({ 'If-None-Match': entry.etag }))
      expect([unchanged.status, unchanged.body ?? null]).toEqual([304, null])
    })

    it('answers a request that it cannot meet with the status that says so', async () => {
      const entry = await opened(BYTES)
      const past = await entry.response(asked({ Range: 'bytes=5000-' }))
      expect([past.status, past.headers.get('content-range')]).toEqual([416, `bytes */${SIZE}`])
      const changed = await entry.response(asked({ 'If-Match': '"another"' }))
      expect([changed.status, changed.headers.get('etag')]).toEqual([412, entry.etag])
      const post = await entry.response(asked({}, 'POST'))
      expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      for (const response of [past, changed, post]) {
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect(await response.json()).toMatchObject({ type: 'about:blank', status: response.status })
      }
    })

    it('answers nothing, but rejects, once it has been updated or removed', async () => {
      const entry = newEntry()
      await entry.put(BYTES)
      const first = await entry.open()
      await entry.put(OTHER)
      expect(await rejection(first.response(asked()))).toMatchObject({
        name: 'ConflictError',
        expectedEtag: first.etag,
      })
      const second = await first.reopen()
      expect(await bytesOf(await second.response(asked()))).toEqual(OTHER)
      await entry.remove()
      expect(await rejection(second.response(asked()))).toMatchObject({ name: 'NotFoundError' })
    })

    it.skipIf(!canMakeByteStreams())('is read into buffers that the reader brings', async () => {
      const entry = await opened(BYTES)
      const reader = entry.stream({ start: 10 }).getReader({ mode: 'byob' })
      const read = new Uint8Array(SIZE - 10)
      let offset = 0
      let buffer = new ArrayBuffer(777)
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(buffer))
        if (done) break
        expect(value.byteLength).toBeGreaterThan(0)
        read.set(value, offset)
        offset += value.byteLength
        buffer = value.buffer
        // The same memory, handed back.
        expect(buffer.byteLength).toBe(777)
      }
      expect(offset).toBe(SIZE - 10)
      expect(read).toEqual(BYTES.slice(10))
    })
  })
}
