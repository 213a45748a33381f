import { describe, expect, it } from 'vitest'
import { HttpHive } from '../../src/http.ts'
import { readsOnDemand } from '../../src/http/client/reads-on-demand.ts'
import { VersionChecks } from '../../src/http/client/version-checks.ts'
import { rejection, soon, standstill } from '../support/streams.ts'
import { hasSyntheticBytes, SyntheticServer } from '../support/synthetic-server.ts'

const GIB = 1024 ** 3
const MB = 1_000_000
const CHUNK = 65_521
/** From here on, one of two ranges has taken all the rest, if that is allowed, however fast this machine is. */
const LONG = 70 * MB
/** Bytes between two checks, and the quarter of it by which the next one is ahead. */
const BUDGET = 32 * 1024 * 1024

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** Reads on until the offset is reached; compares every byte after `comparedFrom`. Returns the new offset. */
async function readTo(reader: Reader, offset: number, end: number, comparedFrom = 0): Promise<number> {
  while (offset < end) {
    const { value } = await soon(reader.read(), 'a chunk')
    if (!value) return offset
    if (offset >= comparedFrom && !hasSyntheticBytes(value, offset)) {
      throw new Error(`wrong bytes at ${offset}`)
    }
    offset += value.byteLength
  }
  return offset
}

/** A stream that is being read, and whose last range takes all the rest, where that is allowed. */
async function longAnswer(server: SyntheticServer) {
  const hive = new HttpHive('http://hive.test/', { fetch: server.fetch, parallel: 2 })
  const reader = (await hive.open('x')).stream().getReader()
  return { reader, offset: await readTo(reader, 0, LONG, LONG) }
}

describe('a stream whose reader keeps waiting', () => {
  it('requests all the rest at once where the host receives that only as fast as it is read', async () => {
    const server = new SyntheticServer(10 * GIB)
    const { reader } = await longAnswer(server)
    const { length, [length - 1]: last } = server.ranges
    expect(last!.end === 10 * GIB).toBe(readsOnDemand())
    expect(server.ranges.slice(0, -1).every(({ end }) => end < LONG + BUDGET)).toBe(true)
    await reader.cancel()
    expect(last!.isGivenUp).toBe(true)
  })

  for (const breaksWith of ['error', 'end'] as const) {
    it(`goes on at the exact byte when answers break off midway with an ${breaksWith}`, async () => {
      const server = new SyntheticServer(LONG + 40 * MB)
      const { reader, offset } = await longAnswer(server)
      const before = server.ranges.length
      server.breaksWith = breaksWith
      // All of those that are on their way, too.
      server.breaksAfter = 7_000_003
      const end = await readTo(reader, offset, Infinity)
      expect(end).toBe(LONG + 40 * MB)
      if (!readsOnDemand()) return
      const [, second, third] = server.ranges.slice(before)
      expect(third!.start - second!.start).toBe(7_000_003)
    })
  }

  it('notices an update within its budget and a quarter, delivers no byte after that, and names both versions', async () => {
    const server = new SyntheticServer(10 * GIB)
    const { reader, offset } = await longAnswer(server)
    server.etag = '"other"'
    let delivered = offset
    const error = (await rejection(
      (async () => {
        for (;;) delivered = await readTo(reader, delivered, delivered + 1)
      })(),
    )) as Error & { expectedEtag: string; actualEtag: string }
    expect(error).toMatchObject({ name: 'ConflictError', expectedEtag: '"synthetic"', actualEtag: '"other"' })
    expect(delivered - offset).toBeLessThanOrEqual(BUDGET * 1.25 + CHUNK)
    expect(server.ranges.at(-1)!.isGivenUp).toBe(true)
  })

  it('asks again when a check fails for once', async () => {
    const server = new SyntheticServer(10 * GIB)
    const { reader, offset } = await longAnswer(server)
    server.headFailures.push(503, 503)
    const { heads } = server
    expect(await readTo(reader, offset, offset + 2 * BUDGET, Infinity)).toBeGreaterThan(offset)
    if (readsOnDemand()) expect(server.heads - heads).toBeGreaterThanOrEqual(3)
    await reader.cancel()
  })

  it('waits for a check that is not answered, and gives it up when it is cancelled', async () => {
    if (!readsOnDemand()) return
    const server = new SyntheticServer(10 * GIB)
    const { reader, offset } = await longAnswer(server)
    const heads: AbortSignal[] = (server.silentHeads = [])
    let delivered = offset
    const reading = (async () => {
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return
        delivered += value.byteLength
      }
    })()
    while (heads.length === 0) await standstill()
    await standstill()
    const stopped = delivered
    await standstill()
    expect(delivered).toBe(stopped)
    expect(delivered - offset).toBeLessThanOrEqual(BUDGET * 1.25 + CHUNK)
    await soon(reader.cancel('seek'), 'cancel')
    await reading
    expect(heads.map(({ aborted }) => aborted)).toEqual([true])
    expect(server.ranges.at(-1)!.isGivenUp).toBe(true)
  })

  it('checks nothing while its reader pauses', async () => {
    const server = new SyntheticServer(10 * GIB)
    const { reader } = await longAnswer(server)
    await standstill()
    const { heads, pulledBytes } = server
    await standstill()
    expect(server.heads).toBe(heads)
    expect(server.pulledBytes).toBe(pulledBytes)
    await reader.cancel()
  })
})

describe('VersionChecks', () => {
  /** Reads 1,000 bytes in chunks of this size with checks every 100. Returns at which offsets checks were made. */
  async function read(chunkBytes: number): Promise<{ checks: number[]; covered: boolean }> {
    const checks: number[] = []
    const versions = new VersionChecks({
      intervalBytes: 100,
      start: 50,
      check: (offset) => {
        checks.push(offset)
        return Promise.resolve()
      },
    })
    let covered = true
    for (let offset = 50; offset < 1_050; offset += chunkBytes) {
      const end = Math.min(offset + chunkBytes, 1_050)
      await versions.reach(offset, end)
      // No more than an interval and a quarter since the last check, or the last head.
      covered &&= end - Math.max(50, ...checks) <= Math.max(125, chunkBytes) + chunkBytes
    }
    return { checks, covered }
  }

  it('checks once for each interval, whatever the chunks are', async () => {
    for (const chunkBytes of [1, 2, 3, 7, 15, 100, 250]) {
      const { checks, covered } = await read(chunkBytes)
      expect(checks.length, `${chunkBytes}`).toBeGreaterThanOrEqual(9)
      expect(checks.length, `${chunkBytes}`).toBeLessThanOrEqual(10)
      expect(covered, `${chunkBytes}`).toBe(true)
      // Begun when a quarter of the interval was left, not when the reader would have to wait.
      expect(checks[0], `${chunkBytes}`).toBeLessThanOrEqual(125)
    }
  })

  it('lets no byte after its interval pass before the check has, and fails as the check does', async () => {
    let fail: (error: Error) => void = () => undefined
    const check = (): Promise<void> => new Promise((_resolve, reject) => (fail = reject))
    const versions = new VersionChecks({ intervalBytes: 100, start: 0, check })
    await versions.reach(90, 100)
    let settled = false
    const next = rejection(versions.reach(100, 101)).finally(() => (settled = true))
    await standstill()
    expect(settled).toBe(false)
    const reason = new Error('updated')
    fail(reason)
    expect(await next).toBe(reason)
  })
})
