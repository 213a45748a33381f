import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError } from '../../src/errors.ts'
import type { Entry, Hive } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { HttpHive } from '../../src/http.ts'
import { answerFetch, createFetchResponder, type Delivery, mediaUrl } from '../../src/service-worker.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'
import { SyntheticServer } from '../support/synthetic-server.ts'

const BASE = 'https://page.test/media/'
const BYTES = randomBytes(5_000)

async function hiveWith(alias: string, bytes = BYTES): Promise<{ hive: Hive; entry: Entry }> {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  return { hive, entry: await put(hive, alias, bytes) }
}

async function put(hive: Hive, alias: string, bytes: Uint8Array): Promise<Entry> {
  const sink = hive.sink(alias, { type: 'video/webm' })
  await bytesSource(bytes).stream().pipeTo(sink)
  return sink.entry
}

function get(path: string, range?: string): Request {
  return new Request(new URL(path, BASE), { headers: range === undefined ? {} : { Range: range } })
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return collect(response.body!)
}

describe('createFetchResponder', () => {
  it('leaves requests that are not below the base, or that do not read, to the browser', async () => {
    const { hive } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    expect(respond(get('https://page.test/other/bee.webm'))).toBe(undefined)
    expect(respond(get('https://page.test/media'))).toBe(undefined)
    expect(respond(get('https://page.test/media/'))).toBe(undefined)
    expect(respond(get('https://other.test/media/bee.webm'))).toBe(undefined)
    expect(respond(new Request(`${BASE}bee.webm`, { method: 'DELETE' }))).toBe(undefined)
    expect(respond(new Request(`${BASE}bee.webm`, { method: 'PUT', body: 'x' }))).toBe(undefined)
  })

  it('pins client and URL to the version that a request from byte 0 got', async () => {
    const { hive, entry: first } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    const ask = async (clientId: string, range?: string, path = 'bee.webm'): Promise<[number, string | null]> => {
      const response = await respond(get(path, range), clientId)!
      await response.body?.cancel()
      return [response.status, response.headers.get('etag')]
    }
    const old = { whole: [200, first.etag], part: [206, first.etag] }
    expect(await ask('one', 'bytes=0-')).toEqual(old.part)
    expect(await ask('two')).toEqual(old.whole)
    expect(await ask('one', 'bytes=9-')).toEqual(old.part)
    const second = await put(hive, 'bee.webm', BYTES.slice(1))

    for (const client of ['one', 'two']) {
      for (const range of ['bytes=9-', 'bytes=1-2', 'bytes=-5']) expect((await ask(client, range))[0], range).toBe(412)
    }
    // Whoever has read nothing of the old version, or reads another URL, is not bound to it.
    for (const client of ['three', '']) expect(await ask(client, 'bytes=9-')).toEqual([206, second.etag])
    expect(await ask('one', 'bytes=9-', 'bee.webm?x')).toEqual([206, second.etag])
    // A new request from byte 0 begins anew.
    expect(await ask('one', 'BYTES=0-3')).toEqual([206, second.etag])
    expect(await ask('one', 'bytes=9-')).toEqual([206, second.etag])
    expect((await ask('two', 'bytes=9-'))[0]).toBe(412)

    // One that fails binds to nothing, and what pins a version itself does not count.
    expect((await ask('one', 'bytes=0-', mediaUrl(BASE, first)))[0]).toBe(412)
    await hive.remove('bee.webm')
    expect((await ask('one', 'bytes=9-'))[0]).toBe(410)
    expect((await ask('one', 'bytes=0-'))[0]).toBe(404)
    const third = await put(hive, 'bee.webm', BYTES)
    expect(await ask('one', 'bytes=9-')).toEqual([206, third.etag])
  })

  it('keeps the pin of a client whose request from byte 0 has failed', async () => {
    const { hive } = await hiveWith('bee.webm')
    let isFailing = false
    const failing: Hive = Object.assign(Object.create(hive) as Hive, {
      open: (...from: Parameters<Hive['open']>) =>
        isFailing ? Promise.reject(new BackendError('busy', { retryable: true })) : hive.open(...from),
    })
    const respond = createFetchResponder(failing, { base: BASE })
    const ask = async (range: string): Promise<number> => (await respond(get('bee.webm', range), 'one')!).status
    expect(await ask('bytes=0-')).toBe(206)
    isFailing = true
    expect(await ask('bytes=0-')).toBe(503)
    isFailing = false
    await put(hive, 'bee.webm', BYTES.slice(1))
    expect(await ask('bytes=9-')).toBe(412)
  })

  it('knows a request from byte 0 in every spelling, and one whose Range is ignored', async () => {
    const { hive } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    const ask = async (clientId: string, range: string): Promise<number> => {
      const response = await respond(get('bee.webm', range), clientId)!
      await response.body?.cancel()
      return response.status
    }
    const spelled = ['bytes=0-0', 'bytes=00-', 'bytes= 0-', 'bytes=,0-9', 'bytes=0-, 9-']
    const ignored = ['bytes=0 -', 'bytes=x', 'items=0-']
    for (const range of [...spelled, ...ignored]) expect([200, 206], range).toContain(await ask(range, range))
    await put(hive, 'bee.webm', BYTES.slice(1))
    for (const range of [...spelled, ...ignored]) expect(await ask(range, 'bytes=9-'), range).toBe(412)
  })

  it('keeps the pins of the clients that read last', async () => {
    const { hive } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    const ask = async (clientId: string, range: string): Promise<number> => {
      const response = await respond(get('bee.webm', range), clientId)!
      await response.body?.cancel()
      return response.status
    }
    for (let i = 0; i < 1_000; i++) await ask(`${i}`, 'bytes=0-')
    await ask('0', 'bytes=5-')
    await ask('new', 'bytes=0-')
    await put(hive, 'bee.webm', BYTES.slice(1))
    expect(await ask('0', 'bytes=5-')).toBe(412)
    expect(await ask('1', 'bytes=5-')).toBe(206)
    expect(await ask('2', 'bytes=5-')).toBe(412)
  })

  it('makes a range wait for the answer from byte 0 that was asked for before it', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let reached: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (reached = resolve))
    let isFirst = true
    const slow: Hive = Object.assign(Object.create(hive) as Hive, {
      async open(...from: Parameters<Hive['open']>) {
        const current = await hive.open(...from)
        const waits = isFirst
        isFirst = false
        reached()
        if (waits) await gate
        return current
      },
    })
    const respond = createFetchResponder(slow, { base: BASE })
    const first = respond(get('bee.webm', 'bytes=0-'), 'one')!
    const later = respond(get('bee.webm', 'bytes=9-'), 'one')!
    await opened
    await put(hive, 'bee.webm', BYTES.slice(1))
    release()
    expect((await first).headers.get('etag')).toBe(entry.etag)
    expect((await later).status).toBe(412)
  })

  it('answers a request without a Range with the whole entry, as WebKit needs', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    const response = await createFetchResponder(hive, { base: BASE })(get('bee.webm'))!
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '5000',
      'content-type': 'video/webm',
      etag: entry.etag,
    })
    expect(await bytesOf(response)).toEqual(BYTES)
  })

  it('answers a Range with exactly that range, and states the total', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE, bufferSize: 1_024 })
    for (const [range, start, end] of [
      ['bytes=0-', 0, 5_000],
      ['bytes=1234-', 1_234, 5_000],
      ['bytes=100-2499', 100, 2_500],
      ['bytes=-7', 4_993, 5_000],
    ] as const) {
      const response = await respond(get(mediaUrl(BASE, entry), range))!
      expect(response.status, range).toBe(206)
      expect(Object.fromEntries(response.headers), range).toMatchObject({
        'content-length': String(end - start),
        'content-range': `bytes ${start}-${end - 1}/5000`,
        etag: entry.etag,
      })
      expect(await bytesOf(response), range).toEqual(BYTES.subarray(start, end))
    }
    expect((await respond(get('bee.webm', 'bytes=5000-'))!).status).toBe(416)
  })

  it('answers HEAD without a body', async () => {
    const { hive } = await hiveWith('bee.webm')
    const request = new Request(`${BASE}bee.webm`, { method: 'HEAD' })
    const response = await createFetchResponder(hive, { base: BASE })(request)!
    expect(response.headers.get('content-length')).toBe('5000')
    expect(response.body).toBe(null)
  })

  it('finds aliases with any characters', async () => {
    const alias = 'Bienen & Honig/100 %/1?v=2#3.webm'
    const { hive, entry } = await hiveWith(alias)
    const deliveries: Delivery[] = []
    const respond = createFetchResponder(hive, { base: BASE, onDelivery: (delivery) => deliveries.push(delivery) })
    expect(await bytesOf((await respond(get(mediaUrl(BASE, entry))))!)).toEqual(BYTES)
    expect(deliveries.at(-1)).toEqual({ alias, etag: entry.etag, size: 5_000, start: 4_000, end: 5_000 })
  })

  it('reports no delivery for a signature, whose bytes are not bytes of the entry', async () => {
    const { hive } = await hiveWith('bee.webm')
    const deliveries: Delivery[] = []
    const respond = createFetchResponder(hive, { base: BASE, onDelivery: (delivery) => deliveries.push(delivery) })
    expect((await bytesOf((await respond(get('bee.webm?signature')))!)).byteLength).toBeGreaterThan(12)
    expect(deliveries).toEqual([])
  })

  it('answers 412 for a pinned version that is not the current one, and 410 for one that was removed', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    const replaced = await put(hive, 'bee.webm', randomBytes(4_000, 2))
    const refused = await respond(get(mediaUrl(BASE, entry), 'bytes=10-'))!
    expect(refused.status).toBe(412)
    expect(await refused.json()).toMatchObject({ expectedEtag: entry.etag, actualEtag: replaced.etag })
    expect((await respond(get(mediaUrl(BASE, replaced), 'bytes=10-'))!).status).toBe(206)
    await hive.remove('bee.webm')
    expect((await respond(get(mediaUrl(BASE, replaced), 'bytes=10-'))!).status).toBe(410)
    expect((await respond(get('bee.webm', 'bytes=10-'))!).status).toBe(404)
    expect((await respond(get('%ff'))!).status).toBe(400)
  })

  it('opens the hive again if that has failed, or once the hive is lost', async () => {
    const { hive } = await hiveWith('bee.webm')
    const failure = new BackendError('deleted', { retryable: false })
    let isDeleted = false
    const deleted: Hive = Object.assign(
      stuckHive(hive, () => undefined),
      {
        open: (alias: string) => (isDeleted ? Promise.reject(failure) : hive.open(alias)),
      },
    )
    const openings = [Promise.reject(failure), Promise.resolve(deleted), Promise.reject(failure), Promise.resolve(hive)]
    for (const opening of openings) opening.catch(() => undefined)
    const respond = createFetchResponder(() => openings.shift()!, { base: BASE })
    const ask = async (): Promise<number> => (await respond(get('bee.webm'))!).status
    expect([await ask(), await ask(), await ask()]).toEqual([500, 200, 200])
    isDeleted = true
    expect([await ask(), await ask()]).toEqual([500, 200])
    // Another hive of the same name answers the request that has found that the former one is lost.
    const responder = createFetchResponder(() => (isDeleted ? Promise.resolve(hive) : Promise.resolve(deleted)), {
      base: BASE,
    })
    isDeleted = false
    expect((await responder(get('bee.webm'))!).status).toBe(200)
    isDeleted = true
    expect((await responder(get('bee.webm'))!).status).toBe(200)
  })

  it('fails a body when the entry is replaced, and never ends it early', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    const errors: unknown[] = []
    const respond = createFetchResponder(hive, {
      base: BASE,
      bufferSize: 1_024,
      onError: (error) => errors.push(error),
    })
    const response = await respond(get(mediaUrl(BASE, entry), 'bytes=0-'))!
    const reader = response.body!.getReader()
    expect((await reader.read()).value?.byteLength).toBe(1_000)
    const { etag: actualEtag } = await put(hive, 'bee.webm', randomBytes(6_000, 2))
    const conflict = { name: 'ConflictError', expectedEtag: entry.etag, actualEtag }
    // Bytes that had been read ahead by then may still arrive.
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    }
    expect(await rejection(rest())).toMatchObject(conflict)
    expect(errors).toEqual([expect.objectContaining(conflict)])
  })

  it('requests no more than a buffer at a time over HTTP, however long its reader waits', async () => {
    const server = new SyntheticServer(30_000_000)
    const hive = new HttpHive('https://hive.test/', { fetch: server.fetch })
    const response = await createFetchResponder(hive, { base: BASE })(get('bee.webm', 'bytes=0-'))!
    await response.body!.pipeTo(new WritableStream())
    expect(server.ranges.map(({ start, end }) => end - start)).toEqual(Array.from({ length: 30 }, () => 1_000_000))
  })

  it("cancels the hive's stream at once, even while it waits for bytes", async () => {
    const { hive } = await hiveWith('bee.webm')
    for (const onDelivery of [undefined, (): void => undefined]) {
      let reason: unknown
      const respond = createFetchResponder(
        stuckHive(hive, (given) => (reason = given)),
        { base: BASE, onDelivery },
      )
      const reader = (await respond(get('bee.webm', 'bytes=0-'))!).body!.getReader()
      const reading = reader.read()
      await soon(reader.cancel('seek'), 'cancel')
      expect(await soon(reading, 'the pending read')).toMatchObject({ done: true })
      expect(reason).toBe('seek')
    }
  })

  it('reports what it delivers', async () => {
    const { hive, entry } = await hiveWith('bee.webm')
    const deliveries: Delivery[] = []
    const respond = createFetchResponder(hive, { base: BASE, onDelivery: (delivery) => deliveries.push(delivery) })
    await bytesOf((await respond(get('bee.webm', 'bytes=1500-3999')))!)
    expect(deliveries).toEqual(
      [
        [1_500, 2_000],
        [2_000, 3_000],
        [3_000, 4_000],
      ].map(([start, end]) => ({ alias: 'bee.webm', etag: entry.etag, size: 5_000, start, end })),
    )
  })

  it('refuses a base that is not absolute, or does not end with a slash', async () => {
    const { hive } = await hiveWith('bee.webm')
    for (const base of ['/media/', 'https://page.test/media', 'https://page.test/media/?x']) {
      expect(() => createFetchResponder(hive, { base }), base).toThrow(TypeError)
    }
    expect(() => mediaUrl('https://page.test/media', { alias: 'x', etag: '"x"' })).toThrow(TypeError)
  })
})

describe('answerFetch', () => {
  it('answers only events for the hive', async () => {
    const { hive } = await hiveWith('bee.webm')
    const respond = createFetchResponder(hive, { base: BASE })
    const answers: Promise<Response>[] = []
    const respondWith = (answer: Promise<Response>): void => void answers.push(answer)
    expect(answerFetch({ request: get('bee.webm'), respondWith }, respond)).toBe(true)
    expect(answerFetch({ request: get('https://page.test/'), respondWith }, respond)).toBe(false)
    expect(answers).toHaveLength(1)
    expect(await bytesOf(await answers[0]!)).toEqual(BYTES)
    expect(() => answerFetch(new Event('fetch'), respond)).toThrow(TypeError)
  })
})

/** A hive whose entries never deliver a byte. */
function stuckHive(hive: Hive, onCancel: (reason: unknown) => void): Hive {
  const stuck = async (alias: string): Promise<Entry> => {
    const entry = await hive.open(alias)
    return Object.assign(entry, { stream: () => new ReadableStream<Uint8Array<ArrayBuffer>>({ cancel: onCancel }) })
  }
  return Object.assign(Object.create(hive) as Hive, { open: stuck })
}
