import { afterEach, describe, expect, it, vi } from 'vitest'
import { toHex } from '../src/bytes/byte-text.ts'
import type { BackgroundHash } from '../src/bytes/hashing/background-sha256.ts'
import { LINGER_MS } from '../src/bytes/lingering.ts'
import { randomBytes, rejection } from '../node-tests/support/streams.ts'

const bytes = randomBytes(7_000_000)
const BLOCK_BYTES = 1_000_000
/** What is hashed in the page before a worker is asked for. */
const SHORT_BYTES = 4_000_000

const PageWorker = globalThis.Worker

let pages = 0

/** The workers that the module under test has made. */
let workers: WatchedWorker[] = []

class WatchedWorker extends PageWorker {
  readonly requests: string[] = []
  readonly ready: Promise<void>
  isTerminated = false

  constructor(url: URL | string, options?: WorkerOptions) {
    super(url, options)
    // After the module has got the message, too.
    this.ready = new Promise((resolve) => this.addEventListener('message', () => setTimeout(resolve), { once: true }))
    workers.push(this)
  }

  override postMessage(message: unknown, options?: StructuredSerializeOptions | Transferable[]): void {
    this.requests.push((message as { kind: string }).kind)
    super.postMessage(message, options as Transferable[])
  }

  override terminate(): void {
    this.isTerminated = true
    super.terminate()
  }
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  workers = []
})

/** A hash of a page that has just loaded the module, and makes workers of this class. */
async function makers(...given: [worker?: unknown]): Promise<() => Promise<BackgroundHash>> {
  // Without workers, a page has `undefined`.
  vi.stubGlobal('Worker', given.length > 0 ? given[0] : WatchedWorker)
  const fresh = `../src/bytes/hashing/background-sha256.ts?${pages++}`
  const module = (await import(/* @vite-ignore */ fresh)) as typeof import('../src/bytes/hashing/background-sha256.ts')
  return module.createBackgroundSha256
}

async function update(hash: BackgroundHash, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += BLOCK_BYTES) await hash.update(bytes.subarray(at, at + BLOCK_BYTES))
}

async function expectDigest(hash: BackgroundHash, byteLength = bytes.byteLength): Promise<void> {
  const expected = await crypto.subtle.digest('SHA-256', bytes.subarray(0, byteLength))
  expect(toHex(await hash.digest())).toBe(toHex(new Uint8Array(expected)))
}

/** A hash that goes on in a worker. */
async function handedOn(create: () => Promise<BackgroundHash>): Promise<BackgroundHash> {
  const hash = await create()
  await update(hash, 0, SHORT_BYTES + BLOCK_BYTES)
  await workers.at(-1)!.ready
  await update(hash, SHORT_BYTES + BLOCK_BYTES, SHORT_BYTES + 2 * BLOCK_BYTES)
  expect(workers.at(-1)!.requests).toEqual(expect.arrayContaining(['begin', 'update']))
  return hash
}

describe('createBackgroundSha256', () => {
  it('makes no worker for a short stream', async () => {
    const create = await makers()
    const hash = await create()
    await update(hash, 0, SHORT_BYTES)
    await expectDigest(hash, SHORT_BYTES)
    expect(workers).toEqual([])
  })

  it('goes on in a worker, which several hashes share, and which ends some time after the last one', async () => {
    const create = await makers()
    const [one, other] = [await handedOn(create), await handedOn(create)]
    expect(workers).toHaveLength(1)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    await update(one, SHORT_BYTES + 2 * BLOCK_BYTES, bytes.byteLength)
    await expectDigest(one)
    vi.advanceTimersByTime(2 * LINGER_MS)
    expect(workers[0]!.isTerminated).toBe(false)
    await expectDigest(other, SHORT_BYTES + 2 * BLOCK_BYTES)
    vi.advanceTimersByTime(LINGER_MS - 1)
    expect(workers[0]!.isTerminated).toBe(false)
    vi.advanceTimersByTime(1)
    expect(workers[0]!.isTerminated).toBe(true)
    vi.useRealTimers()
    await expectDigest(await handedOn(create), SHORT_BYTES + 2 * BLOCK_BYTES)
    expect(workers).toHaveLength(2)
  })

  it('goes on from its second block in a worker that another hash has left', async () => {
    const create = await makers()
    const first = await handedOn(create)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    await expectDigest(first, SHORT_BYTES + 2 * BLOCK_BYTES)
    vi.advanceTimersByTime(LINGER_MS - 1)
    const sent = workers[0]!.requests.length
    const next = await create()
    await update(next, 0, BLOCK_BYTES)
    expect(workers[0]!.requests).toHaveLength(sent)
    await update(next, BLOCK_BYTES, 2 * BLOCK_BYTES)
    expect(workers[0]!.requests.slice(sent)).toEqual(['begin', 'update'])
    // The first one left so long ago, but another one is there now.
    vi.advanceTimersByTime(1)
    await expectDigest(next, 2 * BLOCK_BYTES)
    vi.advanceTimersByTime(LINGER_MS - 1)
    expect(workers[0]!.isTerminated).toBe(false)
    vi.advanceTimersByTime(1)
    expect(workers[0]!.isTerminated).toBe(true)
    expect(workers).toHaveLength(1)
  })

  it('needs the worker no longer when the last hash is given up', async () => {
    const create = await makers()
    const hash = await handedOn(create)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    hash.discard!()
    expect(workers[0]!.requests.at(-1)).toBe('discard')
    vi.advanceTimersByTime(LINGER_MS)
    expect(workers[0]!.isTerminated).toBe(true)
  })

  it('keeps no bytes that it was given', async () => {
    const create = await makers()
    const hash = await handedOn(create)
    const copy = bytes.slice(SHORT_BYTES + 2 * BLOCK_BYTES)
    await hash.update(copy)
    expect(copy.byteLength).toBe(bytes.byteLength - SHORT_BYTES - 2 * BLOCK_BYTES)
    copy.fill(0)
    await expectDigest(hash)
  })

  it('lets the worker fall at most 4 MB behind', async () => {
    const create = await makers()
    const hash = await handedOn(create)
    const waits = []
    for (let i = 0; i < 6; i++) waits.push(hash.update(bytes.subarray(0, BLOCK_BYTES)))
    expect(waits.slice(0, 3)).toEqual([undefined, undefined, undefined])
    expect(waits.at(-1)).toBeInstanceOf(Promise)
    for (const wait of waits) await wait
    hash.discard!()
  })

  it.each([
    ['there are none', undefined],
    [
      'they are not allowed',
      function refuse() {
        throw new DOMException('refused', 'SecurityError')
      },
    ],
    [
      'their script is missing',
      class extends WatchedWorker {
        constructor() {
          super('/nothing/here.js', { type: 'module' })
        }
      },
    ],
  ])('hashes in the page if %s', async (_, worker) => {
    const create = await makers(worker)
    for (let i = 0; i < 2; i++) {
      const hash = await create()
      await update(hash, 0, bytes.byteLength)
      await expectDigest(hash)
      expect(workers.flatMap(({ requests }) => requests)).toEqual([])
    }
  })

  it('fails if the worker ends, and hashes in the page from then on', async () => {
    const create = await makers()
    const hash = await handedOn(create)
    const digest = hash.digest()
    workers[0]!.onerror!(new ErrorEvent('error', { message: 'out of memory', cancelable: true }))
    expect(await rejection(Promise.resolve(digest))).toMatchObject({
      name: 'BackendError',
      retryable: true,
      message: 'the worker that computes hashes has failed: out of memory',
    })
    const next = await create()
    await update(next, 0, bytes.byteLength)
    await expectDigest(next)
    expect(workers).toHaveLength(1)
  })
})
