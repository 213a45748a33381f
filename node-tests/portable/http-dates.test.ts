import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { Hive } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes } from '../support/streams.ts'

const NOON = Date.UTC(2026, 0, 2, 12)
const DELTA = { 'Content-Type': 'application/vnd.rdiff-delta' }

let nowMs = NOON

beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs)
})

afterEach(() => {
  vi.restoreAllMocks()
})

function start(wrap: (hive: LocalHive) => Hive = (hive) => hive) {
  nowMs = NOON
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const handler = createHiveHandler(wrap(hive))
  const send = (method: string, headers: Record<string, string> = {}, body?: BodyInit): Promise<Response> =>
    handler(new Request('http://hive.test/x', { method, headers, ...(body === undefined ? {} : { body }) }))
  const put = (content: string): Promise<Response> => send('PUT', {}, content)
  const deltaTo = async (content: string): Promise<Uint8Array<ArrayBuffer>> => {
    const signature = await loadSignature((await hive.open('x')).signature())
    return collect(bytesSource(new TextEncoder().encode(content)).stream().pipeThrough(new DeltaStream(signature)))
  }
  return { hive, send, put, deltaTo }
}

const date = (ms: number): string => new Date(ms).toUTCString()

describe('the time of a version', () => {
  const CLOCKS: Record<string, () => number> = {
    goes: () => nowMs + 1,
    'stands still': () => nowMs,
    'is set back by a millisecond': () => nowMs - 1,
    'is set back by a year': () => nowMs - 365 * 86_400_000,
  }
  for (const [clock, tick] of Object.entries(CLOCKS)) {
    it(`grows with each version when the clock ${clock}`, async () => {
      const { hive, send, put, deltaTo } = start()
      const times: number[] = []
      const change = async (write: () => Promise<Response>): Promise<void> => {
        const response = await write()
        expect(response.ok).toBe(true)
        const { modified } = await hive.stat('x')
        expect(response.headers.get('hive-modified')).toBe(modified.toISOString())
        times.push(modified.getTime())
        nowMs = tick()
      }
      await change(() => put('one'))
      await change(() => put('two'))
      await change(() => put('two'))
      const delta = await deltaTo('three')
      await change(() => send('PATCH', { ...DELTA, 'If-Match': '*' }, delta))
      await change(() => put('four'))
      times.reduce((before, time) => {
        expect(time).toBeGreaterThan(before)
        return time
      })
    })
  }

  it('stays the same when only a signature is added to the version', async () => {
    const { hive, put } = start()
    await put('one')
    nowMs += 5_000
    const entry = await hive.open('x')
    await collect(entry.signature())
    expect((await hive.stat('x')).modified.getTime()).toBe(NOON)
  })
})

describe('Last-Modified', () => {
  for (const [committed, asked, told] of [
    [0, 0, 0],
    [0, 900, 0],
    [1, 900, 0],
    [1, 999, 0],
    [1, 1_000, 1_000],
    [999, 1_000, 1_000],
    [1, 86_400_000, 1_000],
    [5_000, 0, 0],
  ] as const) {
    it(`of a version stored at ${committed} ms is ${told} ms in an answer at ${asked} ms`, async () => {
      const { send, put } = start()
      nowMs = NOON + committed
      await put('one')
      nowMs = NOON + asked
      for (const method of ['GET', 'HEAD']) {
        const { headers } = await send(method)
        expect(headers.get('last-modified')).toBe(date(NOON + told))
        expect(headers.get('date')).toBe(date(nowMs))
        expect(headers.get('hive-modified')).toBe(new Date(NOON + committed).toISOString())
      }
    })
  }

  it('is earlier than the next version, even if that is stored before the answer', async () => {
    // Between the look-up of the first version and its answer, the clock advances and another version is stored.
    const { hive, send, put } = start(
      (local) =>
        ({
          open: async (alias: string, options?: object) => {
            const entry = await local.open(alias, options)
            nowMs = NOON + 900
            await bytesSource(randomBytes(10)).stream().pipeTo(local.sink('x'))
            nowMs = NOON + 1_100
            return entry
          },
          stat: (alias: string) => local.stat(alias),
          sink: (alias: string, options?: object) => local.sink(alias, options),
        }) as Partial<Hive> as Hive,
    )
    nowMs = NOON + 100
    await put('one')
    nowMs = NOON + 200
    const told = (await send('HEAD')).headers.get('last-modified')!
    expect(Date.parse(told)).toBeLessThan((await hive.stat('x')).modified.getTime())
  })
})

describe('conditions with a date', () => {
  for (const [since, unmodified] of [
    [NOON - 1_000, false],
    [NOON, false],
    [NOON + 1_000, true],
    [NOON + 2_000, true],
  ] as const) {
    it(`${date(since)} is ${unmodified ? '' : 'not '}"unmodified" for a version of 12:00:00.001`, async () => {
      const { send, put, deltaTo } = start()
      nowMs = NOON + 1
      await put('one')
      nowMs = NOON + 60_000
      const delta = await deltaTo('two')
      for (const method of ['GET', 'HEAD']) {
        expect((await send(method, { 'If-Modified-Since': date(since) })).status).toBe(unmodified ? 304 : 200)
        expect((await send(method, { 'If-Unmodified-Since': date(since) })).status).toBe(unmodified ? 200 : 412)
      }
      const still = { 'If-Unmodified-Since': date(since) }
      if (unmodified) {
        expect((await send('DELETE', still)).status).toBe(204)
      } else {
        expect((await send('PUT', still, 'two')).status).toBe(412)
        expect((await send('PATCH', { ...DELTA, 'If-Match': '*', ...still }, delta)).status).toBe(200)
        expect((await send('DELETE', still)).status).toBe(412)
      }
    })
  }

  it('an If-Range with a date never holds: the answer is the whole entry', async () => {
    const { send, put } = start()
    nowMs = NOON + 100
    await put('the first one')
    const told = (await send('GET')).headers.get('last-modified')!
    nowMs = NOON + 200
    await put('the second')
    for (const asOf of [NOON + 300, NOON + 900_000]) {
      nowMs = asOf
      const now = (await send('GET')).headers.get('last-modified')!
      for (const ifRange of [told, now, date(NOON), date(NOON + 1_000)]) {
        const response = await send('GET', { Range: 'bytes=4-', 'If-Range': ifRange })
        expect(response.status).toBe(200)
        expect(await response.text()).toBe('the second')
      }
    }
  })

  it('a date that was sent for one version never matches a later one', async () => {
    const step = fc.record({
      waitMs: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 2_500 })),
      write: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
        const { send, put } = start()
        const told = new Set<string>()
        const outdated = new Set<string>()
        await put('first')
        for (const [i, { waitMs, write }] of steps.entries()) {
          nowMs += waitMs
          if (write) {
            for (const dated of told) outdated.add(dated)
            told.clear()
            told.add((await put(`version ${i}`)).headers.get('last-modified')!)
          } else {
            told.add((await send('HEAD')).headers.get('last-modified')!)
          }
          for (const dated of outdated) {
            expect((await send('GET', { 'If-Modified-Since': dated })).status).toBe(200)
            expect((await send('PUT', { 'If-Unmodified-Since': dated }, 'lost')).status).toBe(412)
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})
