import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { toBase64Url } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { cut, rangeOf, withBody } from '../support/faulty-client.ts'
import { sample } from '../support/sample.ts'
import { randomBytes, rejection, soon, standstill } from '../support/streams.ts'

const BLOCK = 1_000_000
const BYTES = randomBytes(2_300_000)
const BLOCKS = [BYTES.slice(0, BLOCK), BYTES.slice(BLOCK, 2 * BLOCK), BYTES.slice(2 * BLOCK)]
const digests = Promise.all(BLOCKS.map(async (block) => toBase64Url(await sha256(block))))

async function store(): Promise<LocalHive> {
  const local = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(BYTES).stream().pipeTo(local.sink('x'))
  return local
}

/** For the tests that only read. */
const shared = store()

type Fault = (request: Request, pass: () => Promise<Response>, count: number) => Promise<Response> | Response

/** A hive with the entry `x`, and a client whose requests for bytes, or for manifests, meet faults. */
async function fixture(faults: { bytes?: Fault; manifest?: Fault } = {}, stored = shared) {
  const local = await stored
  const handler = createHiveHandler(local)
  const requests: Request[] = []
  const counts = { bytes: 0, manifest: 0 }
  const hive = new HttpHive('http://hive.test/', {
    verify: true,
    fetch(url, init) {
      const request = new Request(url, init)
      requests.push(request)
      const pass = (): Promise<Response> => handler(new Request(url, init))
      const kind = request.url.includes('?manifest') ? 'manifest' : 'bytes'
      const fault = request.method === 'GET' ? faults[kind] : undefined
      return Promise.resolve(fault ? fault(request, pass, ++counts[kind]) : pass())
    },
  })
  return { local, handler, hive, requests }
}

/** Flips the byte at an offset of the entry in the first `times` answers that have it. */
function flip(offset: number, times = Infinity): Fault {
  let flipped = 0
  return async (request, pass) => {
    const answer = await pass()
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const [start] = rangeOf(request)
    if (offset >= start && offset < start + bytes.byteLength && flipped++ < times) bytes[offset - start]! ^= 1
    return withBody(answer, bytes)
  }
}

describe('entry.manifest', () => {
  it('has the SHA-256 of each block, whichever hive gives it', async () => {
    const { local, hive } = await fixture()
    for (const [title, entry] of Object.entries({ local: await local.open('x'), http: await hive.open('x') })) {
      const { etag, size } = entry
      const whole = { etag, size, blockLength: BLOCK, start: 0, digests: await digests }
      expect(await entry.manifest(), title).toEqual(whole)
      for (const [start, end, from, to] of [
        [0, 1, 0, 1],
        [BLOCK - 1, BLOCK + 1, 0, 2],
        [BLOCK, 2 * BLOCK, 1, 2],
        [2_100_000, size, 2, 3],
        [5, 5, 0, 0],
        [size, size, 2, 2],
      ] as const) {
        const part = { ...whole, start: from * BLOCK, digests: whole.digests.slice(from, to) }
        expect(await entry.manifest({ start, end }), `${title}, ${start} to ${end}`).toEqual(part)
      }
      expect(await rejection(entry.manifest({ start: size + 1 }))).toMatchObject({ name: 'RangeError' })
      await entry.close()
      expect(await rejection(entry.manifest())).toMatchObject({ name: 'TypeError' })
    }
  })

  it('fails with a conflict once the entry has another version, and as missing once it is gone', async () => {
    const { local, hive } = await fixture({}, store())
    const entries = [await local.open('x'), await hive.open('x')]
    await bytesSource(randomBytes(10)).stream().pipeTo(local.sink('x'))
    for (const entry of entries) expect(await rejection(entry.manifest())).toMatchObject({ name: 'ConflictError' })
    await local.remove('x')
    for (const entry of entries) expect(await rejection(entry.manifest())).toMatchObject({ name: 'NotFoundError' })
  })
})

describe('GET ?manifest', () => {
  it('answers methods and conditions with an etag of its own', async () => {
    const { handler, local } = await fixture()
    const { etag } = await local.stat('x')
    const own = etag.replace(/"$/, '.manifest"')
    const ask = async (query: string, init: RequestInit = {}): Promise<Response> =>
      handler(new Request(`http://hive.test/x?manifest${query}`, init))
    const whole = await ask('')
    expect(whole.headers.get('etag')).toBe(own)
    expect(whole.headers.get('hive-version')).toBe(etag)
    expect(whole.headers.get('content-type')).toBe('application/json')
    expect(await whole.json()).toMatchObject({ etag, blockLength: BLOCK, digests: await digests })
    const head = await ask('', { method: 'HEAD' })
    expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, own, ''])
    expect((await ask('', { headers: { 'If-None-Match': own } })).status).toBe(304)
    expect((await ask('', { headers: { 'If-Match': etag } })).status).toBe(412)
    expect((await ask(`&v=${encodeURIComponent(etag)}`)).status).toBe(200)
    expect((await ask('&v=%22other%22')).status).toBe(412)
    expect((await ask('', { method: 'PUT' })).status).toBe(405)
    for (const wrong of ['&start=-1', '&start=x', '&start=2300001', '&end=2300001', '&start=2&end=1', '&start=']) {
      expect((await ask(wrong)).status, wrong).toBe(400)
    }
  })

  it('stops reading when the client has gone', async () => {
    const { local } = await fixture()
    const statuses: number[] = []
    const handler = createHiveHandler(local, { onTransfer: ({ status }) => statuses.push(status) })
    const controller = new AbortController()
    const answer = handler(new Request('http://hive.test/x?manifest', { signal: controller.signal }))
    controller.abort()
    await answer
    expect(statuses).toEqual([499])
  })
})

describe('HttpHive with verify: true', () => {
  const ranges = [
    [0, 2_300_000],
    [0, 1],
    [999_999, 1_000_001],
    [1_000_000, 2_000_000],
    [1_200_000, 2_250_000],
    [2_299_999, 2_300_000],
    [7, 7],
  ] as const

  for (const consistency of ['conflict', 'snapshot'] as const) {
    it(`reads any range exactly with consistency ${consistency}`, async () => {
      const { hive } = await fixture()
      for (const bufferSize of sample([100_000, 1_048_576])) {
        const entry = await hive.open('x', { consistency, bufferSize })
        for (const [start, end] of ranges) {
          expect(await soon(collect(entry.stream({ start, end })), `${start} to ${end}`)).toEqual(
            BYTES.slice(start, end),
          )
        }
      }
    })

    it(`never delivers a byte of a wrong block with consistency ${consistency}`, async () => {
      const { hive } = await fixture({ bytes: flip(1_500_000) })
      const entry = await hive.open('x', { consistency, bufferSize: 300_000 })
      const received: Uint8Array[] = []
      const reader = entry.stream({ start: 10 }).getReader()
      const error = await rejection(
        (async () => {
          for (let read = await reader.read(); !read.done; read = await reader.read()) received.push(read.value)
        })(),
      )
      const facts = { name: 'IntegrityError', alias: 'x', offset: BLOCK, expected: (await digests)[1] }
      expect(error).toMatchObject(facts)
      expect(
        await collect(bytesSource(new Uint8Array(await new Blob(received as BlobPart[]).arrayBuffer())).stream()),
      ).toEqual(BYTES.slice(10, BLOCK))
      // Also where only other bytes of the block are wanted.
      expect(await rejection(collect(entry.stream({ start: BLOCK, end: BLOCK + 1 })))).toMatchObject(facts)
      expect(await collect(entry.stream({ start: 2 * BLOCK }))).toEqual(BLOCKS[2])
    })

    it(`reads a wrong block once more, past all caches, with consistency ${consistency}`, async () => {
      const { hive, requests } = await fixture({ bytes: flip(1_500_000, 1) })
      const entry = await hive.open('x', { consistency })
      expect(await collect(entry.stream())).toEqual(BYTES)
      const again = requests.filter(({ headers }) => headers.get('cache-control') === 'no-cache')
      expect(again.map(rangeOf)).toEqual([[BLOCK, 2 * BLOCK]])
    })
  }

  it('checks the whole against the etag besides', async () => {
    const wrong = BYTES.slice()
    wrong[5]! ^= 1
    const first = toBase64Url(await sha256(wrong.slice(0, BLOCK)))
    const { hive } = await fixture({
      bytes: flip(5),
      async manifest(_request, pass) {
        const answer = await pass()
        const manifest = (await answer.json()) as { digests: string[] }
        manifest.digests[0] = first
        return withBody(answer, JSON.stringify(manifest), { 'Content-Length': undefined })
      },
    })
    const entry = await hive.open('x')
    expect(await collect(entry.stream({ end: 10 }))).toEqual(wrong.slice(0, 10))
    const error = await rejection(collect(entry.stream()))
    expect(error).toMatchObject({ name: 'IntegrityError', expected: entry.etag.slice(1, -1), offset: undefined })
  })

  it('looks at the version for each read of a reader', async () => {
    const { hive, local } = await fixture({}, store())
    const reader = (await hive.open('x', { bufferSize: 100_000 })).reader()
    expect(await reader.read()).toEqual(BYTES.slice(0, 100_000))
    await bytesSource(randomBytes(10)).stream().pipeTo(local.sink('x'))
    expect(await rejection(reader.read())).toMatchObject({ name: 'ConflictError', offset: 100_000 })
    await reader.close()
  })

  it('requests a manifest again that broke off', async () => {
    const { hive } = await fixture({
      manifest: async (_request, pass, count) => (count === 1 ? cut(await pass(), 30, 'error') : pass()),
    })
    expect(await collect((await hive.open('x')).stream({ start: 5, end: 9 }))).toEqual(BYTES.slice(5, 9))
  })

  it('goes from one part of the manifest to the next', async () => {
    const { hive, requests } = await fixture({
      async manifest(request, pass) {
        const url = new URL(request.url)
        const answer = await pass()
        const manifest = (await answer.json()) as { digests: string[]; start: number; next?: number }
        const end = Number(url.searchParams.get('end'))
        manifest.digests.splice(1)
        if (manifest.start + BLOCK < end) manifest.next = manifest.start + BLOCK
        return withBody(answer, JSON.stringify(manifest), { 'Content-Length': undefined })
      },
    })
    expect(await collect((await hive.open('x')).stream({ start: 1 }))).toEqual(BYTES.slice(1))
    const asked = requests.filter(({ url }) => url.includes('?manifest')).map(({ url }) => new URL(url).searchParams)
    expect(asked.map((query) => query.get('start'))).toEqual(['1', '1000000', '2000000'])
  })

  it('rejects an answer that is not the manifest', async () => {
    const changes: Record<string, (manifest: Record<string, unknown>) => unknown> = {
      'another etag': (manifest) => ({ ...manifest, etag: '"x"' }),
      'another size': (manifest) => ({ ...manifest, size: 1 }),
      'no blocks': (manifest) => ({ ...manifest, digests: [] }),
      'too few blocks': (manifest) => ({ ...manifest, digests: [(manifest['digests'] as string[])[0]] }),
      'a block of 0 bytes': (manifest) => ({ ...manifest, blockLength: 0 }),
      'a block of a fraction': (manifest) => ({ ...manifest, blockLength: 1.5 }),
      'a block that is too long to hold': (manifest) => ({ ...manifest, blockLength: 2 ** 25 }),
      'another start': (manifest) => ({ ...manifest, start: BLOCK }),
      'a digest that is none': (manifest) => ({ ...manifest, digests: ['x', 'y', 'z'] }),
      'a next that does not lead further': (manifest) => ({ ...manifest, digests: [], next: 0 }),
      'something else': () => [],
    }
    // In four parts, so that two suites have each: workerd does not run this file.
    for (const [title, change] of sample(Object.entries(changes), 4)) {
      const { hive } = await fixture({
        async manifest(_request, pass) {
          const answer = await pass()
          const changed = change((await answer.json()) as Record<string, unknown>)
          return withBody(answer, JSON.stringify(changed), { 'Content-Length': undefined })
        },
      })
      const read = collect((await hive.open('x')).stream())
      expect(await rejection(read), title).toMatchObject({ name: 'FormatError', reason: 'invalid' })
    }
    for (const manifest of [
      // A server that does not know the query sends the entry.
      async (request: Request, _pass: () => Promise<Response>) =>
        new Response(BYTES, { headers: { ETag: request.url } }),
      async (_request: Request, pass: () => Promise<Response>) =>
        withBody(await pass(), '{', { 'Content-Length': undefined }),
    ]) {
      const { hive } = await fixture({ manifest })
      expect(await rejection(collect((await hive.open('x')).stream()))).toMatchObject({ name: 'FormatError' })
    }
  })

  it('is cancelled at once while it waits for a block or a manifest', async () => {
    const never: Fault = () => new Promise<Response>(() => undefined)
    for (const faults of [{ bytes: never }, { manifest: never }]) {
      const { hive } = await fixture(faults)
      const entry: Entry = await hive.open('x')
      const controller = new AbortController()
      const read = entry.stream({ signal: controller.signal }).getReader().read()
      const reader = entry.stream().getReader()
      const pending = reader.read()
      await standstill()
      controller.abort(new Error('enough'))
      expect(await soon(rejection(read), 'the abort')).toMatchObject({ message: 'enough' })
      await soon(reader.cancel(), 'the cancel')
      expect(await pending).toMatchObject({ done: true })
    }
  })
})
