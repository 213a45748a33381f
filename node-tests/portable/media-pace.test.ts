import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createFetchResponder, type FetchResponder, type FetchResponderOptions } from '../../src/service-worker.ts'
import { MediaHolds } from '../../src/service-worker/media-holds.ts'
import type { WorkerClient } from '../../src/service-worker/page-identities.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

const URL = 'https://page.test/media/bee.webm'
const BYTES = randomBytes(3_500_000)
const ANSWER_MS = 50

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

async function responder(untilNeeded: FetchResponderOptions['untilNeeded']): Promise<FetchResponder> {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(BYTES).stream().pipeTo(hive.sink('bee.webm'))
  return createFetchResponder(hive, { base: 'https://page.test/media/', mediaAhead: 1_000_000, untilNeeded })
}

/** Only a browser can make a request of a `<video>`. */
function request(destination: string, range = 'bytes=0-'): Request {
  return Object.defineProperty(new Request(URL, { headers: { Range: range } }), 'destination', { value: destination })
}

it('a body of a <video> waits each time that its page has taken a number of bytes, by however many requests', async () => {
  let asked = 0
  const needs = [true, false]
  const respond = await responder(() => Promise.resolve(needs[asked++]!))
  const read = async (destination: string, range: string, client: string): Promise<number> => {
    const response = await respond(request(destination, range), client)!
    return (await soon(collect(response.body!), 'the body')).byteLength
  }
  expect([await read('', 'bytes=0-', 'a'), asked]).toEqual([BYTES.byteLength, 0])
  expect([await read('video', 'bytes=0-599999', 'a'), asked]).toEqual([600_000, 0])
  expect([await read('video', 'bytes=0-599999', 'b'), asked]).toEqual([600_000, 0])
  expect([await read('video', 'bytes=100000-1199999', 'a'), asked]).toEqual([1_100_000, 1])
  expect([await read('video', 'bytes=0-', 'a'), asked]).toEqual([BYTES.byteLength, 2])
  expect([await read('video', 'bytes=0-', 'a'), asked]).toEqual([BYTES.byteLength, 2])
})

it('a body fails if its page does not want it any more, and stops asking if the browser gives it up', async () => {
  const gone = await responder(() => Promise.reject(new Error('gone')))
  const response = await gone(request('audio'), 'a')!
  expect(await rejection(collect(response.body!))).toMatchObject({ message: 'gone' })

  let signal: AbortSignal | undefined
  let ask: () => void
  const asked = new Promise<void>((resolve) => (ask = resolve))
  const held = await responder((_, given) => {
    signal = given
    ask()
    return new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason as Error)))
  })
  const { body } = await held(request('video'), 'a')!
  const reader = body!.getReader()
  const reading = (async () => {
    while (!(await reader.read()).done);
  })()
  reading.catch(() => undefined)
  await soon(asked, 'the question')
  await reader.cancel('seeking')
  expect(signal!.reason).toBe('seeking')
})

interface Page {
  readonly client: WorkerClient
  readonly told: string[]
  /** Resolves with the id of the next request that is held. */
  held(): Promise<string>
}

function page(id: string): Page {
  const told: string[] = []
  let tell: (id: string) => void = () => undefined
  const postMessage = (message: unknown): void => {
    const { type, id: held } = message as { type: string; id: string }
    told.push(type)
    if (type === 'combstream:hold') tell(held)
  }
  return { client: { id, type: 'window', postMessage }, told, held: () => new Promise((resolve) => (tell = resolve)) }
}

it('a page says when it needs more; one that says nothing does not hold anything', async () => {
  const [a, silent] = [page('a'), page('silent')]
  const holds = new MediaHolds(
    { get: () => Promise.resolve(undefined), matchAll: () => Promise.resolve([a.client]) },
    50,
  )
  const { signal } = new AbortController()
  for (const [said, outcome] of [
    ['more', true],
    ['unknown', false],
  ] as const) {
    const held = a.held()
    const until = holds.untilNeeded(a.client, URL, signal)
    const id = await held
    holds.answer('another', 'more')
    holds.answer(id, 'watching')
    vi.advanceTimersByTime(ANSWER_MS)
    expect(holds.has(id)).toBe(true)
    holds.answer(id, said)
    expect([await until, holds.has(id), a.told.splice(0)]).toEqual([
      outcome,
      false,
      ['combstream:hold', 'combstream:lost'],
    ])
  }
  const held = silent.held()
  const until = holds.untilNeeded(silent.client, URL, signal)
  await held
  vi.advanceTimersByTime(ANSWER_MS)
  expect(await until).toBe(false)
  expect(await holds.untilNeeded(undefined, URL, signal)).toBe(false)
})

it('a request is held no longer than its element, its page and its body exist', async () => {
  const [a, b] = [page('a'), page('b')]
  const open = [a.client, b.client]
  const holds = new MediaHolds(
    { get: () => Promise.resolve(undefined), matchAll: () => Promise.resolve(open) },
    ANSWER_MS,
  )
  const body = new AbortController()
  const hold = async ({ client, held }: Page): Promise<{ id: string; failure: Promise<unknown> }> => {
    const holding = held()
    const failure = rejection(holds.untilNeeded(client, URL, body.signal))
    const id = await holding
    holds.answer(id, 'watching')
    return { id, failure }
  }
  const removed = await hold(a)
  holds.answer(removed.id, 'gone')
  expect(await removed.failure).toMatchObject({ name: 'AbortError' })
  const closed = await hold(b)
  open.pop()
  const given = await hold(a)
  expect(await closed.failure).toMatchObject({ name: 'AbortError', message: 'the page has gone' })
  body.abort('stop')
  expect(await given.failure).toBe('stop')
  expect(vi.getTimerCount()).toBe(0)
  expect([removed, closed, given].filter(({ id }) => holds.has(id))).toEqual([])
})
