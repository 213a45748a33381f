import { describe, expect, it } from 'vitest'
import { canMakeByteStreams } from '../../src/bytes/byte-stream.ts'
import {
  AlreadyExistsError,
  BackendError,
  ConflictError,
  FormatError,
  IntegrityError,
  NotFoundError,
  QuotaExceededError,
} from '../../src/errors.ts'
import type { Entry, Hive } from '../../src/hive/hive.ts'
import { createHiveHandler, type Transfer } from '../../src/http.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

const SIZE = 1_000

/** A hive with one entry, whose bytes come from `pull`. */
function start(pull: (controller: ReadableStreamDefaultController<Uint8Array>) => unknown) {
  const seen = { opened: 0, closed: 0, cancelled: [] as unknown[] }
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          await pull(controller)
        },
        cancel: (reason) => void seen.cancelled.push(reason),
      },
      { highWaterMark: 0 },
    )
  const entry = {
    alias: 'x',
    size: SIZE,
    etag: '"x"',
    type: 'text/plain',
    modified: new Date(0),
    stream: body,
    signature: body,
    close: async () => void seen.closed++,
  } as Partial<Entry> as Entry
  const hive = { open: async () => (seen.opened++, entry) } as Partial<Hive> as Hive
  const transfers: Transfer[] = []
  const errors: unknown[] = []
  const handler = createHiveHandler(hive, {
    onTransfer: (transfer) => transfers.push(transfer),
    onError: (error) => errors.push(error),
  })
  const get = (query = '', init: RequestInit = {}): Promise<Response> =>
    soon(handler(new Request(`http://hive.test/x${query}`, init)), 'the answer')
  return { get, seen, transfers, errors }
}

const FAILURES: [Error, number][] = [
  [new IntegrityError('damaged', { streamId: '00', blockIndex: 0 }), 500],
  [new FormatError('of a later version', { reason: 'unsupported' }), 500],
  [new BackendError('the disk', { retryable: false }), 500],
  [new BackendError('busy', { retryable: true }), 503],
  [new QuotaExceededError('full'), 507],
  [new NotFoundError('removed', { alias: 'x' }), 404],
  [new NotFoundError('a stream that is not there', { streamId: '00' }), 500],
  [new ConflictError('updated', { alias: 'x', actualEtag: '"y"' }), 409],
  [new AlreadyExistsError('there', { alias: 'x' }), 412],
]

for (const [what, query, headers] of [
  ['an entry', '', {}],
  ['a range', '', { Range: 'bytes=500-' }],
  ['a signature', '?signature', {}],
] as const) {
  describe(`${what} that fails`, () => {
    for (const [failure, status] of FAILURES) {
      it(`before its first byte with ${failure.name} (${failure.message}) is answered with ${status}`, async () => {
        const { get, seen, transfers, errors } = start(() => {
          throw failure
        })
        const response = await get(query, { headers })
        expect(response.status).toBe(status)
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect(response.headers.get('content-range')).toBeNull()
        const problem = (await response.json()) as Record<string, unknown>
        expect(problem['status']).toBe(status)
        expect(errors).toEqual(status >= 500 ? [failure] : [])
        expect(transfers).toMatchObject([{ alias: 'x', status }])
        expect(seen).toMatchObject({ opened: 1, closed: 1 })
      })
    }

    it('after its first byte breaks off', async () => {
      const failure = new IntegrityError('damaged')
      let chunks = 0
      const { get, seen, transfers, errors } = start((controller) => {
        if (chunks++ > 0) throw failure
        controller.enqueue(randomBytes(10))
      })
      const response = await get(query, { headers })
      expect(response.ok).toBe(true)
      await rejection(response.arrayBuffer())
      expect(errors).toEqual([failure])
      expect(transfers).toMatchObject([{ status: response.status, sent: 10 }])
      expect(seen).toMatchObject({ opened: 1, closed: 1 })
    })

    it('is cancelled when its client leaves before the first byte', async () => {
      const gone = new AbortController()
      let asked: () => void
      const wasAsked = new Promise<void>((resolve) => {
        asked = resolve
      })
      const { get, seen, transfers, errors } = start(() => {
        asked()
        return new Promise(() => undefined)
      })
      const answer = get(query, { headers, signal: gone.signal })
      await wasAsked
      gone.abort()
      expect((await answer).status).toBe(499)
      expect(errors).toEqual([])
      expect(transfers).toMatchObject([{ status: 499 }])
      expect(seen).toMatchObject({ opened: 1, closed: 1 })
      expect(seen.cancelled).toHaveLength(1)
    })
  })
}

describe('a body', () => {
  it('delivers the chunk that was read ahead first, and only once', async () => {
    let chunks = 0
    const { get, transfers } = start((controller) => {
      controller.enqueue(Uint8Array.of(chunks, chunks))
      if (++chunks === 3) controller.close()
    })
    const response = await get()
    expect(chunks).toBe(1)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.of(0, 0, 1, 1, 2, 2))
    expect(transfers).toMatchObject([{ status: 200, sent: 6 }])
  })

  it('fills the buffers of a BYOB reader in the same order, where the host has them', async () => {
    if (!canMakeByteStreams()) return
    let chunks = 0
    const { get, transfers } = start((controller) => {
      controller.enqueue(new Uint8Array(5).fill(++chunks))
      if (chunks === 3) controller.close()
    })
    const reader = (await get()).body!.getReader({ mode: 'byob' })
    const bytes: number[] = []
    for (let ended = false; !ended;) {
      const { value, done } = await reader.read(new Uint8Array(3))
      bytes.push(...value!)
      ended = done
    }
    expect(bytes).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3])
    expect(transfers).toMatchObject([{ status: 200, sent: 15 }])
  })

  it('is cancelled if it is not read to its end', async () => {
    const { get, seen, transfers } = start((controller) => controller.enqueue(randomBytes(10)))
    const response = await get()
    await response.body!.cancel('enough')
    expect(seen).toMatchObject({ closed: 1, cancelled: ['enough'] })
    expect(transfers).toMatchObject([{ status: 200, sent: 0 }])
  })
})
