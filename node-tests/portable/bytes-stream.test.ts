import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { byteStream } from '../../src/bytes/byte-stream.ts'
import { collect } from '../../src/bytes/collect.ts'
import { ReusingReader } from '../../src/bytes/reusing-reader.ts'
import { QuotaExceededError } from '../../src/errors.ts'
import { pending, randomBytes, rejection, soon, standstill } from '../support/streams.ts'

/** Whether this host's streams have BYOB readers. WebKit's do not. */
function hasByob(): boolean {
  try {
    byteStream({ next: () => undefined, cancel: () => undefined }).getReader({ mode: 'byob' })
    return true
  } catch {
    return false
  }
}

function counting(chunks: number): { stream: ReadableStream<Uint8Array>; calls: () => number; cancelled: unknown[] } {
  let calls = 0
  const cancelled: unknown[] = []
  const stream = byteStream({
    next: () => (calls++ < chunks ? randomBytes(100, calls) : undefined),
    cancel: (reason) => void cancelled.push(reason),
  })
  return { stream, calls: () => calls, cancelled }
}

describe('byteStream', () => {
  it('requests nothing before it is read, and one chunk per read', async () => {
    const { stream, calls } = counting(3)
    const reader = stream.getReader()
    await standstill()
    expect(calls()).toBe(0)
    expect((await reader.read()).value).toEqual(randomBytes(100, 1))
    expect(calls()).toBe(1)
  })

  it('ends after the last chunk, and skips empty ones', async () => {
    const chunks = [new Uint8Array(0), randomBytes(3), new Uint8Array(0), randomBytes(4)]
    const stream = byteStream({ next: () => Promise.resolve(chunks.shift()), cancel: () => undefined })
    expect((await collect(stream)).byteLength).toBe(7)
  })

  it('fails with what its producer throws or rejects with', async () => {
    const error = new Error('disk')
    const rejecting = byteStream({ next: () => Promise.reject(error), cancel: () => undefined })
    expect(await rejection(rejecting.getReader().read())).toBe(error)
    const throwing = byteStream({
      next: () => {
        throw error
      },
      cancel: () => undefined,
    })
    expect(await rejection(throwing.getReader().read())).toBe(error)
  })

  it('cancels immediately while it waits for a chunk, and drops that chunk', async () => {
    let give: (chunk: Uint8Array<ArrayBuffer>) => void = () => undefined
    const cancelled: unknown[] = []
    const stream = byteStream({
      next: () => new Promise<Uint8Array<ArrayBuffer>>((resolve) => void (give = resolve)),
      cancel: (reason) => void cancelled.push(reason),
    })
    const reader = stream.getReader()
    const read = reader.read()
    expect(await pending(read)).toBe(true)
    await soon(reader.cancel('seek'), 'cancel')
    expect((await soon(read, 'the read')).done).toBe(true)
    expect(cancelled).toEqual(['seek'])
    give(randomBytes(5))
    await standstill()
  })

  it('can fail while nothing is being read', async () => {
    let fail: (reason: unknown) => void = () => undefined
    const stream = byteStream({ start: (f) => void (fail = f), next: () => undefined, cancel: () => undefined })
    const { closed } = stream.getReader()
    fail('gone')
    expect(await rejection(closed)).toBe('gone')
  })

  it('yields to the host, however small the chunks are', async () => {
    let timerWasDue = false
    setTimeout(() => (timerWasDue = true), 0)
    let left = 5_000_000
    const stream = byteStream({
      next: () => (!timerWasDue && left-- > 0 ? new Uint8Array(1) : undefined),
      cancel: () => undefined,
    })
    await collect(stream)
    expect(timerWasDue).toBe(true)
  })

  it('serves BYOB reads of any size, where the host has them', async () => {
    if (!hasByob()) {
      expect(() => counting(1).stream.getReader({ mode: 'byob' })).toThrow(TypeError)
      return
    }
    for (const size of [1, 7, 99, 100, 101, 1000]) {
      const { stream } = counting(3)
      const reader = stream.getReader({ mode: 'byob' })
      const bytes: number[] = []
      for (;;) {
        const { value, done } = await soon(reader.read(new Uint8Array(size)), 'a BYOB read')
        if (done) break
        bytes.push(...value)
      }
      expect(bytes).toEqual([...randomBytes(100, 1), ...randomBytes(100, 2), ...randomBytes(100, 3)])
    }
  })

  it('lets a producer give the buffer of a BYOB reader to another one', async () => {
    if (!hasByob()) return
    const inner = counting(2).stream.getReader({ mode: 'byob' })
    const outer = byteStream({
      next: () => Promise.reject(new Error('a chunk was requested')),
      fill: async (buffer) => (await inner.read(buffer)).value!,
      cancel: () => undefined,
    }).getReader({ mode: 'byob' })
    const bytes: number[] = []
    let buffer = new ArrayBuffer(64)
    for (let ended = false; !ended;) {
      const { value, done } = await soon(outer.read(new Uint8Array(buffer)), 'a BYOB read')
      bytes.push(...value!)
      buffer = value!.buffer
      ended = done
    }
    expect(bytes).toEqual([...randomBytes(100, 1), ...randomBytes(100, 2)])
    expect(buffer.byteLength).toBe(64)
  })

  it('lets a producer fill the buffer of a BYOB reader, and fails and cancels as usual', async () => {
    if (!hasByob()) return
    let fill: (buffer: Uint8Array) => Promise<number> | number = (buffer) => buffer.fill(7).byteLength - 1
    const cancelled: unknown[] = []
    const producer = (): ReadableStreamBYOBReader =>
      byteStream({
        next: () => Promise.reject(new Error('a chunk was requested')),
        fill: (buffer) => fill(buffer),
        cancel: (reason) => void cancelled.push(reason),
      }).getReader({ mode: 'byob' })
    const first = await producer().read(new Uint8Array(4))
    expect(first.value).toEqual(Uint8Array.of(7, 7, 7))

    fill = () => 0
    expect((await soon(producer().read(new Uint8Array(4)), 'the end')).done).toBe(true)

    fill = () => Promise.reject(new TypeError('gone'))
    expect(await rejection(producer().read(new Uint8Array(4)))).toMatchObject({ name: 'TypeError', message: 'gone' })

    let give: (byteLength: number) => void = () => undefined
    fill = () => new Promise<number>((resolve) => void (give = resolve))
    const reader = producer()
    const read = reader.read(new Uint8Array(4))
    expect(await pending(read)).toBe(true)
    await soon(reader.cancel('seek'), 'cancel')
    expect((await soon(read, 'the read')).done).toBe(true)
    give(3)
    await standstill()
    expect(cancelled).toEqual(['seek'])
  })
})

describe('bytesSource', () => {
  const bytes = randomBytes(1_000)

  it('slices as a Blob does', async () => {
    const blob = new Blob([bytes])
    const source = bytesSource(bytes)
    for (const [start, end] of [
      [0, 10],
      [10, undefined],
      [-10, undefined],
      [-2_000, -990],
      [500, 400],
      [990, 5_000],
      [5_000, 6_000],
      [undefined, -1],
    ] as const) {
      const slice = source.slice(start, end)
      const expected = new Uint8Array(await blob.slice(start, end).arrayBuffer())
      expect(slice.size).toBe(expected.byteLength)
      expect(await collect(slice.stream())).toEqual(expected)
      const inner = new Uint8Array(await blob.slice(start, end).slice(1, -1).arrayBuffer())
      expect(await collect(slice.slice(1, -1).stream())).toEqual(inner)
    }
  })

  it('can be read into one buffer repeatedly, and into that of an earlier reader', async () => {
    const content = randomBytes(700_000)
    let reader: ReusingReader | undefined
    for (const start of [0, 1, 699_999, 700_000, 300_000, 2]) {
      reader = new ReusingReader(bytesSource(content).slice(start).stream(), reader)
      const read = new Uint8Array(content.byteLength - start)
      let length = 0
      // Every other reader is cancelled before the end.
      const end = start % 2 === 0 ? read.byteLength : Math.min(read.byteLength, 10)
      while (length < end) {
        const chunk = await reader.read()
        read.set(chunk!, length)
        length += chunk!.byteLength
      }
      expect(equalBytes(read.subarray(0, length), content.subarray(start, start + length))).toBe(true)
      if (end === read.byteLength) expect(await reader.read()).toBeUndefined()
      else await reader.cancel()
    }
  })

  it('keeps its bytes when its streams are read', async () => {
    const source = bytesSource(bytes)
    const first = await collect(source.stream())
    expect(await collect(source.stream())).toEqual(first)
    expect(bytes.byteLength).toBe(1_000)
  })

  it("copies its chunks, even if the bytes' slice() returns a view, as that of a Buffer does", async () => {
    class View extends Uint8Array<ArrayBuffer> {
      override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
        return this.subarray(start, end)
      }
    }
    const view = new View(bytes.buffer)
    expect(await collect(bytesSource(view).stream())).toEqual(bytes)
    expect(new Uint8Array(view)).toEqual(bytes)
  })

  it('rejects invalid bytes and offsets', () => {
    expect(() => bytesSource('text' as unknown as Uint8Array)).toThrow(TypeError)
    expect(() => bytesSource(bytes).slice(0.5)).toThrow(TypeError)
  })
})

describe('collect', () => {
  it('stops at its limit and cancels the stream', async () => {
    const { stream, cancelled } = counting(3)
    const error = await rejection(collect(stream, { limit: 150 }))
    expect(error).toBeInstanceOf(QuotaExceededError)
    expect((error as QuotaExceededError).limit).toBe(150)
    expect(cancelled).toEqual([error])
  })

  it.each([
    ['never settles', () => new Promise<void>(() => undefined)],
    ['fails', () => Promise.reject(new Error('from cancel()'))],
  ])('reports what was wrong, even if cancelling its source %s', async (_, cancel) => {
    const large = new ReadableStream<Uint8Array>({ pull: (c) => c.enqueue(new Uint8Array(100)), cancel })
    expect(await rejection(collect(large, { limit: 150 }))).toMatchObject({ name: 'QuotaExceededError' })
    const wrong = new ReadableStream({ pull: (c) => c.enqueue('text'), cancel })
    expect(await rejection(collect(wrong))).toBeInstanceOf(TypeError)
  })

  it('accepts exactly its limit', async () => {
    expect((await collect(counting(3).stream, { limit: 300 })).byteLength).toBe(300)
  })
})
