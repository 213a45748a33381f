import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { CachedHive } from '../../src/cache/cached-hive-types.ts'
import { openConfirmed } from '../../src/cache/open-confirmed.ts'
import { storedBlob } from '../../src/hive/pinned-entry.ts'
import { createFetchResponder, type Delivery } from '../../src/service-worker/fetch-responder.ts'
import type { Backend } from '../../src/store/backend.ts'
import { COST, type CachedSetup, putEntry, readEntry, setUpCache } from '../support/cached-setup.ts'
import { SmallBlocksHive } from '../support/small-blocks-hive.ts'
import { randomBytes, rejection } from '../support/streams.ts'

/** Blocks that are not in the row of their stream. */
const BLOCK = 20_000
const BLOCK_COST = BLOCK + COST - 1_000
const BYTES = randomBytes(2.5 * BLOCK, 1)

/** An engine that has its objects as Blobs, and which of them were opened. */
function blobBackend(): Backend & { readonly opened: string[] } {
  const backend = memoryBackend()
  const opened: string[] = []
  const blocks = Object.assign(Object.create(backend.blocks) as Backend['blocks'], {
    async blob(name: string) {
      opened.push(name)
      const bytes = await backend.blocks.get(name)
      return bytes && new Blob([bytes])
    },
  })
  return { ...backend, blocks, opened }
}

interface BlobSetup extends CachedSetup {
  readonly backend: ReturnType<typeof blobBackend>
}

/** An entry that was read once. */
async function setUp(bytes = 1_000_000): Promise<BlobSetup> {
  const backend = blobBackend()
  const setup = setUpCache({ bytes }, backend, new SmallBlocksHive(BLOCK))
  await putEntry(setup.remote, 'x', BYTES)
  await readEntry(setup.hive, 'x')
  return { ...setup, backend }
}

/** The bytes of a range, from a Blob; undefined if the cache does not answer with one. */
async function blobOf(
  hive: CachedHive,
  start = 0,
  end = BYTES.byteLength,
  alias = 'x',
): Promise<Uint8Array | undefined> {
  const blob = await storedBlob(await hive.open(alias), { start, end })
  return blob && new Uint8Array(await blob.arrayBuffer())
}

describe('a cached hive on an engine with Blobs', () => {
  it('answers with them after the first play, in any range, and counts that', async () => {
    const { hive, remote } = await setUp()
    const before = { ...hive.statistics }
    let bytes = 0
    for (const [start, end] of [
      [0, BYTES.byteLength],
      [BLOCK, 2 * BLOCK],
      [BLOCK - 1, BLOCK + 1],
      [5, 2 * BLOCK + 7],
      [BYTES.byteLength - 1, BYTES.byteLength],
    ] as const) {
      expect(await blobOf(hive, start, end)).toEqual(BYTES.slice(start, end))
      bytes += end - start
    }
    expect(hive.statistics).toEqual({ ...before, cacheBytes: before.cacheBytes + bytes })
    expect(remote.sentBytes).toBe(BYTES.byteLength)
  })

  it('has checked the bytes before, since it was made', async () => {
    const { another, errors, backend } = await setUp()
    const hive = another()
    expect(await blobOf(hive)).toBe(undefined)
    await readEntry(hive, 'x', { end: BLOCK + 1 })
    expect(await blobOf(hive, 100, 2 * BLOCK)).toEqual(BYTES.slice(100, 2 * BLOCK))
    expect(await blobOf(hive)).toBe(undefined)

    const [damaged] = await objectsOf(backend)
    const get = backend.blocks.get.bind(backend.blocks)
    backend.blocks.get = async (name, options) => {
      const bytes = await get(name, options)
      return name === damaged ? bytes?.fill(7) : bytes
    }
    const third = another()
    for (const each of [hive, third]) {
      expect(await readEntry(each, 'x')).toEqual(BYTES)
      expect((await blobOf(each)) ?? BYTES).toEqual(BYTES)
    }
    expect(errors).toMatchObject([{ name: 'IntegrityError' }])
    backend.opened.length = 0
    await Promise.all([0, 1, 2].map(() => blobOf(third)))
    expect(backend.opened).toEqual([])
  })

  it('does not answer with what a reader has found damaged since', async () => {
    const { hive, remote, backend } = await setUp()
    expect(await blobOf(hive)).toEqual(BYTES)
    remote.isOffline = true
    const get = backend.blocks.get.bind(backend.blocks)
    backend.blocks.get = async (...given) => (await get(...given))?.fill(7)
    expect(await rejection(readEntry(hive, 'x', { end: BLOCK }))).toMatchObject({ name: 'BackendError' })
    // Neither the answer that was made last, nor any other with that block.
    for (const end of [BYTES.byteLength, BLOCK, 10]) expect(await blobOf(hive, 0, end), String(end)).toBe(undefined)
    expect(await blobOf(hive, BLOCK)).toEqual(BYTES.slice(BLOCK))
  })

  it('lets go of all when it is cleared: also of what another principal keeps in the store', async () => {
    const { hive, another } = await setUp()
    await readEntry(another({ principal: 'bob' }), 'x')
    await hive.clear()
    await readEntry(hive, 'x')
    // The store still had these bytes, so they were not checked when they were kept.
    expect(await blobOf(hive)).toBe(undefined)
    await readEntry(hive, 'x')
    expect(await blobOf(hive)).toEqual(BYTES)
  })

  it('does not answer with what was evicted, cleared or replaced, by whomever', async () => {
    const { hive, another, remote } = await setUp(3 * BLOCK_COST)
    const other = another()
    await other.clear()
    expect(await blobOf(hive)).toBe(undefined)
    await readEntry(hive, 'x')
    expect(await blobOf(hive)).toEqual(BYTES)
    await hive.clear()
    expect(await blobOf(hive)).toBe(undefined)

    await readEntry(hive, 'x')
    await putEntry(remote, 'y', randomBytes(BLOCK, 2))
    await readEntry(other, 'y')
    expect(await blobOf(hive)).toBe(undefined)
    expect(await readEntry(hive, 'x')).toEqual(BYTES)

    const changed = BYTES.slice().fill(7, 0, 10)
    await putEntry(remote, 'x', changed)
    const old = await hive.open('x')
    expect(await readEntry(hive, 'x')).toEqual(changed)
    const answer = await blobOf(hive, 0, 100)
    expect(answer ?? changed.slice(0, 100)).toEqual(changed.slice(0, 100))
    expect(old.etag).toBe((await hive.open('x')).etag)
  })

  it('does not answer with what was cleared before it was opened, while an earlier opening still waits for its row', async () => {
    const { hive, another, remote, backend } = await setUp()
    const reads = signalled()
    const rows = signalled()
    const answers = signalled()
    const get = backend.metadata.get.bind(backend.metadata)
    const open = remote.open.bind(remote)
    backend.metadata.get = async (...given) => {
      const row = await get(...given)
      reads.resolve()
      await rows.promise
      return row
    }
    const earlier = hive.open('x')
    await reads.promise
    backend.metadata.get = get
    await another().clear()
    remote.open = async (...given) => {
      await answers.promise
      return open(...given)
    }
    const asked = blobOf(hive)
    // By now its rows are read, too.
    await hive.cached('x')
    rows.resolve()
    await earlier
    answers.resolve()
    expect(await asked).toBe(undefined)
  })

  it('does not answer with what another tab has cleared or evicted, to a request that names its version either', async () => {
    const { hive, another, remote } = await setUp(3 * BLOCK_COST)
    const { etag } = await hive.open('x')
    const named = async (): Promise<Blob | undefined> => {
      const entry = openConfirmed(hive, 'x', etag, { bufferSize: 1_048_576, consistency: 'conflict' })!
      return storedBlob(entry, { start: 0, end: BYTES.byteLength })
    }
    expect((await named())?.size).toBe(BYTES.byteLength)
    await another().clear()
    expect(await named()).toBe(undefined)
    await readEntry(hive, 'x')
    expect((await named())?.size).toBe(BYTES.byteLength)
    await putEntry(remote, 'y', randomBytes(BLOCK, 2))
    await readEntry(another(), 'y')
    expect(await named()).toBe(undefined)
  })

  it('looks once what was removed for the first answer of a version that is named, from its opening on, and again for each later one', async () => {
    const { hive, another, backend } = await setUp()
    const { etag } = await hive.open('x')
    let reads = 0
    const get = backend.metadata.get.bind(backend.metadata)
    backend.metadata.get = (...given) => {
      reads++
      return get(...given)
    }
    const opening = { bufferSize: 1_048_576, consistency: 'conflict' } as const
    const range = { start: 0, end: BYTES.byteLength }
    const entry = openConfirmed(hive, 'x', etag, opening)!
    // Before anything is waited for: the rest of the answer is made meanwhile.
    expect(reads).toBe(1)
    expect((await storedBlob(entry, range))?.size).toBe(BYTES.byteLength)
    expect(reads).toBe(1)
    expect((await storedBlob(entry, range))?.size).toBe(BYTES.byteLength)
    expect(reads).toBe(2)
    await another().clear()
    expect(await storedBlob(entry, range)).toBe(undefined)
  })

  it('answers a service worker from the network once another tab has cleared what a URL names', async () => {
    const { hive, another, remote } = await setUp()
    const { etag } = await hive.open('x')
    const respond = createFetchResponder(async () => hive, { base: 'http://page/media/' })
    const ask = async (): Promise<Uint8Array> => {
      const answer = await respond(new Request(`http://page/media/x?v=${encodeURIComponent(etag)}`))
      return new Uint8Array(await answer!.arrayBuffer())
    }
    const before = remote.sentBytes
    // The first request opens the hive.
    for (let i = 0; i < 2; i++) expect(await ask()).toEqual(BYTES)
    expect(remote.sentBytes).toBe(before)
    await another().clear()
    expect(await ask()).toEqual(BYTES)
    expect(remote.sentBytes).toBe(before + BYTES.byteLength)
  })

  it('does not share them between principals, nor keep what its server forbids', async () => {
    const { another, remote } = await setUp()
    const other = another({ principal: 'bob' })
    expect(await blobOf(other)).toBe(undefined)
    await readEntry(other, 'x')
    // The store had these bytes already, so they have not been checked there.
    expect(await blobOf(other)).toBe(undefined)
    await readEntry(other, 'x')
    expect(await blobOf(other)).toEqual(BYTES)
    remote.noStore = true
    await putEntry(remote, 'secret', BYTES)
    await readEntry(other, 'secret')
    expect(await blobOf(other, 0, 10, 'secret')).toBe(undefined)
  })

  it('gives a service worker the same answers as its streams, but no player', async () => {
    const { hive, remote } = await setUp()
    const deliveries: Delivery[] = []
    const respond = createFetchResponder(hive, {
      base: 'http://page/media/',
      onDelivery: (delivery) => deliveries.push(delivery),
    })
    const streams = createFetchResponder(remote, { base: 'http://page/media/' })
    const asked = (init: RequestInit, destination = ''): Request =>
      Object.defineProperty(new Request('http://page/media/x', init), 'destination', { value: destination })
    for (const [method, range, count] of [
      ['GET', undefined, 1],
      ['GET', 'bytes=100-20100', 1],
      ['GET', 'bytes=-1', 1],
      ['GET', 'bytes=0-1,40000-40001', 2],
      ['GET', 'bytes=50000-', 0],
      ['HEAD', 'bytes=0-1', 0],
    ] as const) {
      const init = { method, ...(range && { headers: { Range: range } }) }
      deliveries.length = 0
      const answer = (await respond(asked(init)))!
      const expected = (await streams(asked(init)))!
      expect(answer.status).toBe(expected.status)
      const isMultipart = range?.includes(',')
      expect(headersOf(answer)).toEqual(headersOf(expected))
      expect(await bodyOf(answer)).toEqual(await bodyOf(expected))
      expect(deliveries.length, range).toBe(isMultipart ? deliveries.length : count)
    }
    deliveries.length = 0
    const played = await respond(asked({}, 'video'))
    expect(new Uint8Array(await played!.arrayBuffer())).toEqual(BYTES)
    expect(deliveries.length).toBeGreaterThan(1)
  })
})

async function objectsOf(backend: Backend): Promise<string[]> {
  return (await backend.blocks.list({ prefix: '', limit: 10 })).map(({ name }) => name)
}

/** Header fields but for those that depend on the time of the answer, and without the random boundary of its parts. */
function headersOf({ headers }: Response): Record<string, string> {
  const { date: _date, 'last-modified': _modified, ...others } = Object.fromEntries(headers)
  return { ...others, 'content-type': others['content-type']!.replace(/boundary=.*/, 'boundary=X') }
}

/** The body, a character for each byte, without the random boundary of its parts. */
async function bodyOf(answer: Response): Promise<string> {
  const boundary = /boundary=(\S+)/.exec(answer.headers.get('content-type')!)?.[1]
  const text = new TextDecoder('latin1').decode(await answer.arrayBuffer())
  return boundary === undefined ? text : text.replaceAll(boundary, 'X')
}

/** A promise that a test resolves. */
function signalled(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve!: () => void
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
