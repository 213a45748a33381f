import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import {
  loadSignature,
  type RangePiece,
  rangePlan,
  type RangePlan,
  rebuild,
  type RebuildOptions,
  SignatureStream,
} from '../../src/rsync.ts'
import { createSha256 } from '../../src/bytes/sha256.ts'
import { difference, hex } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'
import { CHUNK_SIZES, chunked, pending, randomBytes, rejection, soon, standstill } from '../support/streams.ts'

const SIZE = 1000
const here = randomBytes(700, 1)
const there = assemble(
  [
    { random: 300, seed: 2 },
    { from: 100, to: 600 },
    { random: 200, seed: 3 },
  ],
  here,
)
/** Remote, local, local, remote: the pieces of `there`. */
const plan: RangePlan = {
  size: SIZE,
  pieces: [
    { source: 'remote', position: 0, offset: 0, length: 300 },
    { source: 'local', position: 300, offset: 100, length: 200 },
    { source: 'local', position: 500, offset: 300, length: 300 },
    { source: 'remote', position: 800, offset: 800, length: 200 },
  ],
  localBytes: 500,
  remoteBytes: 500,
}
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** A source of the bytes whose streams come from `open`. */
function sourceOf(bytes: Uint8Array, open: (bytes: Uint8Array) => ReadableStream<Uint8Array>): ByteSource {
  return {
    size: bytes.byteLength,
    slice: (start, end) => sourceOf(bytes.slice(start, end), open),
    stream: () => open(bytes),
  }
}

/** Two sources, one of which uses `open`. */
function sources(which: 'local' | 'remote', open: (bytes: Uint8Array) => ReadableStream<Uint8Array>) {
  const local = which === 'local' ? sourceOf(here, open) : bytesSource(here)
  const remote = which === 'remote' ? sourceOf(there, open) : bytesSource(there)
  return [local, remote] as const
}

function silent(cancel: (reason: unknown) => void): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: () => new Promise(() => undefined), cancel })
}

describe('rebuild', () => {
  it('produces the new content for any chunking of the sources', async () => {
    const digest = await sha256(there)
    for (const size of CHUNK_SIZES) {
      const open = (bytes: Uint8Array): ReadableStream<Uint8Array> => chunked(bytes, size)
      const rebuilt = rebuild(plan, sourceOf(here, open), sourceOf(there, open), { digest })
      expect(difference(await collect(rebuilt), there)).toBeUndefined()
    }
    const rebuilt = rebuild(plan, new Blob([here]), new Blob([there]), { digest })
    expect(difference(await collect(rebuilt), there)).toBeUndefined()
  })

  it('produces the content that the plan was made for, for any edits', async () => {
    const piece = fc.oneof(
      fc.record({ from: fc.nat(3000), to: fc.nat(3000) }),
      fc.record({ random: fc.nat(500), seed: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ fill: fc.nat(500) }),
    )
    const sizes = fc.integer({ min: 1, max: 2000 })
    const basis = assemble([{ random: 2000, seed: 4 }, { fill: 1000 }])
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), sizes, fc.nat(300), async (pieces, size, coalesceLength) => {
        const edited = assemble(pieces, basis)
        const signed = chunked(edited, size).pipeThrough(new SignatureStream({ blockLength: 64 }))
        const signature = await loadSignature(signed)
        const local = sourceOf(basis, (bytes) => chunked(bytes, size))
        const found = await rangePlan(signature, local, { size: edited.byteLength, coalesceLength })

        const fetched: [number, number][] = []
        const remote: ByteSource = {
          size: edited.byteLength,
          slice(start = 0, end = edited.byteLength) {
            fetched.push([start, end])
            return bytesSource(edited.slice(start, end))
          },
          stream: () => {
            throw new Error('the whole remote source was read')
          },
        }
        // As it would come out of storage or from another thread.
        const stored = JSON.parse(JSON.stringify(found)) as RangePlan
        const rebuilt = rebuild(stored, local, remote, { digest: await sha256(edited) })
        expect(difference(await collect(rebuilt), edited)).toBeUndefined()
        const wanted = found.pieces.filter(({ source }) => source === 'remote')
        expect(fetched).toEqual(wanted.map(({ offset, length }) => [offset, offset + length]))
      }),
      { numRuns: runs(40) },
    )
  })

  it('fails instead of ending if the digest is wrong', async () => {
    const digest = await sha256(there)
    const wrong = there.slice()
    wrong[999]! ^= 1
    const reader = rebuild(plan, bytesSource(here), bytesSource(wrong), { digest }).getReader()
    let length = 0
    const reading = async (): Promise<void> => {
      for (let result = await reader.read(); !result.done; result = await reader.read())
        length += result.value.byteLength
    }
    expect(await rejection(reading())).toMatchObject({
      name: 'IntegrityError',
      expected: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''),
      actual: Array.from(await sha256(wrong), (byte) => byte.toString(16).padStart(2, '0')).join(''),
    })
    expect(length).toBe(SIZE)

    const unverified = rebuild(plan, bytesSource(here), bytesSource(wrong))
    expect(difference(await collect(unverified), wrong)).toBeUndefined()
  })

  it('verifies empty content too', async () => {
    const nothing: RangePlan = { size: 0, pieces: [], localBytes: 0, remoteBytes: 0 }
    const none = bytesSource(new Uint8Array(0))
    const digest = hex(EMPTY_SHA256)
    expect((await collect(rebuild(nothing, none, none, { digest }))).byteLength).toBe(0)
    expect((await collect(rebuild(nothing, none, none))).byteLength).toBe(0)
    digest[0]! ^= 1
    const error = await rejection(collect(rebuild(nothing, none, none, { digest })))
    expect(error).toMatchObject({ name: 'IntegrityError', actual: EMPTY_SHA256 })
  })

  it('keeps digests that are computed concurrently apart', async () => {
    const digest = await sha256(there)
    const make = (): ReadableStream<Uint8Array> => {
      const open = (bytes: Uint8Array): ReadableStream<Uint8Array> => chunked(bytes, 7)
      return rebuild(plan, sourceOf(here, open), sourceOf(there, open), { digest })
    }
    const results = await Promise.all([collect(make()), collect(make()), collect(make())])
    for (const result of results) expect(difference(result, there)).toBeUndefined()
  })

  it('splits a large chunk, so that the host can run in between', async () => {
    const large = randomBytes(3_500_000)
    const whole: RangePlan = {
      size: large.byteLength,
      pieces: [{ source: 'remote', position: 0, offset: 0, length: large.byteLength }],
      localBytes: 0,
      remoteBytes: large.byteLength,
    }
    const remote = sourceOf(large, (bytes) => chunked(bytes, Infinity))
    const reader = rebuild(whole, bytesSource(here), remote, { digest: await sha256(large) }).getReader()
    const lengths: number[] = []
    for (let result = await reader.read(); !result.done; result = await reader.read()) {
      lengths.push(result.value.byteLength)
      expect(difference(result.value, large.subarray(1_048_576 * (lengths.length - 1)).subarray(0, 1_048_576))).toBe(
        undefined,
      )
    }
    expect(lengths).toEqual([1_048_576, 1_048_576, 1_048_576, 3_500_000 - 3 * 1_048_576])
  })

  it("can be read into the reader's buffers, where the host has byte streams", async () => {
    const rebuilt = rebuild(plan, bytesSource(here), bytesSource(there), { digest: await sha256(there) })
    let reader: ReadableStreamBYOBReader
    try {
      reader = rebuilt.getReader({ mode: 'byob' })
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
      return
    }
    const bytes = new Uint8Array(SIZE)
    let length = 0
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(7))
      if (done) break
      bytes.set(value, length)
      length += value.byteLength
    }
    expect(difference(bytes.subarray(0, length), there)).toBeUndefined()
  })

  it('reads one piece at a time, and nothing ahead while its reader stalls', async () => {
    const log: string[] = []
    const watched = (name: string, bytes: Uint8Array): ByteSource => ({
      size: bytes.byteLength,
      slice: (start, end) => watched(name, bytes.slice(start, end)),
      stream: () => {
        log.push(`open ${name}`)
        let given = 0
        return new ReadableStream(
          {
            pull(controller) {
              log.push(given < bytes.byteLength ? 'chunk' : 'close')
              if (given === bytes.byteLength) return controller.close()
              controller.enqueue(bytes.slice(given, given + 200))
              given = Math.min(bytes.byteLength, given + 200)
            },
          },
          { highWaterMark: 0 },
        )
      },
    })
    const reader = rebuild(plan, watched('local', here), watched('remote', there)).getReader()
    const steps = [
      [],
      ['open remote', 'chunk'],
      ['chunk'],
      ['close', 'open local', 'chunk'],
      ['close', 'open local', 'chunk'],
      ['chunk'],
      ['close', 'open remote', 'chunk'],
      ['close'],
    ]
    for (const step of steps) {
      await standstill()
      expect(log.splice(0)).toEqual(step)
      await soon(reader.read(), 'a chunk')
    }
  })

  it.each(['local', 'remote'] as const)(
    'fails with an IntegrityError if the %s source delivers too few bytes',
    async (which) => {
      const short = sources(which, (bytes) => chunked(bytes.subarray(0, 299), 100))
      const error = await rejection(collect(rebuild(plan, ...short)))
      expect(error).toMatchObject({ name: 'IntegrityError', expected: '300 bytes', actual: '299 bytes' })
    },
  )

  it.each(['local', 'remote'] as const)(
    'fails with an IntegrityError if the %s source delivers too many bytes',
    async (which) => {
      const length = which === 'local' ? 200 : 300
      for (const size of [Infinity, 100]) {
        let cancelled = 0
        const [local, remote] = sources(which, (bytes) => {
          let rest = new Uint8Array([...bytes, 1])
          return new ReadableStream({
            pull(controller) {
              controller.enqueue(rest.slice(0, size))
              rest = rest.slice(size)
            },
            cancel: () => void cancelled++,
          })
        })
        const error = await rejection(collect(rebuild(plan, local, remote)))
        expect(error).toMatchObject({
          name: 'IntegrityError',
          expected: `${length} bytes`,
          actual: `${length + 1} bytes`,
        })
        expect(cancelled).toBe(1)
      }
    },
  )

  it.each(['local', 'remote'] as const)("fails with the %s source's own error, as the same object", async (which) => {
    const reason = new Error('unplugged')
    const failing = sources(which, () => new ReadableStream({ pull: (controller) => controller.error(reason) }))
    expect(await rejection(collect(rebuild(plan, ...failing)))).toBe(reason)
    const throwing = sources(which, () => {
      throw reason
    })
    expect(await rejection(collect(rebuild(plan, ...throwing)))).toBe(reason)
    const text = sources(which, () => new ReadableStream({ pull: (controller) => controller.enqueue('text' as never) }))
    expect(await rejection(collect(rebuild(plan, ...text)))).toMatchObject({ name: 'TypeError' })
  })

  describe.each(['local', 'remote'] as const)('while the %s source is silent', (which) => {
    const start = (signal?: AbortSignal) => {
      let cancel: (reason: unknown) => void
      const cancelled = new Promise<unknown>((resolve) => (cancel = resolve))
      let opened = 0
      const silentSources = sources(which, () => {
        opened++
        return silent((reason) => cancel(reason))
      })
      const reader = rebuild(plan, ...silentSources, { digest: new Uint8Array(32), signal }).getReader()
      return { reader, cancelled: soon(cancelled, 'the cancel of the source'), opened: () => opened }
    }

    it('immediately releases it when cancelled', async () => {
      const { reader, cancelled, opened } = start()
      if (which === 'local') await reader.read()
      const reading = reader.read()
      expect(await pending(reading)).toBe(true)
      const reason = { why: 'seek' }
      await soon(reader.cancel(reason), 'the cancel')
      expect(await cancelled).toBe(reason)
      expect(await reading).toMatchObject({ done: true })
      expect(opened()).toBe(1)
    })

    it("immediately releases it with its signal's reason when aborted", async () => {
      const controller = new AbortController()
      const { reader, cancelled, opened } = start(controller.signal)
      if (which === 'local') await reader.read()
      const reading = reader.read()
      expect(await pending(reading)).toBe(true)
      const reason = { why: 'enough' }
      controller.abort(reason)
      expect(await cancelled).toBe(reason)
      expect(await rejection(reading)).toBe(reason)
      expect(opened()).toBe(1)
    })
  })

  it('opens nothing once it is cancelled, in any state', async () => {
    let opened = 0
    const watched = (bytes: Uint8Array): ByteSource =>
      sourceOf(bytes, (piece) => {
        opened++
        return chunked(piece, 1000)
      })
    const make = async (options: RebuildOptions = {}) =>
      rebuild(plan, watched(here), watched(there), { digest: await sha256(there), ...options }).getReader()

    await soon((await make()).cancel(), 'the cancel before the first read')
    expect(opened).toBe(0)

    const loading = await make()
    const first = loading.read()
    await soon(loading.cancel(), 'the cancel while the hash is loaded')
    expect(await first).toMatchObject({ done: true })
    await createSha256()
    await standstill()
    expect(opened).toBe(0)

    const between = await make()
    await between.read()
    await soon(between.cancel(), 'the cancel between two chunks')
    expect(opened).toBe(1)

    const reason = { why: 'never' }
    const refused = await make({ signal: AbortSignal.abort(reason) })
    expect(await rejection(refused.read())).toBe(reason)
    const controller = new AbortController()
    const aborted = await make({ signal: controller.signal })
    const reading = rejection(aborted.read())
    controller.abort(reason)
    expect(await reading).toBe(reason)
    await createSha256()
    await standstill()
    expect(opened).toBe(1)
  })

  it('opens no further piece if it is cancelled while one has not ended', async () => {
    let opened = 0
    const endless = (bytes: Uint8Array): ByteSource =>
      sourceOf(bytes, (piece) => {
        opened++
        let given = false
        return new ReadableStream({
          async pull(controller) {
            if (given) await new Promise(() => undefined)
            controller.enqueue(piece)
            given = true
          },
        })
      })
    const reader = rebuild(plan, endless(here), endless(there)).getReader()
    await reader.read()
    const reading = reader.read()
    expect(await pending(reading)).toBe(true)
    await soon(reader.cancel(), 'the cancel')
    expect(await reading).toMatchObject({ done: true })
    await standstill()
    expect(opened).toBe(1)
  })

  it('stops listening to its signal when it ends', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const rebuilt = await collect(rebuild(plan, bytesSource(here), bytesSource(there), { signal }))
    controller.abort()
    expect(difference(rebuilt, there)).toBeUndefined()
  })

  const [first, second] = plan.pieces as [RangePiece, RangePiece]
  const one = { size: 300, localBytes: 0, remoteBytes: 300 }
  it.each([
    ['a promise', Promise.resolve(plan), 'TypeError'],
    ['a piece of another source', { ...one, pieces: [{ ...first, source: 'near' }] }, 'TypeError'],
    ['half a byte', { ...one, pieces: [{ ...first, length: 0.5 }] }, 'TypeError'],
    ['no position', { ...one, pieces: [{ ...first, position: undefined }] }, 'TypeError'],
    ['an empty piece', { ...plan, pieces: [{ ...first, length: 0 }, ...plan.pieces] }, 'RangeError'],
    ['a gap', { ...plan, pieces: plan.pieces.toSpliced(1, 1) }, 'RangeError'],
    ['an overlap', { ...plan, pieces: [first, first, ...plan.pieces.slice(1)] }, 'RangeError'],
    ['the last piece missing', { ...plan, pieces: plan.pieces.slice(0, 3) }, 'RangeError'],
    ['a remote piece at a different offset', { ...one, pieces: [{ ...first, offset: 1 }] }, 'RangeError'],
    ['a piece past the end', { ...plan, pieces: plan.pieces.with(1, { ...second, offset: 501 }) }, 'RangeError'],
    ["a size other than the remote source's", { ...one, pieces: [first] }, 'RangeError'],
  ])('throws for a plan with %s', (_, wrong, name) => {
    let error: unknown
    try {
      rebuild(wrong as RangePlan, bytesSource(here), bytesSource(there))
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ name })
  })

  it('throws for an invalid source or digest', () => {
    const source = bytesSource(there)
    expect(() => rebuild(plan, source.stream() as unknown as ByteSource, source)).toThrow(TypeError)
    expect(() => rebuild(plan, bytesSource(here), undefined as unknown as ByteSource)).toThrow(TypeError)
    const withDigest = (digest: unknown) => () =>
      rebuild(plan, bytesSource(here), source, { digest: digest as Uint8Array })
    expect(withDigest('e3b0')).toThrow(TypeError)
    expect(withDigest(new Uint8Array(31))).toThrow(RangeError)
  })
})
