import { describe, expect, it } from 'vitest'
import type { OpenOptions } from '../../src/hive.ts'
import { HttpHive, type HttpHiveOptions } from '../../src/http.ts'
import { readsOnDemand } from '../../src/http/client/reads-on-demand.ts'
import { sample } from '../support/sample.ts'
import { rejection, soon, standstill } from '../support/streams.ts'
import { hasSyntheticBytes, SyntheticServer } from '../support/synthetic-server.ts'

const GIB = 1024 ** 3
const MB = 1_000_000

async function open(server: SyntheticServer, options: HttpHiveOptions = {}, bufferSize?: number) {
  return new HttpHive('http://hive.test/', { fetch: server.fetch, ...options }).open('x', { bufferSize })
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** Reads on until the offset is reached, and compares every byte. Returns the new offset. */
async function readTo(reader: Reader, offset: number, end: number): Promise<number> {
  while (offset < end) {
    const { value } = await soon(reader.read(), 'a chunk')
    if (!value) return offset
    for (let at = 0; at < value.byteLength; at += 65_521) {
      const piece = value.subarray(at, at + 65_521)
      if (!hasSyntheticBytes(piece, offset + at)) throw new Error(`wrong bytes at ${offset}`)
    }
    offset += value.byteLength
  }
  return offset
}

const requested = (server: SyntheticServer): number =>
  server.ranges.reduce((sum, { start, end }) => sum + end - start, 0)

describe('a stream over HTTP', () => {
  it('begins with one block, and grows as long as its reader waits', async () => {
    const server = new SyntheticServer(10 * GIB)
    const reader = (await open(server, { readAhead: 32 * 1024 * 1024 })).stream().getReader()
    await readTo(reader, 0, 1)
    expect(server.ranges.map(({ start, end }) => end - start)).toEqual([MB, MB])
    await readTo(reader, 65_521, 40 * MB)
    const sizes = server.ranges.map(({ start, end }) => end - start)
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(8 * MB)
    expect(server.ranges.every(({ end }) => end % MB === 0)).toBe(true)
    await reader.cancel()
  })

  it('gives up an answer that nobody reads for long, so that others may use the connection, and goes on at the same byte', async () => {
    const pause = async (server: SyntheticServer, options: OpenOptions = {}): Promise<Reader> => {
      const hive = new HttpHive('http://hive.test/', { fetch: server.fetch, stallTimeoutMs: 600 })
      const reader = (await hive.open('x', options)).stream().getReader()
      await readTo(reader, 0, 1)
      return reader
    }
    // These would have to be sent again from the beginning, or might be gone. They are paused first.
    const [whole, old, server] = [3, 3, 3].map((size) => new SyntheticServer(size * MB)) as [
      SyntheticServer,
      SyntheticServer,
      SyntheticServer,
    ]
    whole.ignoresRanges = true
    const kept = [await pause(whole), await pause(old, { consistency: 'snapshot' })]
    const reader = await pause(server)
    await expect.poll(() => server.ranges[0]!.isGivenUp).toBe(true)
    expect([whole, old].map(({ ranges }) => ranges.map(({ isGivenUp }) => isGivenUp))).toEqual([[false], [false]])
    const before = server.ranges.length
    expect(await readTo(reader, 65_521, Infinity)).toBe(3 * MB)
    expect(server.ranges[before]).toMatchObject({ start: 65_521, end: MB })
    await Promise.all(kept.map((each) => each.cancel()))
  })

  it('delivers ranges in order, whatever the order in which they are answered', async () => {
    const server = new SyntheticServer(4_000_123, 10_007)
    server.holdsAnswers = true
    const reader = (await open(server, { parallel: 3 })).stream({ start: 5 }).getReader()
    let offset = 5
    const all = (async () => {
      offset = await readTo(reader, 5, Infinity)
    })()
    for (let answered = 0, done = false; !done;) {
      done = await Promise.race([all.then(() => true), standstill().then(() => false)])
      // The latest first, but the very first alone: until it is answered, nothing else is requested.
      const waiting = server.ranges.slice(answered)
      for (const range of waiting.toReversed()) {
        await standstill()
        range.answer()
      }
      answered += waiting.length
    }
    await all
    expect(offset).toBe(4_000_123)
  })

  const budgets = Object.entries({
    'a budget of 32 MiB': { readAhead: 32 * 1024 * 1024 },
    'a budget of 5 MB': { readAhead: 5 * MB },
    'a budget of 64 KiB': { readAhead: 65_536 },
    'one range at a time': { readAhead: 5 * MB, parallel: 1 },
    'many ranges at a time': { readAhead: 20 * MB, parallel: 16 },
  } satisfies Record<string, HttpHiveOptions>)
  for (const [title, options] of [['the default budget', {}] as const, ...sample(budgets)]) {
    it(`holds and requests no more than ${title} of an entry of 10 GiB while its reader pauses`, async () => {
      const budget: number = ('readAhead' in options && options.readAhead) || 32 * 1024 * 1024
      const server = new SyntheticServer(10 * GIB)
      const reader = (await open(server, options)).stream().getReader()
      let offset = 0
      for (const stop of [1, 3 * MB, 20 * MB, 45 * MB]) {
        offset = await readTo(reader, offset, stop)
        await standstill()
        expect(server.pulledBytes - offset).toBeLessThanOrEqual(budget)
        // Without a budget of its own, it may request all the rest, where that does not mean that it holds it.
        const { end } = server.ranges.at(-1)!
        if ('readAhead' in options || !readsOnDemand() || end < 10 * GIB) {
          expect(requested(server) - offset).toBeLessThanOrEqual(budget)
        }
        const { length } = server.ranges
        await standstill()
        expect(server.ranges).toHaveLength(length)
      }
      await reader.cancel()
    })
  }

  it('holds no more than it requested of an answer with the whole entry of 10 GiB', async () => {
    const server = new SyntheticServer(10 * GIB)
    const reader = (await open(server)).stream().getReader()
    server.ignoresRanges = true
    await readTo(reader, 0, 3 * MB)
    await standstill()
    expect(server.ranges).toHaveLength(1)
    // One chunk more than has been read.
    expect(server.pulledBytes).toBeLessThanOrEqual(3 * MB + 2 * 65_521)
    await reader.cancel()
  })

  it('holds no more than it requested when the answer to a range ahead has the whole entry', async () => {
    const server = new SyntheticServer(10 * GIB)
    server.holdsAnswers = true
    const reader = (await open(server)).stream().getReader()
    const first = reader.read()
    await standstill()
    server.ranges[0]!.answer()
    server.ignoresRanges = true
    const { byteLength } = (await first).value!
    await standstill()
    server.ranges[1]!.answer()
    await standstill()
    // The bytes before its range, which are skipped, the range, and a chunk.
    expect(server.ranges[1]!.pulledBytes).toBeLessThanOrEqual(2 * MB + 65_521)
    await readTo(reader, byteLength, 5 * MB)
    expect(server.ranges).toHaveLength(2)
    await reader.cancel()
  })

  for (const ending of ['cancelled', 'aborted'] as const) {
    it(`gives up everything at once when it is ${ending}`, async () => {
      const server = new SyntheticServer(10 * GIB)
      const controller = new AbortController()
      const entry = await open(server, { parallel: 8, readAhead: 8 * MB })
      const reader = entry.stream({ signal: controller.signal }).getReader()
      const offset = await readTo(reader, 0, 20 * MB)
      server.holdsAnswers = true
      await readTo(reader, offset, server.ranges.at(-1)!.end - 65_521)
      const read = reader.read()
      read.catch(() => undefined)
      await standstill()
      const pulledBytes = server.pulledBytes
      if (ending === 'cancelled') {
        await soon(reader.cancel('seek'), 'cancel')
      } else {
        controller.abort('seek')
        expect(await rejection(reader.closed)).toBe('seek')
      }
      const { length } = server.ranges
      for (const range of server.ranges) range.answer()
      await standstill()
      // Every range was either read to its end, or has been given up, and not a byte more was asked for.
      for (const range of server.ranges)
        expect(range.isGivenUp || range.pulledBytes === range.end - range.start).toBe(true)
      expect(server.ranges.some(({ isGivenUp }) => isGivenUp)).toBe(true)
      expect(server.pulledBytes).toBe(pulledBytes)
      expect(server.ranges).toHaveLength(length)
    })
  }

  it('pulls less than its budget for nothing when its reader seeks', async () => {
    const server = new SyntheticServer(10 * GIB)
    const entry = await open(server)
    let usedBytes = 0
    for (let i = 0; i < 20; i++) {
      const start = i * 400 * MB
      const reader = entry.stream({ start }).getReader()
      usedBytes += (await readTo(reader, start, start + 1)) - start
      await reader.cancel('seek')
    }
    await standstill()
    // Two ranges of one block each, whatever the budget is.
    expect(server.pulledBytes - usedBytes).toBeLessThanOrEqual(20 * 2 * MB)
    expect(requested(server)).toBeLessThanOrEqual(20 * 2 * MB)
  })

  it('never requests more than a bufferSize of its own at a time', async () => {
    const server = new SyntheticServer(MB)
    const reader = (await open(server, {}, 10_000)).stream().getReader()
    expect(await readTo(reader, 0, Infinity)).toBe(MB)
    expect(server.ranges).toHaveLength(100)
    expect(server.ranges.every(({ start, end }) => end - start === 10_000)).toBe(true)
  })

  it('with a bufferSize of its own still has no more than `parallel` ranges at a time', async () => {
    const server = new SyntheticServer(300_000)
    server.holdsAnswers = true
    const reader = (await open(server, { parallel: 3 }, 10_000)).stream().getReader()
    const all = readTo(reader, 0, Infinity)
    const ended = all.then(() => true)
    let most = 0
    while (!(await Promise.race([ended, standstill().then(() => false)]))) {
      const unread = server.ranges.filter(({ start, end, pulledBytes }) => pulledBytes < end - start)
      most = Math.max(most, unread.length)
      unread[0]?.answer()
    }
    expect(most).toBeLessThanOrEqual(3)
    expect(await all).toBe(300_000)
  })

  it('refuses options that are out of bounds', () => {
    const make = (options: HttpHiveOptions) => () => new HttpHive('http://hive.test/', options)
    for (const readAhead of [0, 65_535, 1024 ** 3 + 1, Infinity]) expect(make({ readAhead })).toThrow(/readAhead/)
    for (const parallel of [0, 65, 1.5]) expect(make({ parallel })).toThrow(/parallel/)
    expect(make({ readAhead: 65_536, parallel: 1 })).not.toThrow()
    expect(make({ readAhead: 1024 ** 3, parallel: 64 })).not.toThrow()
  })
})
