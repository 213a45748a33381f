import { describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { openUrl, type OpenUrlOptions } from '../../src/http.ts'
import { SignatureStream } from '../../src/rsync/signature-stream.ts'
import { type FileAnswer, FileServer, type ServedFile, type Spoil } from '../support/file-server.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const URL_WITH_SECRET = 'https://example.com/videos/bunny.mp4?signature=secret#t=5'
const ALIAS = 'https://example.com/videos/bunny.mp4'
const SIZE = 5_000
const BYTES = randomBytes(SIZE)
const FILE: ServedFile = { bytes: BYTES, etag: '"one"' }
const OTHER: ServedFile = { bytes: randomBytes(SIZE, 2), etag: '"two"' }
/** A server's own answer is repeated only if it says that the failure passes, so none of these tests waits. */
const OPTIONS: OpenUrlOptions = { bufferSize: 1_024, retries: 2 }

const serverOf = (spoil?: Spoil, file = FILE): FileServer => new FileServer({ ...file }, spoil)

const openFrom = (server: FileServer, options: OpenUrlOptions = {}): Promise<Entry> =>
  openUrl(URL_WITH_SECRET, { ...OPTIONS, fetch: server.fetch, ...options })

const isHead = ({ method }: Request): boolean => method === 'HEAD'
const noBody = new Uint8Array(0)

/** Changes header fields of answers to GET. */
const fields =
  (changed: Record<string, string | undefined>): Spoil =>
  (answer, request) =>
    void (isHead(request) || Object.assign(answer.headers, changed))

const wholeOf = ({ bytes, etag }: ServedFile): FileAnswer => ({
  status: 200,
  headers: { ETag: etag, 'Content-Length': String(bytes.byteLength) },
  body: bytes,
})

const refuseHead = (spoil: Spoil): Spoil =>
  function spoilBoth(answer, request, count) {
    return isHead(request) ? { status: 403, headers: {}, body: noBody } : spoil(answer, request, count)
  }

describe('openUrl', () => {
  it('finds out size, etag, type and time from one range of one byte, and keeps the query out of the name', async () => {
    const server = serverOf()
    const entry = await openFrom(server)
    expect(entry).toMatchObject({ alias: ALIAS, size: SIZE, etag: '"one"', type: 'video/mp4' })
    expect(entry.modified).toEqual(new Date('2026-11-27T08:00:00Z'))
    expect(server.requests.map(({ method, url, headers }) => [method, url, headers.get('range')])).toEqual([
      ['GET', 'https://example.com/videos/bunny.mp4?signature=secret', 'bytes=0-0'],
    ])
  })

  it('reads all bytes, any range of them, and any place that is sought', async () => {
    const entry = await openFrom(serverOf())
    expect(await entry.bytes()).toEqual(BYTES)
    expect(await collect(entry.stream({ start: 1_000, end: 4_321 }))).toEqual(BYTES.slice(1_000, 4_321))
    expect(await collect(entry.slice(-10).stream())).toEqual(BYTES.slice(-10))
    expect(await collect(entry.stream({ start: 7, end: 7 }))).toEqual(noBody)
    const reader = entry.reader()
    reader.seek(4_990)
    expect(await reader.read()).toEqual(BYTES.slice(4_990))
    reader.seek(1)
    expect(await reader.read()).toEqual(BYTES.slice(1, 1_025))
  })

  it('computes the signature that a SignatureStream makes of the bytes', async () => {
    const signature = bytesSource(BYTES)
      .stream()
      .pipeThrough(new SignatureStream({ sourceLength: SIZE }))
    const entry = await openFrom(serverOf())
    expect(await collect(entry.signature())).toEqual(await collect(signature))
    const server = serverOf()
    const cut = (await openFrom(server)).signature()
    server.file = OTHER
    expect(await rejection(collect(cut))).toMatchObject({ name: 'ConflictError' })
  })

  it('compares each answer, and asks the server to compare only if it is told to', async () => {
    for (const validate of ['compare', 'if-match', undefined] as const) {
      const server = serverOf()
      const entry = await openFrom(server, { validate, headers: { Authorization: 'Bearer b' } })
      await entry.bytes()
      expect(server.requests.length).toBeGreaterThan(2)
      const sent = new Set(server.requests.slice(1).map(({ headers }) => headers.get('if-match')))
      expect(sent).toEqual(new Set([validate === 'if-match' ? '"one"' : null]))
      expect(server.requests.every(({ headers }) => headers.get('authorization') === 'Bearer b')).toBe(true)

      server.file = OTHER
      expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError', expectedEtag: '"one"', offset: 0 })
      // An empty range needs no bytes, but its version.
      expect(await rejection(collect(entry.stream({ start: 9, end: 9 })))).toMatchObject({ name: 'ConflictError' })
      const reopened = await entry.reopen()
      expect([reopened.etag, await reopened.bytes()]).toEqual(['"two"', OTHER.bytes])
      server.file = { ...OTHER, etag: undefined }
      expect(await rejection(reopened.bytes())).toMatchObject({ name: 'NotFoundError', alias: ALIAS, status: 404 })
      expect(await rejection(reopened.reopen())).toMatchObject({ name: 'NotFoundError' })
    }
  })

  it('requests all bytes of a snapshot at once, which lets the server finish the version that it began', async () => {
    const server = serverOf()
    const entry = await openFrom(server, { consistency: 'snapshot' })
    const stream = entry.stream().getReader()
    const first = (await stream.read()).value!
    server.file = OTHER
    stream.releaseLock()
    expect(first).toEqual(BYTES.slice(0, first.byteLength))
    expect(server.requests[1]!.headers.get('range')).toBe(`bytes=0-${SIZE - 1}`)
    expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError' })
  })

  it('tells the digest on if the server does, and no other', async () => {
    const digest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    const digestOf = async (server: FileServer): Promise<string | null> => {
      const response = await (await openFrom(server)).response(new Request('https://example.org/', { method: 'HEAD' }))
      return response.headers.get('repr-digest')
    }
    expect(await digestOf(serverOf(fields({ 'Repr-Digest': `sha-512=:AAAA:, ${digest}` })))).toBe(digest)
    for (const none of [undefined, 'sha-256=:AAAA:', 'unixsum=30637', 'sha-256=47DE']) {
      expect(await digestOf(serverOf(fields({ 'Repr-Digest': none })))).toBe(null)
    }
    // This etag looks like that of a hive.
    const etag = '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'
    expect(await digestOf(serverOf(undefined, { bytes: BYTES, etag }))).toBe(null)
  })

  it('tells no time if the server does not, and takes no file for unmodified since a date', async () => {
    const entry = await openFrom(serverOf(fields({ 'Last-Modified': undefined })))
    const statusOf = async (headers: HeadersInit): Promise<number> => {
      const response = await entry.response(new Request('https://example.org/', { headers }))
      await response.body?.cancel()
      return response.status
    }
    const { headers } = await entry.response(new Request('https://example.org/', { method: 'HEAD' }))
    expect([headers.get('last-modified'), headers.get('hive-modified')]).toEqual([null, null])
    const date = new Date().toUTCString()
    expect(await statusOf({ 'If-Modified-Since': date })).toBe(200)
    expect(await statusOf({ 'If-Unmodified-Since': new Date(1000).toUTCString() })).toBe(200)
    expect(await statusOf({ 'If-Modified-Since': date, 'If-None-Match': entry.etag })).toBe(304)
  })

  it('fails with an IntegrityError instead of its last bytes if they are not those of the digest that the server tells', async () => {
    const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', BYTES))
    const told = fields({ 'Repr-Digest': `sha-256=:${btoa(String.fromCharCode(...sha256))}:` })
    expect(await (await openFrom(serverOf(told))).bytes()).toEqual(BYTES)
    // The same etag, another byte.
    const spoilt = BYTES.slice()
    spoilt[4_000]! ^= 1
    const server = serverOf(told, { ...FILE, bytes: spoilt })
    expect(await rejection((await openFrom(server)).bytes())).toMatchObject({ name: 'IntegrityError', alias: ALIAS })
    expect(await (await openFrom(server, { verify: false })).bytes()).toEqual(spoilt)
    expect(await rejection(openFrom(server, { verify: true }))).toMatchObject({ name: 'TypeError' })
    // Without a digest, nothing tells.
    expect(await (await openFrom(serverOf(undefined, { ...FILE, bytes: spoilt }))).bytes()).toEqual(spoilt)
  })

  it('refuses arguments of a wrong type, before it sends anything', async () => {
    for (const url of ['ftp://example.com/x', 'https://a:b@example.com/', 'blob:https://example.com/x']) {
      expect(await rejection(openUrl(url)), url).toBeInstanceOf(TypeError)
    }
    const refused = (options: object): Promise<unknown> => rejection(openFrom(serverOf(), options))
    expect(await refused({ validate: 'hope' })).toBeInstanceOf(TypeError)
    expect(await refused({ consistency: 'eventual' })).toBeInstanceOf(TypeError)
    expect(await refused({ bufferSize: 1 })).toBeInstanceOf(RangeError)
    expect(await refused({ retries: -1 })).toBeInstanceOf(RangeError)
    expect(await refused({ signal: AbortSignal.abort('stop') })).toBe('stop')
  })
})

describe('openUrl of an empty file', () => {
  const empty: ServedFile = { bytes: noBody, etag: '"empty"' }
  const answers: Record<string, Spoil> = {
    'answered with 416': () => undefined,
    'answered with 416 that does not say why': (answer) => {
      if (answer.status === 416) answer.headers = {}
    },
    'answered with 200': (_, request) => (isHead(request) ? undefined : wholeOf(empty)),
  }
  for (const [title, spoil] of Object.entries(answers)) {
    it(`reads nothing, and notices a change: ${title}`, async () => {
      // Signed URLs refuse HEAD.
      const server = serverOf(refuseHead(spoil), empty)
      const entry = await openFrom(server)
      expect([entry.size, entry.etag, await entry.text()]).toEqual([0, '"empty"', ''])
      if (title !== 'answered with 200') {
        server.file = OTHER
        expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError', actualEtag: '"two"' })
      }
    })
  }
})

/** How a read ends: in exact bytes, or in an error with these fields. */
type Outcome = 'exact' | { name: string; message?: RegExp; [fact: string]: unknown }

const NO_SIZE: Outcome = { name: 'FormatError', reason: 'unsupported', message: /size/ }
const COMPRESSED: Outcome = { name: 'FormatError', reason: 'unsupported', message: /compressed.*gzip/ }
const OTHER_RANGE: Outcome = { name: 'FormatError', reason: 'invalid', message: /asked for/ }
const UPDATED: Outcome = { name: 'ConflictError', expectedEtag: '"one"', alias: ALIAS }

const ignoresRanges: Spoil = (_, request) => (isHead(request) ? undefined : wholeOf(FILE))
const hidesLength: Spoil = (answer) => ({ ...answer, headers: { ...answer.headers, 'Content-Length': undefined } })

/** What {@linkcode resultOf} must be. */
function expected(outcome: Outcome): unknown {
  if (outcome === 'exact') return BYTES
  const { message = /./, ...facts } = outcome
  return expect.objectContaining({ ...facts, message: expect.stringMatching(message) })
}

/** The bytes, or the error. */
async function resultOf(read: Promise<Uint8Array>): Promise<unknown> {
  return read.catch((error: unknown) => error)
}

describe('openUrl of a server that makes the same mistake in every answer', () => {
  const cases: Record<string, [spoil: Spoil, outcome: Outcome]> = {
    'HEAD is refused': [refuseHead(() => undefined), 'exact'],
    'a range is answered with 200': [refuseHead(ignoresRanges), 'exact'],
    'a range is answered with 200, and its length only to HEAD': [
      (answer, request, count) => (isHead(request) ? undefined : hidesLength(wholeOf(FILE), request, count)),
      'exact',
    ],
    'a range is answered with 200 and no length': [
      (_, request, count) => hidesLength(wholeOf(FILE), request, count),
      NO_SIZE,
    ],
    'whole answers have a weak etag and a coding, as behind a proxy that compresses': [
      (answer) => {
        if (answer.status === 200) Object.assign(answer.headers, { ETag: 'W/"one"', 'Content-Encoding': 'gzip' })
      },
      'exact',
    ],
    'all answers have a weak etag': [
      fields({ ETag: 'W/"one"' }),
      { name: 'FormatError', reason: 'unsupported', message: /only a weak ETag/ },
    ],
    'no answer has an etag': [
      fields({ ETag: undefined }),
      { name: 'FormatError', reason: 'unsupported', message: /no ETag/ },
    ],
    'the etag has no quotes': [
      fields({ ETag: 'one' }),
      { name: 'FormatError', reason: 'unsupported', message: /not valid: "one"/ },
    ],
    'ranges are compressed': [fields({ 'Content-Encoding': 'gzip' }), COMPRESSED],
    'the whole is sent for a range, and compressed': [
      () => ({ ...wholeOf(FILE), headers: { ETag: '"one"', 'Content-Encoding': 'gzip' } }),
      COMPRESSED,
    ],
    'a coding is named that fetch leaves alone': [fields({ 'Content-Encoding': 'aws-chunked' }), 'exact'],
    'Content-Range has no total': [openTotal, 'exact'],
    'Content-Range has no total, and HEAD is refused': [refuseHead(openTotal), NO_SIZE],
    'Content-Range has no total, and HEAD tells the size of another version': [
      (answer, request) => (isHead(request) ? wholeOf({ ...OTHER, bytes: noBody }) : openTotal(answer)),
      NO_SIZE,
    ],
    'Content-Range is absent': [fields({ 'Content-Range': undefined }), OTHER_RANGE],
    'the range is another one': [fields({ 'Content-Range': `bytes 5-5/${SIZE}` }), OTHER_RANGE],
    'the range is a longer one': [fields({ 'Content-Range': `bytes 0-99/${SIZE}` }), OTHER_RANGE],
    'the first byte has more bytes than one': [
      (answer) => ({ ...answer, body: BYTES.slice(0, 2) }),
      { name: 'FormatError', reason: 'invalid', message: /more than one/ },
    ],
    'the first byte does not arrive': [
      (answer) => (answer.body.byteLength === 1 ? { ...answer, body: noBody } : answer),
      'exact',
    ],
    'a range is refused, but the file is not empty': [
      (answer, { headers }) => (headers.has('range') ? { ...answer, status: 416 } : answer),
      { name: 'FormatError', reason: 'unsupported', message: /no ranges/ },
    ],
    'access is refused': [() => ({ status: 403, headers: {}, body: noBody }), { name: 'AccessError', status: 403 }],
    'there is no file': [() => ({ status: 404, headers: {}, body: noBody }), { name: 'NotFoundError', alias: ALIAS }],
    'the server fails': [
      () => ({ status: 500, headers: {}, body: noBody }),
      { name: 'BackendError', retryable: false, status: 500 },
    ],
    'a redirect is not followed': [
      () => ({ status: 302, headers: { Location: '/elsewhere' }, body: noBody }),
      { name: 'BackendError', status: 302 },
    ],
  }
  for (const [title, [spoil, outcome]] of Object.entries(cases)) {
    it(`${outcome === 'exact' ? 'reads exact bytes' : `fails with a ${outcome.name}`}: ${title}`, async () => {
      const opening = openFrom(serverOf(spoil))
      // What is missing is said at once.
      const result = outcome === 'exact' ? opening.then((entry) => entry.bytes()) : opening.then(() => noBody)
      expect(await resultOf(result)).toEqual(expected(outcome))
    })
  }
})

/** Leaves the total of a range open. */
function openTotal({ headers }: FileAnswer): void {
  headers['Content-Range'] = headers['Content-Range']?.replace(`/${SIZE}`, '/*')
}

describe('openUrl of a server that begins to make a mistake while the file is read', () => {
  const cases: Record<string, [spoil: Spoil, outcome: Outcome]> = {
    'a range is answered with 200': [ignoresRanges, 'exact'],
    'a range is answered with 200 of another version': [() => wholeOf(OTHER), UPDATED],
    'a range is answered with 200 of another version that is compressed': [
      () => ({ ...wholeOf(OTHER), headers: { ETag: 'W/"two"', 'Content-Encoding': 'gzip' } }),
      COMPRESSED,
    ],
    'the etag becomes weak': [
      fields({ ETag: 'W/"one"' }),
      { name: 'FormatError', reason: 'unsupported', message: /weak ETag/ },
    ],
    'the etag is that of another version': [fields({ ETag: '"two"' }), { ...UPDATED, actualEtag: '"two"' }],
    'the etag disappears': [fields({ ETag: undefined }), { name: 'FormatError', message: /no ETag/ }],
    'ranges are compressed': [fields({ 'Content-Encoding': 'gzip' }), COMPRESSED],
    'the total changes, but not the etag': [
      ({ headers }) => {
        headers['Content-Range'] = headers['Content-Range']?.replace(/\d+$/, '9999')
      },
      UPDATED,
    ],
    'the total is left open': [openTotal, 'exact'],
    'the range is another one': [
      ({ headers }) => {
        headers['Content-Range'] = headers['Content-Range']?.replace(/\d+/, '1')
      },
      OTHER_RANGE,
    ],
    'the range is absent': [fields({ 'Content-Range': undefined }), OTHER_RANGE],
    'the body is longer than its range': [
      (answer) => ({ ...answer, body: new Uint8Array([...answer.body, 0]) }),
      { name: 'FormatError', reason: 'invalid', message: /more bytes/ },
    ],
    'one body is shorter than its range': [
      (answer, _, count) => (count === 3 ? { ...answer, body: answer.body.slice(0, 10) } : answer),
      'exact',
    ],
    'a range is refused, because the file is shorter': [
      () => ({ status: 416, headers: { 'Content-Range': 'bytes */7' }, body: noBody }),
      UPDATED,
    ],
    'a range is refused for no reason': [
      () => ({ status: 416, headers: {}, body: noBody }),
      { name: 'FormatError', reason: 'invalid', status: 416 },
    ],
    'the condition is not met': [() => ({ status: 412, headers: {}, body: noBody }), UPDATED],
    'the file is gone': [() => ({ status: 410, headers: {}, body: noBody }), { name: 'NotFoundError', alias: ALIAS }],
    'the signature of the URL expires': [() => ({ status: 403, headers: {}, body: noBody }), { name: 'AccessError' }],
    'the server is busy once': [
      (answer, _, count) => (count === 3 ? { status: 503, headers: { 'Retry-After': '0' }, body: noBody } : answer),
      'exact',
    ],
  }
  for (const [title, [spoil, outcome]] of Object.entries(cases)) {
    it(`${outcome === 'exact' ? 'reads exact bytes' : `fails with a ${outcome.name}`}: ${title}`, async () => {
      // The first answer opens the entry, and the second one has its first bytes.
      const server = serverOf((answer, request, count) => (count > 2 ? spoil(answer, request, count) : undefined))
      const entry = await openFrom(server)
      expect(await resultOf(entry.bytes())).toEqual(expected(outcome))
      if (outcome === 'exact' || outcome.name !== 'ConflictError') return
      // A reader has no read-ahead: this is one request.
      const { name, alias, expectedEtag } = outcome
      expect(await rejection(entry.reader().read())).toMatchObject({ name, alias, expectedEtag, offset: 0 })
    })
  }
})
