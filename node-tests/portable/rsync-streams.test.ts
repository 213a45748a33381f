import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { DeltaStream, loadSignature, loadKernel, PatchStream, SignatureJob, SignatureStream } from '../../src/rsync.ts'
import { difference, hex, runJob, signatureOf } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'
import { chunked, pending, randomBytes, rejection, soon, standstill } from '../support/streams.ts'

const kernel = await loadKernel()
const signature = signatureOf(runJob(new SignatureJob(kernel, { blockLength: 100 }), randomBytes(1000)))

interface Options {
  signal?: AbortSignal
}
const STREAMS = {
  SignatureStream: (options?: Options) => new SignatureStream({ blockLength: 4, ...options }),
  DeltaStream: (options?: Options) => new DeltaStream(signature, options),
  PatchStream: (options?: Options) => new PatchStream(bytesSource(randomBytes(1000)), options),
}

/** Endless input that the given stream accepts. */
function endless(name: string, chunkBytes = 64 * 1024): { readable: ReadableStream<Uint8Array>; given: () => number } {
  let given = 0
  const readable = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = randomBytes(chunkBytes, given + 1)
        // A delta that is one literal of 2^52 bytes.
        if (given === 0 && name === 'PatchStream') chunk.set(hex('72730236440010000000000000'))
        given += chunkBytes
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
  return { readable, given: () => given }
}

describe.each(Object.entries(STREAMS))('%s', (name, make) => {
  it('takes no more input than it has room for while its reader stalls', async () => {
    const { readable, given } = endless(name)
    const reader = readable.pipeThrough(make()).getReader()
    await soon(reader.read(), 'the first chunk')
    await standstill()
    const afterFirst = given()
    // 256 KiB of output, 321 KiB of window, one chunk being written and one waiting.
    expect(afterFirst).toBeLessThanOrEqual((256 + 321 + 2 * 64) * 1024)
    await soon(reader.read(), 'the second chunk')
    await standstill()
    expect(given() - afterFirst).toBeLessThanOrEqual(512 * 1024)
    await soon(reader.cancel(), 'the cancel')
  })

  it('immediately cancels its source, with the reason, while it waits for input', async () => {
    let cancelled: unknown
    const silent = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => undefined),
      cancel: (reason) => void (cancelled = reason),
    })
    const reader = silent.pipeThrough(make()).getReader()
    const reading = reader.read()
    expect(await pending(reading)).toBe(true)
    const reason = { why: 'seek' }
    await soon(reader.cancel(reason), 'the cancel')
    expect(await soon(reading, 'the read')).toMatchObject({ done: true })
    await standstill()
    expect(cancelled).toBe(reason)
  })

  it('passes an abort reason on to its reader unchanged', async () => {
    const { readable, writable } = make()
    const reason = { why: 'gone' }
    const reading = rejection(readable.getReader().read())
    await soon(writable.abort(reason), 'the abort')
    expect(await reading).toBe(reason)
  })

  it("fails both sides with its signal's reason", async () => {
    const controller = new AbortController()
    const { readable, writable } = make({ signal: controller.signal })
    const reading = rejection(readable.getReader().read())
    const writer = writable.getWriter()
    const closed = rejection(writer.closed)
    const reason = { why: 'enough' }
    controller.abort(reason)
    expect(await reading).toBe(reason)
    expect(await closed).toBe(reason)
  })

  it('fails with a TypeError for chunks that are not bytes', async () => {
    const { readable, writable } = make()
    const reading = rejection(readable.getReader().read())
    const writer = writable.getWriter()
    const writing = rejection(writer.write('text' as never))
    expect(await reading).toMatchObject({ name: 'TypeError' })
    expect(await writing).toMatchObject({ name: 'TypeError' })
  })
})

describe('PatchStream, while it waits for its basis', () => {
  const copy = hex('72730236460003e800')

  function silentBasis(): { source: ByteSource; cancelled: Promise<unknown> } {
    let cancel: (reason: unknown) => void
    const cancelled = new Promise<unknown>((resolve) => (cancel = resolve))
    const source: ByteSource = {
      size: 1000,
      slice: () => source,
      stream: () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined), cancel }),
    }
    return { source, cancelled: soon(cancelled, 'the cancel of the basis') }
  }

  it('immediately releases it when cancelled', async () => {
    const { source, cancelled } = silentBasis()
    const reader = chunked(copy, 100).pipeThrough(new PatchStream(source)).getReader()
    const reading = reader.read()
    expect(await pending(reading)).toBe(true)
    const reason = { why: 'seek' }
    await soon(reader.cancel(reason), 'the cancel')
    expect(await cancelled).toBe(reason)
    expect(await reading).toMatchObject({ done: true })
  })

  it('immediately releases it when aborted', async () => {
    const { source, cancelled } = silentBasis()
    const { readable, writable } = new PatchStream(source)
    const reading = rejection(readable.getReader().read())
    const writer = writable.getWriter()
    const writing = rejection(writer.write(copy))
    await standstill()
    const reason = { why: 'gone' }
    const aborted = writer.abort(reason)
    expect(await cancelled).toBe(reason)
    expect(await reading).toBe(reason)
    expect(await writing).toBe(reason)
    await soon(aborted, 'the abort')
  })

  it('reads no more of it than it has room for while its reader stalls', async () => {
    let given = 0
    const source: ByteSource = {
      size: 2 ** 40,
      slice: () => source,
      stream: () =>
        new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              given += 64 * 1024
              controller.enqueue(new Uint8Array(64 * 1024))
            },
          },
          { highWaterMark: 0 },
        ),
    }
    const delta = hex('72730236 48 00 0000010000000000 00')
    const reader = chunked(delta, 100).pipeThrough(new PatchStream(source)).getReader()
    await soon(reader.read(), 'the first chunk')
    await standstill()
    expect(given).toBeLessThanOrEqual((256 + 64) * 1024)
    await soon(reader.cancel(), 'the cancel')
  })
})

describe('the three streams in sequence', () => {
  it('reproduce the edited bytes, for any chunks', async () => {
    const sizes = fc.integer({ min: 1, max: 5000 })
    await fc.assert(
      fc.asyncProperty(sizes, sizes, sizes, async (a, b, c) => {
        const basis = randomBytes(20_000, a)
        const edited = assemble([{ from: 5000 }, { random: 3000, seed: b }, { from: 0, to: 7000 }], basis)
        const signed = chunked(basis, a).pipeThrough(new SignatureStream({ sourceLength: basis.byteLength }))
        const patched = chunked(edited, b)
          .pipeThrough(new DeltaStream(await loadSignature(signed)))
          .pipeThrough(new PatchStream(slow(basis, c)))
        expect(difference(await collect(patched), edited)).toBeUndefined()
      }),
      { numRuns: runs(20) },
    )
  })

  it("can be read into the reader's buffers, where the host has byte streams", async () => {
    const basis = randomBytes(3000)
    const signed = chunked(basis, 500).pipeThrough(new SignatureStream())
    const expected = runJob(new SignatureJob(kernel), basis)
    let reader: ReadableStreamBYOBReader
    try {
      reader = signed.getReader({ mode: 'byob' })
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
      return
    }
    const bytes = new Uint8Array(expected.byteLength)
    let length = 0
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(7))
      if (done) break
      bytes.set(value, length)
      length += value.byteLength
    }
    expect(difference(bytes.subarray(0, length), expected)).toBeUndefined()
  })
})

function slow(bytes: Uint8Array, size: number): ByteSource {
  return {
    size: bytes.byteLength,
    slice: (start, end) => slow(bytes.slice(start, end), size),
    stream: () => chunked(bytes, size),
  }
}
