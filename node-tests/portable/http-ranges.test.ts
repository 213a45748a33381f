import { beforeAll, describe, expect, inject, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes } from '../support/streams.ts'

const SIZE = 10_000
const BYTES = randomBytes(SIZE)
const OTHER_ETAG = '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'

/** Values of the current version for header fields. */
interface Version {
  readonly etag: string
  readonly modified: Date
}

const before = ({ modified }: Version): string => new Date(modified.getTime() - 60_000).toUTCString()
/** The first date at which the version existed. */
const at = ({ modified }: Version): string => new Date(Math.ceil(modified.getTime() / 1_000) * 1_000).toUTCString()
const after = ({ modified }: Version): string => new Date(modified.getTime() + 60_000).toUTCString()
const asctime = (version: Version): string => {
  const [, day, month, year, time] = /, (\d\d) (\w+) (\d+) (\S+)/.exec(at(version))!
  return `Sun ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}
const rfc850 = (version: Version): string => {
  const [, day, month, year, time] = /, (\d\d) (\w+) (\d+) (\S+)/.exec(at(version))!
  return `Sunday, ${day}-${month}-${year!.slice(2)} ${time} GMT`
}

type Fields = Record<string, string | ((version: Version) => string)>

/** `range` is the expected half-open range; undefined means the whole entry. */
interface Case {
  readonly title: string
  readonly fields: Fields
  readonly method?: string
  readonly status: number
  readonly range?: readonly [number, number]
}

const RANGES: Case[] = [
  { title: 'no Range', fields: {}, status: 200 },
  { title: 'first bytes', fields: { Range: 'bytes=0-99' }, status: 206, range: [0, 100] },
  { title: 'from the middle on', fields: { Range: 'bytes=4000-' }, status: 206, range: [4_000, SIZE] },
  { title: 'the whole, as a video asks first', fields: { Range: 'bytes=0-' }, status: 206, range: [0, SIZE] },
  { title: 'one byte', fields: { Range: 'bytes=0-0' }, status: 206, range: [0, 1] },
  { title: 'the last byte', fields: { Range: 'bytes=9999-9999' }, status: 206, range: [9_999, SIZE] },
  { title: 'a last position past the end', fields: { Range: 'bytes=9000-10000' }, status: 206, range: [9_000, SIZE] },
  {
    title: 'a last position past 2^64',
    fields: { Range: 'bytes=9000-99999999999999999999999' },
    status: 206,
    range: [9_000, SIZE],
  },
  { title: 'a suffix', fields: { Range: 'bytes=-100' }, status: 206, range: [9_900, SIZE] },
  { title: 'a suffix longer than the entry', fields: { Range: 'bytes=-10001' }, status: 206, range: [0, SIZE] },
  {
    title: 'a suffix longer than 2^64',
    fields: { Range: 'bytes=-99999999999999999999999' },
    status: 206,
    range: [0, SIZE],
  },
  { title: 'a unit in capitals', fields: { Range: 'BYTES=0-99' }, status: 206, range: [0, 100] },
  { title: 'leading zeros', fields: { Range: 'bytes=000-0099' }, status: 206, range: [0, 100] },
  { title: 'empty members of the list', fields: { Range: 'bytes=, 0-99 ,' }, status: 206, range: [0, 100] },
  { title: 'a suffix of nothing', fields: { Range: 'bytes=-0' }, status: 416 },
  { title: 'a first position at the end', fields: { Range: 'bytes=10000-' }, status: 416 },
  { title: 'a first position past 2^64', fields: { Range: 'bytes=99999999999999999999999-' }, status: 416 },
  { title: 'a reversed range', fields: { Range: 'bytes=100-99' }, status: 200 },
  {
    title: 'a range that is reversed only beyond 2^53',
    fields: { Range: 'bytes=9007199254740993-9007199254740992' },
    status: 200,
  },
  { title: 'an unknown unit', fields: { Range: 'lines=0-99' }, status: 200 },
  { title: 'no unit', fields: { Range: '0-99' }, status: 200 },
  { title: 'no range', fields: { Range: 'bytes=' }, status: 200 },
  { title: 'a lone dash', fields: { Range: 'bytes=-' }, status: 200 },
  { title: 'letters', fields: { Range: 'bytes=a-b' }, status: 200 },
  { title: 'a sign', fields: { Range: 'bytes=+0-99' }, status: 200 },
  { title: 'a fraction', fields: { Range: 'bytes=0.5-99' }, status: 200 },
  { title: 'a space within', fields: { Range: 'bytes=0 - 99' }, status: 200 },
  { title: 'several ranges, which are joined', fields: { Range: 'bytes=0-9,20-29' }, status: 206, range: [0, 30] },
  { title: 'a range of HEAD', method: 'HEAD', fields: { Range: 'bytes=0-99' }, status: 200 },
  { title: 'a range past the end of HEAD', method: 'HEAD', fields: { Range: 'bytes=10000-' }, status: 200 },
]

const CONDITIONS: Case[] = [
  { title: 'If-Match with the etag', fields: { 'If-Match': (v) => v.etag }, status: 200 },
  { title: 'If-Match with the etag in a list', fields: { 'If-Match': (v) => `${OTHER_ETAG}, ${v.etag}` }, status: 200 },
  { title: 'If-Match: *', fields: { 'If-Match': '*' }, status: 200 },
  { title: 'If-Match with another etag', fields: { 'If-Match': OTHER_ETAG }, status: 412 },
  { title: 'If-Match with the etag as a weak one', fields: { 'If-Match': (v) => `W/${v.etag}` }, status: 412 },
  { title: 'If-Match with the etag without quotes', fields: { 'If-Match': (v) => v.etag.slice(1, -1) }, status: 412 },
  { title: 'If-Match of HEAD', method: 'HEAD', fields: { 'If-Match': OTHER_ETAG }, status: 412 },
  { title: 'If-None-Match with the etag', fields: { 'If-None-Match': (v) => v.etag }, status: 304 },
  {
    title: 'If-None-Match with the etag as a weak one',
    fields: { 'If-None-Match': (v) => `W/${v.etag}` },
    status: 304,
  },
  {
    title: 'If-None-Match with the etag in a list',
    fields: { 'If-None-Match': (v) => `${OTHER_ETAG},W/${v.etag}` },
    status: 304,
  },
  { title: 'If-None-Match: *', fields: { 'If-None-Match': '*' }, status: 304 },
  { title: 'If-None-Match with another etag', fields: { 'If-None-Match': OTHER_ETAG }, status: 200 },
  { title: 'If-None-Match of HEAD', method: 'HEAD', fields: { 'If-None-Match': (v) => v.etag }, status: 304 },
  { title: 'If-Modified-Since at the time', fields: { 'If-Modified-Since': at }, status: 304 },
  { title: 'If-Modified-Since after it', fields: { 'If-Modified-Since': after }, status: 304 },
  { title: 'If-Modified-Since before it', fields: { 'If-Modified-Since': before }, status: 200 },
  { title: 'If-Modified-Since in the format of asctime', fields: { 'If-Modified-Since': asctime }, status: 304 },
  { title: 'If-Modified-Since in the format of RFC 850', fields: { 'If-Modified-Since': rfc850 }, status: 304 },
  { title: 'If-Modified-Since that is not a date', fields: { 'If-Modified-Since': '2999-01-01' }, status: 200 },
  {
    title: 'If-None-Match comes before If-Modified-Since',
    fields: { 'If-None-Match': OTHER_ETAG, 'If-Modified-Since': after },
    status: 200,
  },
  { title: 'If-Unmodified-Since at the time', fields: { 'If-Unmodified-Since': at }, status: 200 },
  { title: 'If-Unmodified-Since before it', fields: { 'If-Unmodified-Since': before }, status: 412 },
  { title: 'If-Unmodified-Since that is not a date', fields: { 'If-Unmodified-Since': 'yesterday' }, status: 200 },
  {
    title: 'If-Match comes before If-Unmodified-Since',
    fields: { 'If-Match': (v) => v.etag, 'If-Unmodified-Since': before },
    status: 200,
  },
  {
    title: 'If-Match comes before If-None-Match',
    fields: { 'If-Match': OTHER_ETAG, 'If-None-Match': (v) => v.etag },
    status: 412,
  },
  {
    title: 'both hold',
    fields: { 'If-Match': (v) => v.etag, 'If-None-Match': (v) => v.etag },
    status: 304,
  },
]

const BOTH: Case[] = [
  {
    title: 'If-Range with the etag',
    fields: { Range: 'bytes=0-99', 'If-Range': (v) => v.etag },
    status: 206,
    range: [0, 100],
  },
  { title: 'If-Range with another etag', fields: { Range: 'bytes=0-99', 'If-Range': OTHER_ETAG }, status: 200 },
  {
    title: 'If-Range with the etag as a weak one',
    fields: { Range: 'bytes=0-99', 'If-Range': (v) => `W/${v.etag}` },
    status: 200,
  },
  { title: 'If-Range with the time', fields: { Range: 'bytes=0-99', 'If-Range': at }, status: 200 },
  { title: 'If-Range with a later time', fields: { Range: 'bytes=0-99', 'If-Range': after }, status: 200 },
  { title: 'If-Range with an earlier time', fields: { Range: 'bytes=0-99', 'If-Range': before }, status: 200 },
  { title: 'If-Range that is nothing', fields: { Range: 'bytes=0-99', 'If-Range': 'x' }, status: 200 },
  {
    title: 'If-Range with another etag makes a range past the end the whole',
    fields: { Range: 'bytes=10000-', 'If-Range': OTHER_ETAG },
    status: 200,
  },
  { title: 'If-Range without Range', fields: { 'If-Range': OTHER_ETAG }, status: 200 },
  {
    title: 'If-Match comes before Range',
    fields: { Range: 'bytes=10000-', 'If-Match': OTHER_ETAG },
    status: 412,
  },
  {
    title: 'If-None-Match comes before Range',
    fields: { Range: 'bytes=10000-', 'If-None-Match': (v) => v.etag },
    status: 304,
  },
  {
    title: 'If-Match and Range',
    fields: { Range: 'bytes=-1', 'If-Match': (v) => v.etag },
    status: 206,
    range: [SIZE - 1, SIZE],
  },
]

type Send = (path: string, init?: RequestInit) => Promise<Response>

function rangeSuite(kind: string, open: () => Send): void {
  describe(`GET and HEAD of ${kind}`, () => {
    const send = open()
    let version: Version

    beforeAll(async () => {
      await send('x', { method: 'PUT', body: BYTES, headers: { 'Content-Type': 'video/mp4' } })
      const { headers } = await send('x', { method: 'HEAD' })
      version = { etag: headers.get('etag')!, modified: new Date(headers.get('hive-modified')!) }
    })

    for (const { title, fields, method = 'GET', status, range } of [...RANGES, ...CONDITIONS, ...BOTH]) {
      it(`${title}: ${status}`, async () => {
        const headers = new Headers()
        for (const [name, value] of Object.entries(fields)) {
          headers.set(name, typeof value === 'string' ? value : value(version))
        }
        const response = await send('x', { method, headers })
        const body = new Uint8Array(await response.arrayBuffer())

        expect(response.status).toBe(status)
        expect(response.headers.get('etag')).toBe(version.etag)
        if (status === 200 || status === 206) {
          const [start, end] = range ?? [0, SIZE]
          expect(body).toEqual(method === 'HEAD' ? new Uint8Array(0) : BYTES.slice(start, end))
          expect(response.headers.get('content-range')).toBe(range ? `bytes ${start}-${end - 1}/${SIZE}` : null)
          expect(response.headers.get('content-type')).toBe('video/mp4')
          expect(response.headers.get('accept-ranges')).toBe('bytes')
          expect(response.headers.get('repr-digest')).toBe(await digestOf(BYTES))
        } else if (status === 304) {
          expect(body.byteLength).toBe(0)
          expect(response.headers.get('hive-modified')).toBe(version.modified.toISOString())
        } else {
          expect(response.headers.get('content-type')).toBe('application/problem+json')
          expect(response.headers.get('content-range')).toBe(status === 416 ? `bytes */${SIZE}` : null)
        }
      })
    }

    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0', 'bytes=5-']) {
      it(`an empty entry is served whole for the range ${range}: 200`, async () => {
        await send('empty', { method: 'PUT', body: '', headers: { 'Content-Type': 'text/plain' } })
        const response = await send('empty', { headers: { Range: range } })
        expect(response.status).toBe(200)
        expect(response.headers.get('content-range')).toBeNull()
        expect(response.headers.get('content-length')).toBe('0')
        expect((await response.arrayBuffer()).byteLength).toBe(0)
      })
    }

    it('an empty entry gets an empty answer', async () => {
      await send('empty', { method: 'PUT', body: '', headers: { 'Content-Type': 'text/plain' } })
      const response = await send('empty')
      expect(response.status).toBe(200)
      expect((await response.arrayBuffer()).byteLength).toBe(0)
    })

    it('a condition on a missing entry: 404', async () => {
      for (const headers of [{ 'If-Match': '*' }, { 'If-None-Match': '*' }, { 'If-Match': OTHER_ETAG }]) {
        expect((await send('nothing', { headers })).status).toBe(404)
      }
    })
  })
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`
}

rangeSuite('the handler', () => {
  const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 })))
  return (path, init) => handler(new Request(`http://hive.test/${path}`, init))
})

rangeSuite('a server', () => {
  const root = new URL(`-/hives/${crypto.randomUUID()}/`, inject('hiveUrl'))
  return (path, init) => fetch(new URL(path, root), { ...init, cache: 'no-store' })
})
