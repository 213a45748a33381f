import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { ConflictError } from '../../src/errors.ts'
import type { Entry, Hive, ListedEntry } from '../../src/hive/hive.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { PatchStream } from '../../src/rsync/patch-stream.ts'
import { sample, wholeOr } from './sample.ts'
import { CHUNK_SIZES, chunked, randomBytes, rejection, soon } from './streams.ts'

const BUFFER_BYTES = 1024

/** Returns the moments from 0 to `end`, counted in turns of the microtask queue. */
function momentsTo(end: number, step: number): readonly number[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, i) => i * step)
}

/** Returns the etag of bytes, as the format of the hive defines it: the quoted base64url of their SHA-256. */
async function etagOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const base64 = btoa(String.fromCharCode(...digest))
  return `"${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}"`
}

async function put(hive: Hive, alias: string, bytes: Uint8Array, options = {}): Promise<Entry> {
  const sink = hive.sink(alias, options)
  await soon(bytesSource(bytes).stream().pipeTo(sink), 'put')
  return sink.entry
}

const namesOf = async (hive: Hive, options = {}): Promise<string[]> =>
  (await hive.list(options)).entries.map(({ alias }) => alias)

function named(error: unknown): string {
  return (error as Error).name
}

/** Options of {@linkcode hiveSuite}. */
export interface HiveSuiteOptions {
  /**
   * Of so many moments at which something can be aborted, one is tried.
   * @default 1
   */
  readonly everyMoment?: number
  /**
   * Whether the tests are dealt out, group by group, to the suites that run hives on this kind of backend.
   * @default false
   */
  readonly isDealt?: boolean
}

/** The groups of these tests, so that suites which each run every third of them run about as much. */
const GROUPS = ['the pipeline', 'sink', 'reading', 'reader', 'signature and patchSink', 'list, stat, remove'] as const

/**
 * The tests for every kind of hive. `open` returns two views of a new, empty hive: the second one stands for another
 * client. Its blocks must be 1,000 bytes, so that small entries have many.
 */
export function hiveSuite(
  kind: string,
  open: () => Promise<{ hive: Hive; other: Hive }>,
  { everyMoment = 1, isDealt = false }: HiveSuiteOptions = {},
): void {
  /** Some of the moments. Of three parts, the suites that run hives on this kind of backend run all, if they all run the test. */
  const moments = (end: number, step: number): readonly number[] => {
    const all = momentsTo(end, step)
    const third = all.filter((_, index) => index % 3 === 1)
    return (isDealt ? wholeOr(all, third) : sample(all, 3)).filter((_, index) => index % everyMoment === 0)
  }
  const dealt = isDealt ? sample(GROUPS, 3) : GROUPS
  const group = (name: (typeof GROUPS)[number], tests: () => void): void => {
    describe.runIf(dealt.includes(name))(`${kind}: ${name}`, () => {
      tests()
    })
  }

  group('the pipeline', () => {
    it('stores, reads progressively, and updates with a delta', async () => {
      const { hive } = await open()
      const original = randomBytes(100_000, 1)
      const edited = new Uint8Array([
        ...original.subarray(0, 40_000),
        ...randomBytes(500, 2),
        ...original.subarray(40_000),
      ])
      const player = async (readable: ReadableStream<Uint8Array>): Promise<Uint8Array> => collect(readable)

      await bytesSource(original).stream().pipeTo(hive.sink('bunny.mp4'))

      const entry = await hive.open('bunny.mp4')
      expect(await player(entry.stream({ start: 10_000 }))).toEqual(original.subarray(10_000))

      const signature = await loadSignature(entry.signature())
      await bytesSource(edited)
        .stream()
        .pipeThrough(new DeltaStream(signature))
        .pipeThrough(new PatchStream(entry))
        .pipeTo(hive.sink('bunny.mp4', { ifMatch: entry.etag }))
      const updated = await hive.open('bunny.mp4')
      expect(updated.etag).toBe(await etagOf(edited))
      expect(await collect(updated.stream())).toEqual(edited)

      const back = await loadSignature(updated.signature())
      await bytesSource(original)
        .stream()
        .pipeThrough(new DeltaStream(back))
        .pipeTo(hive.patchSink('bunny.mp4', { ifMatch: updated.etag }))
      expect((await hive.open('bunny.mp4')).etag).toBe(entry.etag)
    })
  })

  group('sink', () => {
    it('commits on close, and resolves with the entry', async () => {
      const { hive, other } = await open()
      const bytes = randomBytes(2_500)
      const before = Date.now()
      const entry = await put(hive, 'a/b c.bin', bytes, { type: 'video/mp4' })
      expect(entry).toMatchObject({ alias: 'a/b c.bin', size: 2_500, type: 'video/mp4', etag: await etagOf(bytes) })
      expect(Math.abs(entry.modified.getTime() - before)).toBeLessThan(60_000)
      expect(await collect(entry.stream())).toEqual(bytes)
      const info = await other.stat('a/b c.bin')
      expect(info).toMatchObject({ alias: 'a/b c.bin', size: 2_500, type: 'video/mp4', etag: entry.etag })
    })

    for (const size of sample(CHUNK_SIZES)) {
      it(`stores the same for chunks of ${size}`, async () => {
        const { hive } = await open()
        const bytes = randomBytes(size < 100 ? 2_001 : 30_000)
        const sink = hive.sink('x')
        await soon(chunked(bytes, size).pipeTo(sink), 'put')
        expect((await sink.entry).etag).toBe(await etagOf(bytes))
        expect(await collect((await hive.open('x')).stream())).toEqual(bytes)
      })
    }

    for (const size of [0, 1, 999, 1_000, 1_001, 8_000]) {
      it(`stores ${size} bytes`, async () => {
        const { hive } = await open()
        const bytes = randomBytes(size)
        expect((await put(hive, 'x', bytes)).size).toBe(size)
        expect(await collect((await hive.open('x')).stream())).toEqual(bytes)
      })
    }

    it('leaves nothing behind when it is aborted', async () => {
      const { hive } = await open()
      const reason = new Error('changed my mind')
      const sink = hive.sink('x')
      const writer = sink.getWriter()
      await soon(writer.write(randomBytes(3_000)), 'a write')
      await soon(writer.abort(reason), 'abort')
      expect(await rejection(sink.entry)).toBe(reason)
      expect(named(await rejection(hive.open('x')))).toBe('NotFoundError')
      expect(await namesOf(hive)).toEqual([])
    })

    it('keeps the old version when a new one is aborted midway', async () => {
      const { hive } = await open()
      const old = await put(hive, 'x', randomBytes(3_000, 1))
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(randomBytes(1_500, 2))
          controller.error(new Error('cable cut'))
        },
      })
      const sink = hive.sink('x')
      expect(((await rejection(source.pipeTo(sink))) as Error).message).toBe('cable cut')
      await rejection(sink.entry)
      expect((await hive.open('x')).etag).toBe(old.etag)
    })

    it('fails with the reason of its signal', async () => {
      const { hive } = await open()
      const controller = new AbortController()
      const sink = hive.sink('x', { signal: controller.signal })
      const writer = sink.getWriter()
      writer.closed.catch(() => undefined)
      await soon(writer.write(randomBytes(3_000)), 'a write')
      controller.abort('stop')
      expect(await rejection(writer.write(randomBytes(10)))).toBe('stop')
      expect(await rejection(sink.entry)).toBe('stop')
      expect(await namesOf(hive)).toEqual([])
    })

    it('reports the same through close() and entry when an abort is too late', async () => {
      const { hive } = await open()
      for (const turns of moments(60, 3)) {
        const controller = new AbortController()
        const sink = hive.sink(`x${turns}`, { signal: controller.signal })
        const writer = sink.getWriter()
        writer.closed.catch(() => undefined)
        await writer.write(randomBytes(1_500))
        const closed = writer.close().then(
          () => 'committed',
          () => 'failed',
        )
        for (let i = 0; i < turns; i++) await Promise.resolve()
        controller.abort('stop')
        const entry = sink.entry.then(
          () => 'committed',
          () => 'failed',
        )
        expect(await soon(closed, 'close'), `after ${turns} turns`).toBe(await soon(entry, 'the entry'))
      }
    })

    it('ifNoneMatch refuses an alias that exists', async () => {
      const { hive } = await open()
      const first = await put(hive, 'x', randomBytes(100, 1), { ifNoneMatch: '*' })
      const sink = hive.sink('x', { ifNoneMatch: '*' })
      const error = await rejection(bytesSource(randomBytes(100, 2)).stream().pipeTo(sink))
      expect(error).toMatchObject({ name: 'AlreadyExistsError', alias: 'x', actualEtag: first.etag })
      expect(named(await rejection(sink.entry))).toBe('AlreadyExistsError')
      expect((await hive.stat('x')).etag).toBe(first.etag)
    })

    it('ifMatch refuses another version, and a missing entry', async () => {
      const { hive } = await open()
      const first = await put(hive, 'x', randomBytes(100, 1))
      const second = await put(hive, 'x', randomBytes(100, 2), { ifMatch: first.etag })
      const error = await rejection(
        bytesSource(randomBytes(100, 3))
          .stream()
          .pipeTo(hive.sink('x', { ifMatch: first.etag })),
      )
      expect(error).toMatchObject({
        name: 'ConflictError',
        alias: 'x',
        expectedEtag: first.etag,
        actualEtag: second.etag,
      })
      const absent = await rejection(
        bytesSource(randomBytes(9))
          .stream()
          .pipeTo(hive.sink('y', { ifMatch: first.etag })),
      )
      expect(absent).toMatchObject({ name: 'ConflictError', expectedEtag: first.etag })
      expect(await namesOf(hive)).toEqual(['x'])
    })

    it('ifMatch is checked again at the commit: of two writers one wins', async () => {
      const { hive, other } = await open()
      const { etag } = await put(hive, 'x', randomBytes(100, 1))
      const writers = [hive, other].map((view) => view.sink('x', { ifMatch: etag }))
      const settled = await soon(
        Promise.allSettled(
          writers.map(async (sink, i) =>
            bytesSource(randomBytes(5_000, i + 2))
              .stream()
              .pipeTo(sink),
          ),
        ),
        'both writers',
      )
      expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const lost = settled.find(({ status }) => status === 'rejected') as PromiseRejectedResult
      expect(named(lost.reason)).toBe('ConflictError')
    })

    it('refuses an invalid alias, etag or media type, at once', async () => {
      const { hive } = await open()
      for (const alias of ['', '.', 'a/../b', '-/x', '\ud800', 'x'.repeat(1_024), 'é'.repeat(512)]) {
        expect(() => hive.sink(alias), alias).toThrow(TypeError)
        expect(await rejection(hive.open(alias))).toBeInstanceOf(TypeError)
        expect(await rejection(hive.remove(alias))).toBeInstanceOf(TypeError)
      }
      expect(() => hive.sink('x', { ifMatch: 'no quotes' })).toThrow(TypeError)
      expect(() => hive.sink('x', { ifMatch: '"a"', ifNoneMatch: '*' })).toThrow(TypeError)
      expect(() => hive.sink('x', { type: 'no type' })).toThrow(TypeError)
    })

    it('accepts every valid alias', async () => {
      const { hive } = await open()
      const aliases = [
        'x'.repeat(1_023),
        '\ufeffbom',
        'a//b',
        '/',
        'a/',
        ' ',
        '%2e',
        '...',
        'a?b#c',
        'naïve 🐝.mp4',
        '\\',
        '-',
        '"',
        '+',
      ]
      for (const [i, alias] of aliases.entries()) {
        await put(hive, alias, Uint8Array.of(i))
        expect(await collect((await hive.open(alias)).stream()), alias).toEqual(Uint8Array.of(i))
      }
      expect((await namesOf(hive)).sort()).toEqual([...aliases].sort())
    })
  })

  group('reading', () => {
    it('returns the requested range', async () => {
      const { hive } = await open()
      const bytes = randomBytes(5_000)
      await put(hive, 'x', bytes)
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      for (const [start, end] of [
        [0, 5_000],
        [0, 1],
        [999, 1_001],
        [1_000, 2_000],
        [4_999, 5_000],
        [5_000, 5_000],
        [1_500, undefined],
        [undefined, 1_500],
      ] as const) {
        expect(await collect(entry.stream({ start, end }))).toEqual(bytes.slice(start ?? 0, end))
      }
      expect(await collect(entry.slice(-100, -1).stream())).toEqual(bytes.slice(-100, -1))
      expect(await collect(entry.slice(10, 900).slice(5, 10).stream())).toEqual(bytes.slice(15, 20))
      expect(entry.slice(4_000, 9_000).size).toBe(1_000)
    })

    it('refuses a range outside the entry, at once', async () => {
      const { hive } = await open()
      const entry = await put(hive, 'x', randomBytes(100))
      expect(() => entry.stream({ start: 101 })).toThrow(RangeError)
      expect(() => entry.stream({ end: 101 })).toThrow(RangeError)
      expect(() => entry.stream({ start: -1 })).toThrow(RangeError)
      expect(() => entry.stream({ start: 50, end: 49 })).toThrow(RangeError)
      expect(() => entry.stream({ start: 0.5 })).toThrow(TypeError)
    })

    it('returns chunks no larger than the buffer', async () => {
      const { hive } = await open()
      await put(hive, 'x', randomBytes(50_000))
      const reader = (await hive.open('x', { bufferSize: BUFFER_BYTES })).stream().getReader()
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        expect(read.value.byteLength).toBeLessThanOrEqual(BUFFER_BYTES)
      }
    })

    it('fails with a conflict when the entry is updated midway', async () => {
      const { hive, other } = await open()
      const bytes = randomBytes(200_000, 1)
      await put(hive, 'x', bytes)
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      const reader = entry.stream().getReader()
      let offset = (await reader.read()).value!.byteLength
      const newer = randomBytes(20_000, 2)
      const update = await put(other, 'x', newer)
      const error = (await rejection(
        (async () => {
          for (let read = await reader.read(); !read.done; read = await reader.read()) {
            expect(read.value).toEqual(bytes.slice(offset, offset + read.value.byteLength))
            offset += read.value.byteLength
          }
        })(),
      )) as ConflictError
      expect(error).toMatchObject({
        name: 'ConflictError',
        alias: 'x',
        expectedEtag: entry.etag,
        actualEtag: update.etag,
        offset,
      })
      const reopened = await entry.reopen()
      expect(reopened.etag).toBe(update.etag)
      expect(await collect(reopened.stream({ start: offset }))).toEqual(newer.slice(offset))
    })

    it('continues when the same bytes are stored again', async () => {
      const { hive, other } = await open()
      const bytes = randomBytes(20_000)
      await put(hive, 'x', bytes)
      const reader = (await hive.open('x', { bufferSize: BUFFER_BYTES })).stream().getReader()
      let offset = (await reader.read()).value!.byteLength
      await put(other, 'x', bytes)
      for (let read = await reader.read(); !read.done; read = await reader.read()) offset += read.value.byteLength
      expect(offset).toBe(20_000)
    })

    it('fails with not found when the entry is removed midway', async () => {
      const { hive, other } = await open()
      await put(hive, 'x', randomBytes(200_000))
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      const stream = entry.stream()
      const reader = stream.getReader()
      await reader.read()
      await other.remove('x')
      reader.releaseLock()
      expect(await rejection(collect(stream))).toMatchObject({ name: 'NotFoundError', alias: 'x' })
      expect(named(await rejection(entry.reopen()))).toBe('NotFoundError')
    })

    it('cancels at once, and fails with the reason of a signal', async () => {
      const { hive } = await open()
      await put(hive, 'x', randomBytes(200_000))
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      const first = entry.stream().getReader()
      await first.read()
      const read = first.read()
      await soon(first.cancel('seek'), 'cancel')
      await soon(read, 'the pending read')

      const controller = new AbortController()
      const second = entry.stream({ signal: controller.signal }).getReader()
      await second.read()
      controller.abort('stop')
      expect(await rejection(second.read())).toBe('stop')
    })

    it('close ends its streams with a TypeError', async () => {
      const { hive } = await open()
      await put(hive, 'x', randomBytes(200_000))
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      const reader = entry.stream().getReader()
      await reader.read()
      await entry.close()
      await entry.close()
      expect(await rejection(reader.read())).toBeInstanceOf(TypeError)
      expect(() => entry.stream()).toThrow(TypeError)
      expect(() => entry.reader()).toThrow(TypeError)
    })
  })

  group('reader', () => {
    it('reads buffer by buffer, and fails at the end', async () => {
      const { hive } = await open()
      const bytes = randomBytes(5_000)
      await put(hive, 'x', bytes)
      const reader = (await hive.open('x')).reader({ bufferSize: BUFFER_BYTES })
      expect(reader).toMatchObject({ offset: 0, size: 5_000, bufferSize: BUFFER_BYTES })
      for (let offset = 0; offset < 5_000; offset += BUFFER_BYTES) {
        expect(reader.offset).toBe(offset)
        expect(await reader.read()).toEqual(bytes.slice(offset, offset + BUFFER_BYTES))
      }
      expect(reader.offset).toBe(5_000)
      expect(await rejection(reader.read())).toBeInstanceOf(RangeError)
      reader.seek(4_990)
      expect(await reader.read()).toEqual(bytes.slice(4_990))
    })

    it('returns the exact bytes after a read that was aborted at any moment', async () => {
      const { hive } = await open()
      const bytes = randomBytes(5_000)
      await put(hive, 'x', bytes)
      const entry = await hive.open('x', { bufferSize: BUFFER_BYTES })
      for (const turns of moments(40, 1)) {
        const reader = entry.reader()
        const controller = new AbortController()
        const read = reader.read({ signal: controller.signal }).catch((error: unknown) => expect(error).toBe('stop'))
        for (let i = 0; i < turns; i++) await Promise.resolve()
        controller.abort('stop')
        await read
        const chunks: Uint8Array<ArrayBuffer>[] = [bytes.slice(0, reader.offset)]
        while (reader.offset < reader.size) chunks.push(await soon(reader.read(), 'a read'))
        expect(await collect(new Blob(chunks).stream()), `after ${turns} turns`).toEqual(bytes)
      }
    })

    it('is dead when its entry is closed', async () => {
      const { hive } = await open()
      const entry = await put(hive, 'x', randomBytes(5_000))
      const reader = entry.reader()
      await reader.read()
      await entry.close()
      expect(() => reader.seek(0)).toThrow(TypeError)
      expect(await rejection(reader.read())).toBeInstanceOf(TypeError)
    })

    it('seeks from 0 to the size, and not beyond', async () => {
      const { hive } = await open()
      const bytes = randomBytes(5_000)
      await put(hive, 'x', bytes)
      const reader = (await hive.open('x', { bufferSize: BUFFER_BYTES })).reader()
      await reader.read()
      reader.seek(3_000)
      expect(await reader.read()).toEqual(bytes.slice(3_000, 3_000 + BUFFER_BYTES))
      reader.seek(5_000)
      expect(() => reader.seek(5_001)).toThrow(RangeError)
      expect(() => reader.seek(-1)).toThrow(RangeError)
      expect(reader.offset).toBe(5_000)
      reader.seek(0)
      expect(await reader.read()).toEqual(bytes.slice(0, BUFFER_BYTES))
    })

    it('is dead after a conflict, which has the offset of the next byte', async () => {
      const { hive, other } = await open()
      await put(hive, 'x', randomBytes(5_000, 1))
      const reader = (await hive.open('x')).reader({ bufferSize: BUFFER_BYTES })
      await reader.read()
      await put(other, 'x', randomBytes(6_000, 2))
      const error = await rejection(readOn(reader))
      expect(error).toMatchObject({ name: 'ConflictError', offset: reader.offset })
      expect(await rejection(reader.read())).toBe(error)
      expect(() => reader.seek(0)).toThrow(error)
    })

    it('is dead after close, with a TypeError', async () => {
      const { hive } = await open()
      await put(hive, 'x', randomBytes(5_000))
      const reader = (await hive.open('x')).reader()
      await reader.close()
      await reader.close()
      expect(await rejection(reader.read())).toBeInstanceOf(TypeError)
      expect(() => reader.seek(0)).toThrow(TypeError)
    })

    it('refuses a second read while one is pending, and a buffer out of bounds', async () => {
      const { hive } = await open()
      const entry = await put(hive, 'x', randomBytes(5_000))
      const reader = entry.reader()
      const first = reader.read()
      expect(await rejection(reader.read())).toBeInstanceOf(TypeError)
      expect((await first).byteLength).toBe(5_000)
      expect(() => entry.reader({ bufferSize: 1_023 })).toThrow(RangeError)
      expect(() => entry.reader({ bufferSize: 10 * 1024 * 1024 + 1 })).toThrow(RangeError)
      expect(await rejection(hive.open('x', { bufferSize: 0 }))).toBeInstanceOf(RangeError)
    })
  })

  group('signature and patchSink', () => {
    it('returns the same signature each time, even for an empty entry', async () => {
      const { hive } = await open()
      const entry = await put(hive, 'x', randomBytes(70_000))
      const first = await collect(entry.signature())
      expect(await collect((await hive.open('x')).signature())).toEqual(first)
      expect([...first.subarray(0, 4)]).toEqual([0x72, 0x73, 0x01, 0x47])
      const empty = await put(hive, 'empty', new Uint8Array(0))
      expect((await collect(empty.signature())).byteLength).toBe(12)
    })

    it('patches only the version that ifMatch names', async () => {
      const { hive } = await open()
      const old = await put(hive, 'x', randomBytes(5_000, 1), { type: 'video/webm' })
      const delta = await collect(
        bytesSource(randomBytes(6_000, 2))
          .stream()
          .pipeThrough(new DeltaStream(await loadSignature(old.signature()))),
      )
      await put(hive, 'x', randomBytes(5_000, 3))
      const sink = hive.patchSink('x', { ifMatch: old.etag })
      expect(await rejection(bytesSource(delta).stream().pipeTo(sink))).toMatchObject({
        name: 'ConflictError',
        expectedEtag: old.etag,
      })

      await put(hive, 'x', randomBytes(5_000, 1), { type: 'video/webm' })
      const patched = hive.patchSink('x', { ifMatch: old.etag })
      await bytesSource(delta).stream().pipeTo(patched)
      const entry = await patched.entry
      expect(entry).toMatchObject({ alias: 'x', size: 6_000, type: 'video/webm' })
      expect(await collect(entry.stream())).toEqual(randomBytes(6_000, 2))
    })

    it('fails without such an entry, and with a body that is not a delta; nothing changes', async () => {
      const { hive } = await open()
      const absent = hive.patchSink('nothing', { ifMatch: '"x"' })
      expect(['NotFoundError', 'ConflictError']).toContain(
        named(await rejection(bytesSource(randomBytes(10)).stream().pipeTo(absent))),
      )
      const entry = await put(hive, 'x', randomBytes(5_000))
      for (const [bytes, reason] of [
        [randomBytes(50_000), 'magic'],
        [Uint8Array.of(0x72, 0x73, 0x02, 0x36), 'truncated'],
        [Uint8Array.of(0x72, 0x73, 0x02, 0x36, 0x10, 1, 2), 'truncated'],
        [Uint8Array.of(0x72, 0x73, 0x02, 0x36, 0xff), 'invalid'],
      ] as const) {
        const sink = hive.patchSink('x', { ifMatch: entry.etag })
        const error = await rejection(bytesSource(bytes).stream().pipeTo(sink))
        expect(error).toMatchObject({ name: 'FormatError', reason })
      }
      expect((await hive.stat('x')).etag).toBe(entry.etag)
      expect(await namesOf(hive)).toEqual(['x'])
    })
  })

  group('list, stat, remove', () => {
    it('lists by UTF-8 bytes, by prefix, after and limit', async () => {
      const { hive } = await open()
      // UTF-16 order would put the bee before U+FF5E.
      const aliases = ['a', 'a/1', 'a/2', 'a0', 'b', '\uff5e', '🐝']
      for (const alias of aliases.toReversed()) await put(hive, alias, new Uint8Array(0))
      expect(await namesOf(hive)).toEqual(aliases)
      expect(await namesOf(hive, { prefix: 'a/' })).toEqual(['a/1', 'a/2'])
      expect(await namesOf(hive, { after: 'a/1', limit: 2 })).toEqual(['a/2', 'a0'])
      expect(await namesOf(hive, { prefix: 'nothing' })).toEqual([])
      expect(await rejection(hive.list({ limit: 0 }))).toBeInstanceOf(RangeError)
      expect(await rejection(hive.list({ prefix: 5 as unknown as string }))).toBeInstanceOf(TypeError)
      expect(await rejection(hive.list({ after: null as unknown as string }))).toBeInstanceOf(TypeError)
      expect((await hive.list({ limit: 1 })).entries[0]).toMatchObject({ alias: 'a', size: 0 })
    })

    it('shows by `next` whether there are more entries', async () => {
      const { hive } = await open()
      for (const alias of ['a/1', 'a/2', 'a/3', 'b']) await put(hive, alias, new Uint8Array(0))
      expect(await hive.list({ prefix: 'a/', limit: 2 })).toMatchObject({ next: 'a/2' })
      expect(await hive.list({ prefix: 'a/', limit: 2, after: 'a/1' })).not.toHaveProperty('next')
      expect(await hive.list({ prefix: 'a/', limit: 3 })).not.toHaveProperty('next')
      expect(await hive.list({ prefix: 'nothing' })).toEqual({ entries: [] })
    })

    it('streams all entries, or those with a prefix', async () => {
      const { hive } = await open()
      const all = async (options = {}): Promise<string[]> => {
        const aliases: string[] = []
        const write = ({ alias }: ListedEntry): void => void aliases.push(alias)
        await soon(hive.entries(options).pipeTo(new WritableStream({ write })), 'the entries')
        return aliases
      }
      expect(await all()).toEqual([])
      for (const alias of ['b', 'a/2', '\uff5e', 'a/1', '🐝']) await put(hive, alias, Uint8Array.of(1))
      expect(await all()).toEqual(['a/1', 'a/2', 'b', '\uff5e', '🐝'])
      expect(await all({ prefix: 'a/' })).toEqual(['a/1', 'a/2'])
      expect(await all({ after: 'a/2' })).toEqual(['b', '\uff5e', '🐝'])
      const { value } = await hive.entries({ prefix: 'b' }).getReader().read()
      expect(value).toEqual(await hive.stat('b'))
    })

    it('stops streaming its entries with the reason of a signal, and when it is cancelled', async () => {
      const { hive } = await open()
      await put(hive, 'x', new Uint8Array(0))
      const controller = new AbortController()
      const reader = hive.entries({ signal: controller.signal }).getReader()
      expect((await reader.read()).value?.alias).toBe('x')
      const late = hive.entries({ signal: controller.signal }).getReader()
      controller.abort('stop')
      expect(await rejection(late.read())).toBe('stop')
      expect(await rejection(hive.entries({ signal: controller.signal }).getReader().read())).toBe('stop')
      const cancelled = hive.entries().getReader()
      const read = cancelled.read()
      await soon(cancelled.cancel(), 'cancel')
      await soon(read, 'the pending read')
    })

    it('refuses `prefix` and `after` unless they are strings of whole characters', async () => {
      const { hive } = await open()
      for (const value of [5, null, {}, '\ud800', 'a\udc00b', Object.create(null)] as unknown as string[]) {
        for (const options of [{ prefix: value }, { after: value }]) {
          const error = await rejection(hive.list(options))
          expect(error).toBeInstanceOf(TypeError)
          expect((error as Error).message).toMatch(/^(prefix|after) must/)
          expect(() => hive.entries(options)).toThrow(TypeError)
        }
      }
    })

    it('removes an entry, or only the version that ifMatch names', async () => {
      const { hive } = await open()
      const entry = await put(hive, 'x', randomBytes(10))
      expect(await rejection(hive.remove('x', { ifMatch: '"other"' }))).toMatchObject({
        name: 'ConflictError',
        expectedEtag: '"other"',
        actualEtag: entry.etag,
      })
      await hive.remove('x', { ifMatch: entry.etag })
      for (const call of [() => hive.stat('x'), () => hive.open('x'), () => hive.remove('x')]) {
        expect(await rejection(call())).toMatchObject({ name: 'NotFoundError', alias: 'x' })
      }
    })

    it('renames an entry, with its type and time, if the new name is free', async () => {
      const { hive, other } = await open()
      const bytes = randomBytes(2_500)
      const { etag } = await put(hive, 'a/x y', bytes, { type: 'video/mp4' })
      await put(hive, 'taken', randomBytes(10))
      expect(await rejection(hive.rename('a/x y', 'taken'))).toMatchObject({
        name: 'AlreadyExistsError',
        alias: 'taken',
      })
      expect(await rejection(hive.rename('a/x y', 'b/ü?', { ifMatch: '"other"' }))).toMatchObject({
        name: 'ConflictError',
        expectedEtag: '"other"',
        actualEtag: etag,
      })
      expect(await namesOf(hive)).toEqual(['a/x y', 'taken'])
      await hive.rename('a/x y', 'b/ü?', { ifMatch: etag })
      expect(await namesOf(other)).toEqual(['b/ü?', 'taken'])
      const renamed = await other.open('b/ü?')
      expect(renamed).toMatchObject({ etag, type: 'video/mp4', size: 2_500 })
      expect(await collect(renamed.stream())).toEqual(bytes)
      expect(await rejection(hive.rename('a/x y', 'c'))).toMatchObject({ name: 'NotFoundError', alias: 'a/x y' })

      const before = (await hive.stat('taken')).modified
      await hive.rename('b/ü?', 'taken', { overwrite: true })
      expect(await namesOf(hive)).toEqual(['taken'])
      const { modified, ...info } = await hive.stat('taken')
      expect(info).toEqual({ alias: 'taken', etag, type: 'video/mp4', size: 2_500 })
      expect(modified.getTime()).toBeGreaterThan(before.getTime())
      const wrong: [string, string, object?][] = [
        ['taken', 'taken'],
        ['taken', ''],
        ['', 'x'],
        ['taken', 'x', { overwrite: 1 }],
      ]
      for (const call of wrong) expect(await rejection(hive.rename(...call))).toBeInstanceOf(TypeError)
    })

    it('fails with the reason of a signal', async () => {
      const { hive } = await open()
      const signal = AbortSignal.abort('stop')
      for (const call of [
        () => hive.stat('x', { signal }),
        () => hive.open('x', { signal }),
        () => hive.list({ signal }),
        () => hive.remove('x', { signal }),
        () => hive.rename('x', 'y', { signal }),
      ]) {
        expect(await rejection(call())).toBe('stop')
      }
    })

    it('stays consistent under several writers of one alias', async () => {
      const { hive, other } = await open()
      const versions = [1, 2, 3, 4].map((seed) => randomBytes(3_000, seed))
      await Promise.all(versions.map((bytes, i) => put(i % 2 ? hive : other, 'x', bytes)))
      const bytes = await collect((await hive.open('x')).stream())
      expect(versions).toContainEqual(bytes)
    })
  })
}

/** Reads until the end or an error. */
async function readOn(reader: { read(): Promise<Uint8Array>; offset: number; size: number }): Promise<void> {
  while (reader.offset < reader.size) await reader.read()
}
