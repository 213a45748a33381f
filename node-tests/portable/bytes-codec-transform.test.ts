import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { type Codec, codecTransform, type CodecStep } from '../../src/bytes/codec-transform.ts'
import { collect } from '../../src/bytes/collect.ts'
import { CHUNK_SIZES, chunked, pending, randomBytes, rejection, soon, standstill } from '../support/streams.ts'

/** Writes every byte `times` times, and a trailer at the end, like a codec that expands, splits and flushes. */
class RepeatCodec implements Codec {
  readonly #times: number
  #left = 0
  #byte = 0
  #trailer = [0xaa, 0xbb, 0xcc]
  #ended = false

  constructor(times: number) {
    this.#times = times
  }

  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    let read = 0
    let written = 0
    while (written < output.byteLength) {
      if (this.#left > 0) {
        const run = Math.min(this.#left, output.byteLength - written)
        output.fill(this.#byte, written, written + run)
        written += run
        this.#left -= run
      } else if (read < input.byteLength) {
        this.#byte = input[read++]!
        this.#left = this.#times
      } else if (this.#ended && this.#trailer.length > 0) {
        output[written++] = this.#trailer.shift()!
      } else {
        break
      }
    }
    const done = this.#ended && this.#left === 0 && this.#trailer.length === 0 && read === input.byteLength
    return { state: done ? 'done' : 'blocked', read, written }
  }

  end(): void {
    this.#ended = true
  }
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(bytes.byteLength * times + 3)
  bytes.forEach((byte, i) => out.fill(byte, i * times, (i + 1) * times))
  out.set([0xaa, 0xbb, 0xcc], bytes.byteLength * times)
  return out
}

const repeat = (times: number): ReturnType<typeof codecTransform> =>
  codecTransform({ open: () => new RepeatCodec(times) })

/** Waits for something before each byte of input, and passes the input through. */
class WaitingCodec implements Codec {
  waits = 0
  ready = false
  #ended = false

  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    if (input.byteLength === 0) return { state: this.#ended ? 'done' : 'blocked', read: 0, written: 0 }
    if (!this.ready) {
      this.waits++
      return { state: 'waiting', read: 0, written: 0 }
    }
    this.ready = false
    output[0] = input[0]!
    return { state: 'blocked', read: 1, written: 1 }
  }

  end(): void {
    this.#ended = true
  }
}

describe('codecTransform', () => {
  for (const size of CHUNK_SIZES) {
    it(`produces the same bytes for input in chunks of ${size}`, async () => {
      const input = randomBytes(3_000)
      const output = await collect(chunked(input, size).pipeThrough(repeat(5)))
      expect(output).toEqual(repeated(input, 5))
    })
  }

  it('writes the trailer for empty input, and for empty chunks', async () => {
    expect(await collect(chunked(new Uint8Array(0), 1).pipeThrough(repeat(5)))).toEqual(repeated(new Uint8Array(0), 5))
    const { readable, writable } = repeat(2)
    const writer = writable.getWriter()
    void writer.write(new Uint8Array(0))
    void writer.write(Uint8Array.of(9))
    void writer.write(new Uint8Array(0))
    void writer.close()
    expect(await soon(collect(readable), 'the output')).toEqual(repeated(Uint8Array.of(9), 2))
  })

  it('accepts views of every kind and ArrayBuffers as input, and rejects anything else', async () => {
    const { readable, writable } = repeat(1)
    const writer = (writable as WritableStream<unknown>).getWriter()
    void writer.write(new Uint16Array(Uint8Array.of(1, 2, 3, 4).buffer, 2))
    void writer.write(Uint8Array.of(5, 6).buffer)
    void writer.close()
    expect(await collect(readable)).toEqual(repeated(Uint8Array.of(3, 4, 5, 6), 1))

    const detached = Uint8Array.of(1, 2, 3)
    structuredClone(detached, { transfer: [detached.buffer] })
    expect(await rejection(repeat(1).writable.getWriter().write(detached))).toBeInstanceOf(TypeError)

    const text = repeat(1)
    const textWriter = (text.writable as WritableStream<unknown>).getWriter()
    expect(await rejection(textWriter.write('text'))).toBeInstanceOf(TypeError)
    expect(await rejection(text.readable.getReader().read())).toBeInstanceOf(TypeError)
  })

  it('runs only when the reader asks, and for no more than one chunk of output', async () => {
    let iterated = 0
    const codec = new RepeatCodec(1_000_000)
    const counting: Codec = {
      iterate: (input, output) => {
        const step = codec.iterate(input, output)
        iterated += step.written
        return step
      },
      end: () => codec.end(),
    }
    const { readable, writable } = codecTransform({ open: () => counting })
    const writer = writable.getWriter()
    const written = writer.write(randomBytes(100))
    expect(await pending(written)).toBe(true)
    expect(iterated).toBe(0)

    const reader = readable.getReader()
    const { value } = await soon(reader.read(), 'the first chunk')
    expect(await pending(written)).toBe(true)
    expect(iterated).toBe(value!.byteLength)
    expect(iterated).toBeLessThanOrEqual(256 * 1024)
    await soon(reader.cancel(), 'cancel')
    await rejection(writer.closed)
  })

  it('lets the writer close only once the reader has taken everything', async () => {
    const { readable, writable } = repeat(1)
    const writer = writable.getWriter()
    const reader = readable.getReader()
    void writer.write(randomBytes(10))
    const closed = writer.close()
    expect(await pending(closed)).toBe(true)
    await soon(reader.read(), 'the output')
    await soon(closed, 'close')
    expect((await soon(reader.read(), 'the end')).done).toBe(true)
  })

  it('cancels immediately while it waits for input, and passes the reason to the source', async () => {
    const reason = new Error('seek')
    const seen: unknown[] = []
    const source = new ReadableStream<Uint8Array>({ cancel: (why) => void seen.push(why) })
    const reader = source.pipeThrough(repeat(1)).getReader()
    const read = reader.read()
    expect(await pending(read)).toBe(true)
    await soon(reader.cancel(reason), 'cancel')
    expect(await soon(read, 'the pending read')).toEqual({ done: true, value: undefined })
    await standstill()
    expect(seen).toEqual([reason])
  })

  it('cancels immediately while a write is pending, which then fails with the reason', async () => {
    const reason = new Error('enough')
    const { readable, writable } = repeat(1_000_000)
    const writer = writable.getWriter()
    const held = rejection(writer.write(randomBytes(10)))
    const next = rejection(writer.write(randomBytes(10)))
    const reader = readable.getReader()
    await soon(reader.read(), 'the first chunk')
    await soon(reader.cancel(reason), 'cancel')
    expect(await held).toBe(reason)
    expect(await next).toBe(reason)
    expect(await rejection(writer.closed)).toBe(reason)
  })

  it('aborts immediately while a write is pending: the reader gets the reason unchanged', async () => {
    const reason = { not: 'an Error' }
    const { readable, writable } = repeat(1_000_000)
    const writer = writable.getWriter()
    writer.write(randomBytes(10)).catch(() => undefined)
    const reader = readable.getReader()
    await soon(reader.read(), 'the first chunk')
    writer.abort(reason).catch(() => undefined)
    expect(await rejection(reader.read())).toBe(reason)
    expect(await rejection(reader.closed)).toBe(reason)
  })

  it('aborts immediately while the reader waits for input', async () => {
    const reason = new Error('gone')
    const { readable, writable } = repeat(1)
    const reader = readable.getReader()
    const read = rejection(reader.read())
    await soon(writable.abort(reason), 'abort')
    expect(await read).toBe(reason)
  })

  it('passes an error of the source through unchanged', async () => {
    const reason = new Error('broken source')
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(reason)
      },
    })
    expect(await rejection(collect(source.pipeThrough(repeat(1))))).toBe(reason)
  })

  it('fails both sides with the error of the codec', async () => {
    const error = new Error('bad bytes')
    const throwing: Codec = {
      iterate: (input) => {
        if (input.byteLength > 0) throw error
        return { state: 'blocked', read: 0, written: 0 }
      },
      end: () => undefined,
    }
    const seen: unknown[] = []
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(randomBytes(10)),
      cancel: (why) => void seen.push(why),
    })
    const output = source.pipeThrough(codecTransform({ open: () => throwing }))
    expect(await rejection(collect(output))).toBe(error)
    await standstill()
    expect(seen).toEqual([error])
  })

  it('fails both sides when the codec cannot be opened', async () => {
    const error = new Error('no kernel')
    const { readable, writable } = codecTransform({ open: () => Promise.reject(error) })
    const writer = writable.getWriter()
    void writer.write(randomBytes(1)).catch(() => undefined)
    expect(await rejection(collect(readable))).toBe(error)
    expect(await rejection(writer.closed)).toBe(error)
  })

  it('awaits what a waiting codec requests', async () => {
    const codec = new WaitingCodec()
    const input = randomBytes(20)
    const output = chunked(input, 7).pipeThrough(
      codecTransform({
        open: () => codec,
        serve: async () => {
          await Promise.resolve()
          codec.ready = true
        },
      }),
    )
    expect(await collect(output)).toEqual(input)
    expect(codec.waits).toBe(20)
  })

  it('cancels immediately while it waits for what the codec requested, and releases the codec', async () => {
    const released: unknown[] = []
    let aborted: unknown
    const reason = new Error('seek')
    const { readable, writable } = codecTransform({
      open: () => new WaitingCodec(),
      serve: (_, signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason
          })
        }),
      release: (why) => void released.push(why),
    })
    const writer = writable.getWriter()
    const held = rejection(writer.write(randomBytes(1)))
    const reader = readable.getReader()
    const read = reader.read()
    expect(await pending(read)).toBe(true)
    await soon(reader.cancel(reason), 'cancel')
    expect(await held).toBe(reason)
    expect(aborted).toBe(reason)
    expect(released).toEqual([reason])
    expect(await rejection(writer.closed)).toBe(reason)
  })

  it('yields to the host even if it never has to wait', async () => {
    let ended = false
    const swallow: Codec = {
      iterate: (input) => ({ state: ended ? 'done' : 'blocked', read: input.byteLength, written: 0 }),
      end: () => void (ended = true),
    }
    let timerWasDue = false
    setTimeout(() => (timerWasDue = true), 0)
    let left = 100_000
    const chunk = new Uint8Array(1024 * 1024)
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => (!timerWasDue && left-- > 0 ? controller.enqueue(chunk) : controller.close()),
    })
    await source.pipeThrough(codecTransform({ open: () => swallow })).pipeTo(new WritableStream())
    expect(timerWasDue).toBe(true)
  })

  it('yields to the host within a chunk, however large it is', async () => {
    let timerWasDue = false
    setTimeout(() => (timerWasDue = true), 0)
    let ended = false
    const slow: Codec = {
      iterate(input) {
        for (const start = performance.now(); performance.now() - start < 1;);
        return {
          state: ended ? 'done' : 'blocked',
          read: timerWasDue ? input.byteLength : Math.min(100, input.byteLength),
          written: 0,
        }
      },
      end: () => void (ended = true),
    }
    const source = bytesSource(new Uint8Array(200_000)).stream()
    await source.pipeThrough(codecTransform({ open: () => slow })).pipeTo(new WritableStream())
    expect(timerWasDue).toBe(true)
  })

  it('releases once, after success too', async () => {
    let releases = 0
    const pair = codecTransform({ open: () => new RepeatCodec(1), release: () => void releases++ })
    await collect(bytesSource(randomBytes(10)).stream().pipeThrough(pair))
    expect(releases).toBe(1)
  })

  it("fails with its signal's reason, before and while it runs", async () => {
    const early = codecTransform({ open: () => new RepeatCodec(1), signal: AbortSignal.abort('early') })
    expect(await rejection(early.readable.getReader().read())).toBe('early')
    expect(await rejection(early.writable.getWriter().closed)).toBe('early')

    const controller = new AbortController()
    const { readable, writable } = codecTransform({ open: () => new RepeatCodec(1), signal: controller.signal })
    const read = rejection(readable.getReader().read())
    controller.abort('late')
    expect(await read).toBe('late')
    expect(await rejection(writable.getWriter().closed)).toBe('late')
  })
})
