import { describe, expect, it, vi } from 'vitest'
import { s3Blocks, type S3Credentials } from '../../src/backends/s3.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import type { BackendError, Blocks } from '../../src/store.ts'
import {
  answeredBy,
  bytesAnswer,
  CREDENTIALS,
  errorAnswer,
  listAnswer,
  type SentRequest,
} from '../support/s3-answers.ts'
import { stopClock } from '../support/stop-clock.ts'
import { rejection } from '../support/streams.ts'

const BYTES = new Uint8Array([1, 2, 3])

describe('s3Blocks', () => {
  it('puts an object with its digest, signed, below the prefix', async () => {
    const { blocks, requests } = answeredBy(() => new Response(null), {
      endpoint: 'https://s3.example/base',
      prefix: 'hives/a',
      region: 'here-1',
    })
    await blocks.put('o.01', new Uint8Array([9, ...BYTES, 9]).subarray(1, 4))
    const [{ method, url, headers, body }] = requests as [(typeof requests)[number]]
    expect([method, url.href]).toEqual(['PUT', 'https://s3.example/base/bucket/hives/a/o.01'])
    expect(body).toEqual(BYTES)
    const digest = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', BYTES)))
    expect(headers.get('X-Amz-Content-Sha256')).toBe(digest)
    const authorization = headers.get('Authorization')!
    expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/here-1\/s3\/aws4_request, /)
    expect(authorization).toContain('SignedHeaders=host;x-amz-content-sha256;x-amz-date,')
    expect(JSON.stringify([...headers])).not.toContain(CREDENTIALS.secretAccessKey)
  })

  it.each([
    ['a web page', '<html>Welcome to nginx</html>'],
    ['a long page', '<!-- -->'.repeat(10_000)],
    ['an error with status 200', '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>'],
    ['an answer to something else', '<CopyObjectResult/>'],
    ['one byte', 'x'],
  ])('does not take %s for the answer to a put', async (_, body) => {
    const { blocks, requests } = answeredBy(() => new Response(body))
    expect(await rejection(blocks.put('o.01', BYTES))).toMatchObject({
      name: 'BackendError',
      message: 'cannot store object o.01: the answer is not that of an object store',
      retryable: false,
      outcome: 'unknown',
    })
    expect(requests).toHaveLength(1)
  })

  it('does not take a web page for the answer to a delete', async () => {
    const { blocks } = answeredBy(() => new Response('<html>Log in</html>'))
    expect(await rejection(blocks.delete('o.01'))).toMatchObject({
      message: 'cannot delete object o.01: the answer is not that of an object store',
      retryable: false,
      outcome: 'unknown',
    })
  })

  it('takes a put for stored if the body of the answer is empty, but for white space', async () => {
    for (const body of [null, '', ' \r\n']) {
      const { blocks } = answeredBy(() => new Response(body))
      expect(await blocks.put('o.01', BYTES)).toBeUndefined()
    }
  })

  it('does not take a put for stored if the answer breaks off', async () => {
    const broken = (): ReadableStream<Uint8Array> =>
      new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) })
    const { blocks } = answeredBy(() => new Response(broken()))
    expect(await rejection(blocks.put('o.01', BYTES))).toMatchObject({ retryable: true, outcome: 'unknown' })
  })

  it('has the name of the bucket in the host name, if it is told so', async () => {
    const { blocks, requests } = answeredBy(({ method }) => (method === 'GET' ? listAnswer([]) : new Response(null)), {
      endpoint: 'http://s3.example:8080/',
      addressing: 'virtual-host',
    })
    await blocks.delete('o.01')
    await blocks.list({ prefix: '', limit: 1 })
    expect(requests.map(({ url }) => url.origin + url.pathname)).toEqual([
      'http://bucket.s3.example:8080/o.01',
      'http://bucket.s3.example:8080/',
    ])
  })

  it.each([
    ['endpoint', { endpoint: 'nowhere' }],
    ['endpoint', { endpoint: 'ftp://s3.example' }],
    ['endpoint', { endpoint: 'https://user:secret@s3.example' }],
    ['endpoint', { endpoint: 'https://s3.example/?x' }],
    ['endpoint', { endpoint: 'https://user:secret@s3.example:x' }],
    ['endpoint', { endpoint: '//user:secret@s3.example' }],
    ['bucket', { bucket: 'a/b' }],
    ['bucket', { bucket: '..' }],
    ['bucket', { endpoint: 'http://127.0.0.1', addressing: 'virtual-host' as const }],
    ['prefix', { prefix: '/a' }],
    ['prefix', { prefix: 'a/../b' }],
    ['prefix', { prefix: 'a b' }],
    ['prefix', { prefix: 'a'.repeat(801) }],
    ['region', { region: '' }],
    ['addressing', { addressing: 'host' as 'path' }],
    ['fetch', { fetch: 1 as unknown as typeof fetch }],
    ['accessKeyId', { credentials: { accessKeyId: 'a b', secretAccessKey: 's' } }],
    ['secretAccessKey', { credentials: { accessKeyId: 'a', secretAccessKey: '' } }],
    ['sessionToken', { credentials: { ...CREDENTIALS, sessionToken: '\n' } }],
    ['expires', { credentials: { ...CREDENTIALS, expires: new Date(Number.NaN) } }],
  ])('refuses a wrong %s, and shows no secret: %j', (_, options) => {
    const make = (): unknown =>
      s3Blocks({ endpoint: 'https://s3.example', bucket: 'bucket', credentials: CREDENTIALS, ...options })
    expect(make).toThrow(TypeError)
    expect(make).not.toThrow(/secret\b/)
  })

  it('refuses a time-out that no timer takes', () => {
    for (const timeoutMs of [0, 2 ** 31])
      expect(() => answeredBy(() => new Response(), { timeoutMs })).toThrow(RangeError)
  })

  it('refuses names that are not names of objects, and sends nothing', async () => {
    const { blocks, requests } = answeredBy(() => new Response())
    for (const name of ['', '../o', 'a/b', '.a', 'a?b', 'a'.repeat(201)]) {
      await expect(blocks.get(name)).rejects.toThrow(TypeError)
      await expect(blocks.put(name, BYTES)).rejects.toThrow(TypeError)
    }
    expect(requests).toEqual([])
  })
})

/** What a caller can see of an error. */
function factsOf(error: unknown): unknown {
  const { name, retryable, outcome } = error as BackendError
  return { name, ...(retryable !== undefined && { retryable }), ...(outcome && { outcome }) }
}

const FAILED = { name: 'BackendError', retryable: false }
const PASSING = { name: 'BackendError', retryable: true }
const UNKNOWN = { ...PASSING, outcome: 'unknown' }
const FULL = { name: 'QuotaExceededError' }

describe('an answer of the object store', () => {
  it.each([
    [301, 'PermanentRedirect', FAILED, FAILED],
    [307, 'TemporaryRedirect', FAILED, FAILED],
    [400, 'RequestTimeout', PASSING, PASSING],
    [400, 'XAmzContentSHA256Mismatch', PASSING, PASSING],
    [400, 'ExpiredToken', FAILED, FAILED],
    [401, 'Unauthorized', FAILED, FAILED],
    [403, 'AccessDenied', FAILED, FAILED],
    [403, 'SignatureDoesNotMatch', FAILED, FAILED],
    [403, 'RequestTimeTooSkewed', FAILED, FAILED],
    [403, 'QuotaExceeded', FULL, FULL],
    [404, 'NoSuchBucket', FAILED, FAILED],
    [404, 'SomethingElse', FAILED, FAILED],
    [409, 'OperationAborted', PASSING, PASSING],
    [411, 'MissingContentLength', FAILED, FAILED],
    [413, 'EntityTooLarge', FAILED, FAILED],
    [429, 'TooManyRequests', PASSING, PASSING],
    [500, 'InternalError', PASSING, UNKNOWN],
    [501, 'NotImplemented', FAILED, FAILED],
    [502, '', PASSING, UNKNOWN],
    [503, 'SlowDown', PASSING, PASSING],
    [504, '', PASSING, UNKNOWN],
    [507, 'XMinioStorageFull', FULL, FULL],
  ])('%i %s is an error of the right kind', async (status, code, whenReading, whenChanging) => {
    // Each with its own backend, since a failure makes the next request wait.
    const blocks = (): Blocks => answeredBy(() => errorAnswer(status, code, 'some words')).blocks
    const reads = [blocks().get('o.01'), blocks().size('o.01'), blocks().list({ prefix: '', limit: 1 })]
    const changes = [blocks().put('o.01', BYTES), blocks().delete('o.01')]
    const [read, change] = await Promise.all([reads, changes].map((calls) => Promise.all(calls.map(rejection))))
    for (const error of read!) expect(factsOf(error)).toEqual(whenReading)
    for (const error of change!) expect(factsOf(error)).toEqual(whenChanging)
  })

  it.each([
    [403, FAILED],
    [404, FAILED],
    [502, UNKNOWN],
    [503, UNKNOWN],
    [507, FULL],
  ])('%i of a proxy, which is not XML, is an error of the right kind', async (status, facts) => {
    for (const text of ['', '<html><br></html>', `<Error><Code>SlowDown`, '<Other><Code>NoSuchKey</Code></Other>']) {
      const answer = (): Response => new Response(text, { status })
      expect(factsOf(await rejection(answeredBy(answer).blocks.put('o.01', BYTES)))).toEqual(facts)
      // It does not mean that the object is absent.
      expect(await rejection(answeredBy(answer).blocks.get('o.01'))).toHaveProperty('name', facts.name)
    }
  })

  it('that is cut off while it says what is wrong counts as lost, whatever its status is', async () => {
    for (const status of [403, 404, 500]) {
      const answer = (): Response => new Response(brokenOff(), { status })
      expect(factsOf(await rejection(answeredBy(answer).blocks.size('o.01')))).toEqual(PASSING)
      expect(factsOf(await rejection(answeredBy(answer).blocks.put('o.01', BYTES)))).toEqual(UNKNOWN)
    }
  })

  it('of which too much says what is wrong has only its status', async () => {
    const { blocks } = answeredBy(() => new Response('x'.repeat(100_000), { status: 403 }))
    expect(factsOf(await rejection(blocks.get('o.01')))).toEqual(FAILED)
  })

  it('is quoted in the message, but no more of it than a line', async () => {
    const { blocks } = answeredBy(() => errorAnswer(403, 'AccessDenied', 'x'.repeat(1000)))
    const { message } = (await rejection(blocks.get('o.01'))) as Error
    expect(message).toMatch(/^cannot read object o\.01: the object store answers 403 AccessDenied \(x{300}\)$/)
    const long = answeredBy(() => errorAnswer(403, 'x'.repeat(1000))).blocks
    await expect(long.get('o.01')).rejects.toThrow(/ 403 x{100}$/)
    const another = answeredBy(() => new Response(`<${'x'.repeat(1000)}/>`)).blocks
    const other = (await rejection(another.list({ prefix: '', limit: 1 }))) as Error
    expect(other.message.length).toBeLessThan(300)
    const missing = answeredBy(() => errorAnswer(404, 'NoSuchBucket')).blocks
    await expect(missing.size('o.01')).rejects.toThrow('the bucket bucket does not exist')
  })

  it('that says that there is no such object means just that', async () => {
    const { blocks } = answeredBy(() => errorAnswer(404, 'NoSuchKey'))
    expect(await blocks.get('o.01')).toBeUndefined()
    expect(await blocks.size('o.01')).toBeUndefined()
    await blocks.delete('o.01')
    await expect(blocks.put('o.01', BYTES)).rejects.toMatchObject(FAILED)
    expect(await answeredBy(() => errorAnswer(416, 'InvalidRange')).blocks.size('o.01')).toBe(0)
  })

  it('that takes too long counts as lost', async () => {
    const { sent, requests, blocks } = silent()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const put = blocks.put('o.01', BYTES).catch((error: unknown) => error)
      await sent
      vi.advanceTimersByTime(59_999)
      expect(requests[0]!.signal.aborted).toBe(false)
      vi.advanceTimersByTime(1)
      expect(factsOf(await put)).toEqual(UNKNOWN)
      expect(requests[0]!.signal.aborted).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  it('whose body goes on takes as long as it takes; one that stops counts as lost', async () => {
    let body: ReadableStreamDefaultController<Uint8Array> | undefined
    let isRead: () => void = () => undefined
    const { blocks } = answeredBy(() => {
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => void (body = controller),
        pull: () => isRead(),
      })
      return new Response(stream, { headers: { 'Content-Length': '4' } })
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const got = blocks.get('o.01').catch((error: unknown) => error)
      for (let i = 0; i < 3; i++) {
        await new Promise<void>((resolve) => (isRead = resolve))
        vi.advanceTimersByTime(59_999)
        body!.enqueue(BYTES.slice(0, 1))
      }
      await new Promise<void>((resolve) => (isRead = resolve))
      vi.advanceTimersByTime(60_000)
      expect(factsOf(await got)).toEqual(PASSING)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['shorter than it says', () => bytesAnswer(BYTES, 4), PASSING],
    ['longer than it says', () => bytesAnswer(BYTES, 2), PASSING],
    ['without a length', () => new Response(BYTES), FAILED],
    ['longer than any object', () => bytesAnswer(BYTES, 67_108_865), FAILED],
    ['broken off', () => new Response(brokenOff(), { headers: { 'Content-Length': '4' } }), PASSING],
  ])('%s is an error', async (_, answer, facts) => {
    const error = await rejection(answeredBy(answer).blocks.get('o.01'))
    expect(factsOf(error)).toEqual(facts)
    expect((error as Error).message).toMatch(/^cannot read object o\.01: /)
  })

  it('is read into memory that the caller gives, if it has the right length', async () => {
    const { blocks } = answeredBy(() => bytesAnswer(BYTES))
    for (const [length, isUsed] of [
      [3, true],
      [4, false],
    ] as const) {
      const into = new Uint8Array(length)
      const bytes = (await blocks.get('o.01', { into }))!
      expect(bytes).toEqual(BYTES)
      expect(bytes === into).toBe(isUsed)
    }
  })

  it('tells the length of an object in its range', async () => {
    const headers = { 'Content-Range': 'bytes 0-0/1234' }
    const { blocks, requests } = answeredBy(() => new Response(BYTES.slice(0, 1), { status: 206, headers }))
    expect(await blocks.size('o.01')).toBe(1234)
    expect(requests[0]!.headers.get('Range')).toBe('bytes=0-0')
    const whole = answeredBy(() => bytesAnswer(BYTES)).blocks
    expect(factsOf(await rejection(whole.size('o.01')))).toEqual(FAILED)
  })
})

/** Blocks of an object store that gets requests and never answers. */
function silent(): ReturnType<typeof answeredBy> & { readonly sent: Promise<void> } {
  let isSent: () => void = () => undefined
  const sent = new Promise<void>((resolve) => (isSent = resolve))
  const backend = answeredBy(() => {
    isSent()
    return new Promise(() => undefined)
  })
  return { ...backend, sent }
}

/** A body that fails after three bytes. */
function brokenOff(): ReadableStream<Uint8Array> {
  let pulls = 0
  return new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(BYTES)
      else controller.error(new TypeError('terminated'))
    },
  })
}

describe('a request', () => {
  it('that gets no answer fails as a connection does', async () => {
    const cause = new TypeError('fetch failed')
    const { blocks } = answeredBy(() => Promise.reject(cause))
    const error = await rejection(blocks.put('o.01', BYTES))
    expect(factsOf(error)).toEqual(UNKNOWN)
    expect(error).toHaveProperty('cause', cause)
    expect(factsOf(await rejection(blocks.get('o.01')))).toEqual(PASSING)
  })

  it.each([[{ enough: true }], [null]])(
    'is aborted with the reason %j of the signal, whatever fetch does',
    async (reason) => {
      const controller = new AbortController()
      const { blocks, requests } = answeredBy(() => {
        controller.abort(reason)
        return new Promise(() => undefined)
      })
      await expect(blocks.put('o.01', BYTES, { signal: controller.signal })).rejects.toBe(reason)
      await expect(blocks.get('o.01', { signal: controller.signal })).rejects.toBe(reason)
      expect(requests).toHaveLength(1)
      expect(requests[0]!.signal.aborted).toBe(true)
    },
  )

  it('is sent once, and the next one waits a while if it has failed for now', async () => {
    stopClock()
    // The shortest pauses: half of each is random.
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    try {
      const { blocks, requests } = answeredBy(() => errorAnswer(503, 'SlowDown'))
      // Those that fail together count once.
      await Promise.all([1, 2, 3].map(() => rejection(blocks.get('o.01'))))
      for (const pauseMs of [100, 200, 400, 800, 1600, 2000, 2000]) {
        const sent = requests.length
        const next = rejection(blocks.put('o.02', BYTES))
        await vi.advanceTimersByTimeAsync(pauseMs / 2 - 1)
        expect(requests).toHaveLength(sent)
        await vi.advanceTimersByTimeAsync(1)
        await next
        expect(requests).toHaveLength(sent + 1)
      }
      const controller = new AbortController()
      const waiting = rejection(blocks.get('o.01', { signal: controller.signal }))
      controller.abort('enough')
      expect(await waiting).toBe('enough')
    } finally {
      random.mockRestore()
      vi.useRealTimers()
    }
  })

  it('does not wait after a success, or after a failure that is final', async () => {
    stopClock()
    try {
      const codes = ['SlowDown', 'AccessDenied', 'AccessDenied']
      const { blocks, requests } = answeredBy(() => {
        const code = codes.shift()
        return code === undefined ? bytesAnswer(BYTES) : errorAnswer(code === 'SlowDown' ? 503 : 403, code)
      })
      await rejection(blocks.get('o.01'))
      const after = rejection(blocks.get('o.01'))
      await vi.advanceTimersByTimeAsync(100)
      await after
      await rejection(blocks.get('o.01'))
      await blocks.get('o.01')
      await blocks.get('o.01')
      expect(requests).toHaveLength(5)
    } finally {
      vi.useRealTimers()
    }
  })

  it('that is under way is waited for by close()', async () => {
    let answer: (response: Response) => void = () => undefined
    let isSent: () => void = () => undefined
    const sent = new Promise<void>((resolve) => (isSent = resolve))
    const { blocks, close } = answeredBy(() => {
      isSent()
      return new Promise((resolve) => (answer = resolve))
    })
    const order: string[] = []
    const put = blocks.put('o.01', BYTES).then(() => order.push('stored'))
    await sent
    const closed = close().then(() => order.push('closed'))
    await expect(blocks.get('o.01')).rejects.toThrow('the backend is closed')
    answer(new Response(null))
    await Promise.all([put, closed])
    expect(order).toEqual(['stored', 'closed'])
  })
})

describe('credentials', () => {
  it('are made when they are needed, for all requests together, until they end', async () => {
    let made = 0
    const make = (): S3Credentials => {
      const expires = new Date(Date.now() + (made === 1 ? 59_000 : 3_600_000))
      return { ...CREDENTIALS, accessKeyId: `KEY${made++}`, sessionToken: 'token', expires }
    }
    const { blocks, requests } = answeredBy(() => new Response(null), { credentials: make })
    expect(made).toBe(0)
    await Promise.all([blocks.delete('o.01'), blocks.delete('o.02')])
    await blocks.delete('o.03')
    expect(keysOf(requests)).toEqual(['KEY0', 'KEY0', 'KEY0'])
    expect(requests[0]!.headers.get('X-Amz-Security-Token')).toBe('token')
  })

  it('that end in less than a minute are made again', async () => {
    let made = 0
    const { blocks, requests } = answeredBy(() => new Response(null), {
      credentials: () => ({ ...CREDENTIALS, accessKeyId: `KEY${made++}`, expires: new Date(Date.now() + 59_000) }),
    })
    for (const name of ['o.01', 'o.02']) await blocks.delete(name)
    expect(keysOf(requests)).toEqual(['KEY0', 'KEY1'])
  })

  it.each(['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired'])('refused with %s are made again', async (code) => {
    let made = 0
    const { blocks, requests } = answeredBy(
      ({ headers }) => (headers.get('Authorization')!.includes('KEY0') ? errorAnswer(400, code) : new Response(null)),
      { credentials: async () => ({ ...CREDENTIALS, accessKeyId: `KEY${made++}` }) },
    )
    expect(factsOf(await rejection(blocks.put('o.01', BYTES)))).toEqual(PASSING)
    await blocks.put('o.02', BYTES)
    expect(keysOf(requests)).toEqual(['KEY0', 'KEY1'])
  })

  it('are made again once, however late the requests that they signed are refused', async () => {
    let made = 0
    const refusals: (() => void)[] = []
    const { blocks, requests } = answeredBy(
      ({ headers }) =>
        headers.get('Authorization')!.includes('KEY0')
          ? new Promise((resolve) => refusals.push(() => resolve(errorAnswer(400, 'ExpiredToken'))))
          : new Response(null),
      { credentials: async () => ({ ...CREDENTIALS, accessKeyId: `KEY${made++}` }) },
    )
    const refused = ['o.01', 'o.02'].map((name) => rejection(blocks.put(name, BYTES)))
    await vi.waitUntil(() => refusals.length === 2, { timeout: 30_000, interval: 1 })
    refusals[0]!()
    await Promise.race(refused)
    await blocks.put('o.03', BYTES)
    refusals[1]!()
    await Promise.all(refused)
    await blocks.put('o.04', BYTES)
    expect(keysOf(requests)).toEqual(['KEY0', 'KEY0', 'KEY1', 'KEY1'])
  })

  it('that never come are asked for again after the time-out, and do not count if they come then', async () => {
    const asked: ((credentials: S3Credentials) => void)[] = []
    const { blocks, requests } = answeredBy(
      ({ headers }) =>
        headers.get('Authorization')!.includes('KEY1') ? errorAnswer(400, 'ExpiredToken') : new Response(),
      { credentials: () => new Promise((resolve) => asked.push(resolve)) },
    )
    const give = (number: number): void => asked[number]!({ ...CREDENTIALS, accessKeyId: `KEY${number}` })
    stopClock()
    try {
      const first = blocks.delete('o.01').catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(factsOf(await first)).toEqual(PASSING)
      const second = blocks.delete('o.02').catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(100)
      expect(asked).toHaveLength(2)
      give(1)
      await vi.advanceTimersByTimeAsync(0)
      give(0)
      expect(factsOf(await second)).toEqual(PASSING)
      const third = blocks.delete('o.03')
      await vi.advanceTimersByTimeAsync(200)
      expect(asked).toHaveLength(3)
      give(2)
      await third
    } finally {
      vi.useRealTimers()
    }
    expect(keysOf(requests)).toEqual(['KEY1', 'KEY2'])
  })

  it('that cannot be had fail the request, and the next one asks again', async () => {
    let asked = 0
    const cause = new Error('no role')
    const { blocks, requests } = answeredBy(() => new Response(null), {
      credentials() {
        if (asked++ === 0) throw cause
        return CREDENTIALS
      },
    })
    const error = await rejection(blocks.put('o.01', BYTES))
    expect(factsOf(error)).toEqual(FAILED)
    expect(error).toMatchObject({ message: 'cannot store object o.01: there are no credentials', cause })
    await blocks.put('o.01', BYTES)
    expect(requests).toHaveLength(1)
  })
})

function keysOf(requests: readonly SentRequest[]): string[] {
  return requests.map(({ headers }) => /Credential=(\w+)/.exec(headers.get('Authorization')!)![1]!)
}

describe('a list', () => {
  const list = (answer: () => Response, after?: string): Promise<unknown> =>
    answeredBy(answer, { prefix: 'p/q' }).blocks.list({ prefix: 'o.', after, limit: 10 })

  it('has the names below the prefix with their lengths, and leaves out what cannot be an object', async () => {
    const keys = [
      ['p/q/o.%2D+', 1],
      ['p%2Fq%2Fo.01', 12],
      ['p/q/o.02%2Fo.03', 1],
      ['p/q/o.04', 0],
    ] as const
    expect(await list(() => listAnswer(keys))).toEqual([
      { name: 'o.01', size: 12 },
      { name: 'o.04', size: 0 },
    ])
  })

  it('asks for no more than a page, after a name', async () => {
    const { blocks, requests } = answeredBy(() => listAnswer([]), { prefix: 'p' })
    await blocks.list({ prefix: 'o.', after: 'o.7', limit: 5000 })
    const query = 'encoding-type=url&list-type=2&max-keys=1000&prefix=p%2Fo.&start-after=p%2Fo.7'
    expect(requests[0]!.url.href).toBe(`https://s3.example/bucket?${query}`)
  })

  it('goes on after pages without an object', async () => {
    const pages = [listAnswer([['x/y', 1]], 'a &amp; b'), listAnswer([], 'c'), listAnswer([['o.01', 1]])]
    const { blocks, requests } = answeredBy(() => pages.shift()!)
    expect(await blocks.list({ prefix: '', limit: 10 })).toEqual([{ name: 'o.01', size: 1 }])
    expect(requests.map(({ url }) => url.searchParams.get('continuation-token'))).toEqual([null, 'a & b', 'c'])
  })

  it.each([
    [
      'in another order',
      () =>
        listAnswer([
          ['p/q/o.02', 1],
          ['p/q/o.01', 1],
        ]),
    ],
    [
      'with a name twice',
      () =>
        listAnswer([
          ['p/q/o.01', 1],
          ['p/q/o.01', 1],
        ]),
    ],
    ['that begins too early', () => listAnswer([['p/q/o.00', 1]]), 'o.00'],
    ['of other names', () => listAnswer([['p/q/x.00', 1]])],
    ['of another prefix', () => listAnswer([['r/s/o.00', 1]])],
    ['that never ends', () => listAnswer([], 'again')],
  ])('%s is refused', async (_, answer, after?: string) => {
    expect(factsOf(await rejection(list(answer, after)))).toEqual(FAILED)
  })

  it.each([
    ['of another kind', '<Other><IsTruncated>false</IsTruncated></Other>'],
    ['that is cut off', '<ListBucketResult><IsTruncated>false</IsTruncated>'],
    ['in two parts', '<ListBucketResult/><ListBucketResult/>'],
    ['without its end', '<ListBucketResult></ListBucketResult>'],
    ['with more, but no token', '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'],
    ['of objects without a length', listXml('<Key>o.1</Key>')],
    ['of objects with two lengths', listXml('<Key>o.1</Key><Size>1</Size><Size>2</Size>')],
    ['of objects with a wrong length', listXml('<Key>o.1</Key><Size>-1</Size>')],
    ['of keys that are not encoded', listXml('<Key>%zz</Key><Size>1</Size>', '<EncodingType>url</EncodingType>')],
    ['with an entity of its own', listXml('<Key>&own;</Key><Size>1</Size>')],
    ['with a document type', `<!DOCTYPE a [<!ENTITY own "x">]>${listXml('')}`],
    ['with a character that does not exist', listXml('<Key>&#xd800;</Key><Size>1</Size>')],
    ['with tags that do not match', listXml('<Key>o.1</Size><Size>1</Key>')],
    ['that is too deep', listXml('<a>'.repeat(20) + '</a>'.repeat(20))],
    ['that is empty', ''],
  ])('%s is an error', async (_, xml) => {
    expect(factsOf(await rejection(list(() => new Response(xml))))).toEqual(PASSING)
  })

  it('that is too long is an error, before all of it is read', async () => {
    let pulls = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls++
        controller.enqueue(new Uint8Array(1_000_000).fill(32))
      },
    })
    expect(factsOf(await rejection(list(() => new Response(endless))))).toEqual(FAILED)
    expect(pulls).toBeLessThan(20)
  })
})

function listXml(contents: string, more = ''): string {
  return `<ListBucketResult>${more}<IsTruncated>false</IsTruncated><Contents>${contents}</Contents></ListBucketResult>`
}
