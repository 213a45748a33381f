import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { SignatureStream } from '../../src/rsync/signature-stream.ts'
import type { Backend } from '../../src/store.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { objectsOf } from '../support/healing-suite.ts'
import { collectHastily } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { text } from '../support/store-tools.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const BYTES = randomBytes(5_500)
const KEY = new RowKeys('').alias(text('b'))
const DELTA = { 'Content-Type': 'application/vnd.rdiff-delta' }

async function start() {
  const backend = memoryBackend()
  const hive = new LocalHive(new StreamStore(backend, { blockSize: 1_000, inMemoryThreshold: 2_000 }))
  const others = new LocalHive(new StreamStore(backend, { blockSize: 60 }))
  const errors: Error[] = []
  const handler = createHiveHandler(hive, { onError: (error) => errors.push(error as Error) })
  const send = (method: string, path = 'b', headers: Record<string, string> = {}, body?: BodyInit): Promise<Response> =>
    handler(new Request(`http://hive.test/${path}`, { method, headers, ...(body === undefined ? {} : { body }) }))
  for (const alias of ['a', 'b', 'c'])
    await (alias === 'b' ? put(hive, alias, BYTES) : put(others, alias, randomBytes(100, alias === 'a' ? 1 : 2)))
  const delta = await collect(
    bytesSource(new Uint8Array([1, 2, 3, ...BYTES]))
      .stream()
      .pipeThrough(
        new DeltaStream(await loadSignature(bytesSource(BYTES).stream().pipeThrough(new SignatureStream()))),
      ),
  )
  return { backend, hive, errors, send, handler, delta, ...tools(backend) }
}

async function put(hive: LocalHive, alias: string, bytes: Uint8Array<ArrayBuffer>): Promise<Entry> {
  const sink = hive.sink(alias)
  await bytesSource(bytes).stream().pipeTo(sink)
  return sink.entry
}

/** Reads and writes the backend directly, bypassing the store. */
function tools({ metadata, blocks }: Backend) {
  const keys = new RowKeys('')
  const read = async (key: Uint8Array): Promise<Uint8Array> => (await metadata.get(key))!.value
  const write = async (key: Uint8Array, value: Uint8Array | undefined): Promise<void> => {
    expect(await metadata.commit([], [{ key, value }])).not.toBe(false)
  }
  /** Id of the stream that the row of an alias names. */
  const idOf = async (alias: string): Promise<Uint8Array> => (await read(keys.alias(text(alias)))).slice(2, 18)
  /** Name of the first block of the entry b. */
  const blockOfB = async (): Promise<string> => {
    const page = await read(keys.page(await idOf('b'), 0))
    return keys.object(page.slice(12, 12 + 16))
  }
  const replaceBlock = async (bytes: (old: Uint8Array<ArrayBuffer>) => Uint8Array | undefined): Promise<void> => {
    const name = await blockOfB()
    const old = (await blocks.get(name))!
    await blocks.delete(name)
    const replaced = bytes(old)
    if (replaced) await blocks.put(name, replaced)
  }
  return { keys, read, write, idOf, replaceBlock }
}

type Started = Awaited<ReturnType<typeof start>>

const flipped = (bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(bytes)
  copy[at]! ^= 0x40
  return copy
}

/** Damages the row of entry b. The other entries stay intact. */
const ROW_DAMAGE: Record<string, (started: Started) => Promise<void>> = {
  'a row without bytes': ({ write }) => write(KEY, new Uint8Array(0)),
  'a row of zeros, as of a lost sector': async ({ write, read }) => write(KEY, (await read(KEY)).fill(0)),
  'a row of one byte': async ({ write, read }) => write(KEY, (await read(KEY)).slice(0, 1)),
  'a row that is cut off': async ({ write, read }) => write(KEY, (await read(KEY)).slice(0, 40)),
  'a row without its last byte': async ({ write, read }) => write(KEY, (await read(KEY)).slice(0, -1)),
  'a row with an impossible size': async ({ write, read }) => write(KEY, flipped(await read(KEY), 50)),
  'a row with an impossible time': async ({ write, read }) => {
    const row = await read(KEY)
    row.set([0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 58)
    await write(KEY, row)
  },
  'a row with a type that is not text': async ({ write, read }) => {
    const row = await read(KEY)
    row[70] = 0xff
    await write(KEY, row)
  },
}

const BYTES_DAMAGE: Record<string, (started: Started) => Promise<void>> = {
  'a row that names a stream of other bytes': async ({ write, read, idOf }) => {
    const row = await read(KEY)
    row.set(await idOf('a'), 2)
    await write(KEY, row)
  },
  'a row with a larger size': async ({ write, read }) => write(KEY, flipped(await read(KEY), 56)),
  'a row with a smaller size': async ({ write, read }) => write(KEY, flipped(await read(KEY), 57)),
  'a row with another digest': async ({ write, read }) => write(KEY, flipped(await read(KEY), 20)),
  'a stream without its row': async ({ write, keys, idOf }) => write(keys.stream(await idOf('b')), undefined),
  'a stream whose row is cut off': async ({ write, read, keys, idOf }) => {
    const key = keys.stream(await idOf('b'))
    await write(key, (await read(key)).slice(0, 30))
  },
  'a stream whose row has another digest': async ({ write, read, keys, idOf }) => {
    const key = keys.stream(await idOf('b'))
    await write(key, flipped(await read(key), 50))
  },
  'a page that is lost': async ({ write, keys, idOf }) => write(keys.page(await idOf('b'), 0), undefined),
  'a page that is cut off': async ({ write, read, keys, idOf }) => {
    const key = keys.page(await idOf('b'), 0)
    await write(key, (await read(key)).slice(0, 100))
  },
  'a page of another stream': async ({ write, read, keys, idOf }) =>
    write(keys.page(await idOf('b'), 0), await read(keys.page(await idOf('a'), 0))),
  'a block that is lost': ({ replaceBlock }) => replaceBlock(() => undefined),
  'a block that is cut off': ({ replaceBlock }) => replaceBlock((old) => old.slice(0, -1)),
  'a block with another bit': ({ replaceBlock }) => replaceBlock((old) => flipped(old, 7)),
}

const LATER_VERSION: Record<string, (row: Uint8Array) => Uint8Array> = {
  'another layout': (row) => new Uint8Array([2, ...row.subarray(1)]),
  'another layout, and shorter': () => Uint8Array.of(2, 0, 0),
  'an unknown flag': (row) => new Uint8Array([1, row[1]! | 0x80, ...row.subarray(2)]),
  'an extension that must be known': (row) => new Uint8Array([1, row[1]! | 2, ...row.subarray(2), 0, 4, 0x90, 0, 1, 7]),
  'more than is known at its end': (row) => new Uint8Array([...row, 0]),
}

interface Listed {
  readonly alias: string
  readonly etag: string
  readonly damage?: string
}

async function listed({ send }: Started): Promise<Listed[]> {
  const response = await send('GET', '')
  expect(response.status).toBe(200)
  return ((await response.json()) as { entries: Listed[] }).entries
}

async function expectDamage(response: Response, { errors }: Started, name = 'IntegrityError'): Promise<void> {
  expect(response.status).toBe(500)
  const problem = (await response.json()) as Record<string, string>
  expect(problem['type']).toBe(`urn:combstream:error:${name}`)
  expect(problem['detail']).toMatch(/\bentry b\b/)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ name, message: problem['detail'] })
  errors.length = 0
}

for (const [what, damage] of Object.entries({ ...ROW_DAMAGE, ...BYTES_DAMAGE })) {
  const inRow = what in ROW_DAMAGE
  describe(`damage: ${what}`, () => {
    it('is reported as a fault of the server that names the entry', async () => {
      const started = await start()
      const { send, delta } = started
      await damage(started)
      await expectDamage(await send('GET'), started)
      await expectDamage(await send('GET', 'b', { Range: 'bytes=500-1600' }), started)
      await expectDamage(await send('GET', 'b?signature'), started)
      await expectDamage(await send('PATCH', 'b', { ...DELTA, 'If-Match': '*' }, delta), started)
      if (inRow) {
        expect((await send('HEAD')).status).toBe(500)
        started.errors.length = 0
        await expectDamage(await send('GET', `b?v=${encodeURIComponent('"x"')}`), started)
        await expectDamage(await send('GET', 'b', { 'If-None-Match': '"x"' }), started)
      }
      for (const alias of ['a', 'c']) expect((await send('GET', alias)).status).toBe(200)
    })

    it('hides no other entry from the list', async () => {
      const started = await start()
      await damage(started)
      const entries = await listed(started)
      expect(entries.map(({ alias }) => alias)).toEqual(['a', 'b', 'c'])
      const marked = entries.filter((entry) => entry.damage !== undefined)
      if (!inRow) return expect(marked).toEqual([])
      expect(marked).toMatchObject([{ alias: 'b', etag: '""', damage: expect.stringContaining('entry b') as string }])
      expect(started.errors).toMatchObject([{ name: 'IntegrityError', alias: 'b' }])
      const remote = new HttpHive('http://hive.test/', {
        fetch: (url, init) => started.handler(new Request(url, init)),
      })
      for (const hive of [started.hive, remote]) {
        expect((await hive.list()).entries.map((entry) => [entry.alias, entry.damage])).toEqual([
          ['a', undefined],
          ['b', marked[0]!.damage],
          ['c', undefined],
        ])
      }
    })

    it('can be overwritten, which makes the entry whole again', async () => {
      const started = await start()
      const { send, hive, errors } = started
      await damage(started)
      const bytes = randomBytes(3_000, 9)
      expect((await send('PUT', 'b', {}, bytes)).status).toBe(204)
      expect(errors.map(({ name }) => name)).toEqual(inRow ? ['IntegrityError'] : [])
      expect(await collect((await hive.open('b')).stream())).toEqual(bytes)
      expect((await listed(started)).filter((entry) => entry.damage !== undefined)).toEqual([])
    })

    it('can be removed', async () => {
      const started = await start()
      const { send, errors, hive } = started
      await damage(started)
      expect((await send('DELETE')).status).toBe(204)
      expect(errors.map(({ name }) => name)).toEqual(inRow ? ['IntegrityError'] : [])
      expect((await listed(started)).map(({ alias }) => alias)).toEqual(['a', 'c'])
      expect((await send('GET')).status).toBe(404)
      await put(hive, 'b', BYTES.slice(1))
    })
  })
}

describe('a block that is lost', () => {
  it('breaks off a body midway, and reports its stream and block to both the operator and the client', async () => {
    const { backend, hive, send, handler, errors, idOf } = await start()
    const id = toHex(await idOf('b'))
    await backend.blocks.delete((await objectsOf(backend, id))[3]!)
    const facts = { name: 'IntegrityError', alias: 'b', streamId: id, blockIndex: 3 }
    const response = await send('GET')
    expect(response.status).toBe(200)
    // In some hosts `bytes()` replaces the error with a TypeError; the stream itself keeps it.
    expect(await rejection(collect(response.body!))).toMatchObject(facts)
    expect(errors).toMatchObject([facts])
    expect((await send('GET', 'b', { Range: 'bytes=3999-' })).status).toBe(500)
    const remote = new HttpHive('http://hive.test/', { fetch: (url, init) => handler(new Request(url, init)) })
    const reading = collect((await remote.open('b')).stream())
    expect(await rejection(reading)).toMatchObject(facts)
    await put(hive, 'c', BYTES)
    expect(await collect((await remote.open('b')).stream())).toEqual(BYTES)
  })
})

describe('a damaged row', () => {
  it('satisfies only conditions on the existence of the entry, or on its empty etag', async () => {
    const started = await start()
    const { send, errors } = started
    await ROW_DAMAGE['a row that is cut off']!(started)
    for (const headers of [{ 'If-Match': '"x"' }, { 'If-Unmodified-Since': new Date(2e12).toUTCString() }]) {
      await expectDamage(await send('PUT', 'b', headers, 'new'), started)
      await expectDamage(await send('DELETE', 'b', headers), started)
    }
    const exists = await send('PUT', 'b', { 'If-None-Match': '*' }, 'new')
    expect(exists.status).toBe(412)
    expect(await exists.json()).toMatchObject({ type: 'urn:combstream:error:AlreadyExistsError' })
    expect(errors).toEqual([])
    // The etag that the list shows for it.
    expect((await send('PUT', 'b', { 'If-Match': '""' }, 'new')).status).toBe(204)
    expect((await send('PUT', 'b', { 'If-Match': '""' }, 'newer')).status).toBe(412)
    await ROW_DAMAGE['a row that is cut off']!(started)
    expect((await send('PUT', 'b', { 'If-Match': '*' }, 'new')).status).toBe(204)
  })

  it('follows the same rules without HTTP', async () => {
    const started = await start()
    const { hive, idOf, backend } = started
    const { etag } = await hive.stat('b')
    const id = await idOf('b')
    await ROW_DAMAGE['a row that is cut off']!(started)
    expect(await rejection(hive.open('b'))).toMatchObject({ name: 'IntegrityError', alias: 'b' })
    expect(await rejection(hive.stat('b'))).toMatchObject({ name: 'IntegrityError', alias: 'b' })
    expect(await rejection(hive.remove('b', { ifMatch: etag }))).toMatchObject({ name: 'IntegrityError' })
    for (const [options, name] of [
      [{ ifMatch: etag }, 'IntegrityError'],
      [{ ifNoneMatch: '*' }, 'AlreadyExistsError'],
    ] as const) {
      expect(await rejection(new Blob(['x']).stream().pipeTo(hive.sink('b', options)))).toMatchObject({ name })
    }
    // The readable part of the row is enough to release the old bytes.
    await hive.remove('b')
    const { references } = await inspectStore(backend)
    expect(references.filter((reference) => reference.startsWith(toHex(id)))).toEqual([])
  })
})

for (const [what, change] of Object.entries(LATER_VERSION)) {
  describe(`a row of a later version: ${what}`, () => {
    it('is reported as a fault of the server, and marked in the list', async () => {
      const started = await start()
      const { read, write, send, delta } = started
      await write(KEY, change(await read(KEY)))
      await expectDamage(await send('GET'), started, 'FormatError')
      await expectDamage(await send('GET', 'b?signature'), started, 'FormatError')
      await expectDamage(await send('PATCH', 'b', { ...DELTA, 'If-Match': '*' }, delta), started, 'FormatError')
      expect((await listed(started)).map(({ alias, damage }) => [alias, damage !== undefined])).toEqual([
        ['a', false],
        ['b', true],
        ['c', false],
      ])
    })

    it('is never overwritten', async () => {
      const started = await start()
      const { hive, read, write, send } = started
      const row = change(await read(KEY))
      await write(KEY, row)
      for (const headers of [{}, { 'If-Match': '*' }]) {
        await expectDamage(await send('PUT', 'b', headers, 'new'), started, 'FormatError')
        await expectDamage(await send('DELETE', 'b', headers), started, 'FormatError')
      }
      expect(await rejection(hive.remove('b'))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
      expect(await rejection(new Blob(['x']).stream().pipeTo(hive.sink('b')))).toMatchObject({ reason: 'unsupported' })
      expect(await read(KEY)).toEqual(row)
    })

    it('is not overwritten either if it appears during an upload', async () => {
      const { hive, read, write } = await start()
      const sink = hive.sink('b')
      const writer = sink.getWriter()
      writer.closed.catch(() => undefined)
      await writer.write(randomBytes(10))
      const row = change(await read(KEY))
      await write(KEY, row)
      expect(await rejection(writer.close())).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
      expect(await read(KEY)).toEqual(row)
    })
  })
}

describe('an upload whose own row is damaged', () => {
  it('fails with an error that names the row, not one about the delta', async () => {
    const { hive, backend, write } = await start()
    const sink = hive.sink('new')
    const writer = sink.getWriter()
    writer.closed.catch(() => undefined)
    // Two groups of blocks: the row exists, and the next commit depends on it.
    for (let i = 0; i < 13; i++) await writer.write(randomBytes(1_000, i))
    const STORING = 1
    const rows = await backend.metadata.list({ prefix: text('/s/'), limit: 10 })
    const [own, ...others] = rows.filter(({ value }) => value[1] === STORING)
    expect(others).toEqual([])
    await write(own!.key, own!.value.slice(0, 30))
    expect(await rejection(writer.close())).toMatchObject({
      name: 'IntegrityError',
      streamId: toHex(own!.key.slice(3)),
    })
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['a', 'b', 'c'])
  })
})

describe('the same content', () => {
  for (const what of Object.keys(BYTES_DAMAGE).filter((each) => /^a (page that|block)/.test(each))) {
    it(`makes the entry whole again after ${what}, whatever name it is stored under`, async () => {
      const started = await start()
      const { send, hive, errors, delta } = started
      const { etag } = await hive.stat('b')
      await BYTES_DAMAGE[what]!(started)
      await expectDamage(await send('GET'), started)
      expect((await send('PUT', 'other', {}, BYTES)).status).toBe(201)
      for (const alias of ['b', 'other']) {
        const response = await send('GET', alias)
        expect([response.status, response.headers.get('etag')]).toEqual([200, etag])
        expect(await response.bytes()).toEqual(BYTES)
      }
      expect((await send('PATCH', 'b', { ...DELTA, 'If-Match': etag }, delta)).status).toBe(200)
      expect(errors).toEqual([])
    })
  }

  for (const what of Object.keys(BYTES_DAMAGE).filter((each) => each.startsWith('a stream'))) {
    it(`is stored again after ${what}`, async () => {
      const started = await start()
      await BYTES_DAMAGE[what]!(started)
      await put(started.hive, 'other', BYTES)
      expect(await collect((await started.hive.open('other')).stream())).toEqual(BYTES)
    })
  }

  it('is stored again when the row of its digest is damaged', async () => {
    const { hive, write, keys } = await start()
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', BYTES))
    await write(keys.digest(digest), Uint8Array.of(1, 2, 3))
    await put(hive, 'other', BYTES)
    expect(await collect((await hive.open('other')).stream())).toEqual(BYTES)
  })
})

describe('a version that was collected while it was being read is not damage', () => {
  for (const consistency of ['conflict', 'snapshot'] as const) {
    it(`with ${consistency}: ConflictError if the entry was updated, NotFoundError if it was removed`, async () => {
      const { hive, backend } = await start()
      const read = async (): Promise<unknown> => {
        const entry = await hive.open('b', { consistency })
        const reader = entry.stream().getReader()
        await reader.read()
        reader.releaseLock()
        return entry
      }
      const first = (await read()) as Entry
      const { etag } = await put(hive, 'b', randomBytes(4_000, 3))
      await collectHastily(backend)
      expect(await rejection(collect(first.stream()))).toMatchObject({
        name: 'ConflictError',
        alias: 'b',
        expectedEtag: first.etag,
        actualEtag: etag,
      })
      const second = (await read()) as Entry
      await hive.remove('b')
      await collectHastily(backend)
      expect(await rejection(collect(second.stream()))).toMatchObject({ name: 'NotFoundError', alias: 'b' })
    })
  }

  it('and is read from another stream that has stored the same bytes since', async () => {
    const { hive, backend } = await start()
    const first = await hive.open('b', { consistency: 'snapshot' })
    await put(hive, 'b', randomBytes(4_000, 3))
    await collectHastily(backend)
    await put(hive, 'b', BYTES)
    expect(await collect(first.stream())).toEqual(BYTES)
  })
})
