import { expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { byteStream } from '../../src/bytes/byte-stream.ts'
import { pipeReusing } from '../../src/cli/pipe-reusing.ts'
import { randomBytes, rejection, soon, standstill } from '../support/streams.ts'

const BYTES = randomBytes(3_500_000)

/** A source with BYTES, which notes how it is used. */
function noting({ failsAt = Infinity } = {}): {
  stream: ReadableStream<Uint8Array>
  fills: boolean[]
  ends: unknown[]
} {
  let offset = 0
  /** Whether each buffer to fill was new. */
  const fills: boolean[] = []
  const ends: unknown[] = []
  const stream = byteStream({
    next: () => Promise.reject(new Error('a new chunk')),
    async fill(buffer) {
      fills.push(buffer.subarray(0, 64).every((byte) => byte === 0))
      await Promise.resolve()
      if (offset >= failsAt) throw new Error('the source failed')
      const piece = BYTES.subarray(offset, offset + buffer.byteLength)
      buffer.set(piece)
      offset += piece.byteLength
      return piece.byteLength
    },
    cancel: (reason) => void ends.push(reason),
  })
  return { stream, fills, ends }
}

const { signal } = new AbortController()

test('pipeReusing passes all bytes on, through two buffers, and leaves a chunk alone until it is written', async () => {
  const { stream, fills } = noting()
  const taken: Uint8Array[] = []
  const sizes: number[] = []
  const sink = new WritableStream<Uint8Array>({
    async write(chunk) {
      await standstill()
      taken.push(chunk.slice())
    },
  })
  await pipeReusing(stream, sink, { signal, onChunk: (byteLength) => sizes.push(byteLength) })
  expect(concatBytes(...taken)).toEqual(BYTES)
  expect(sizes).toEqual(taken.map(({ byteLength }) => byteLength))
  expect(fills.filter((isNew) => isNew)).toHaveLength(2)
})

test('pipeReusing aborts the sink with the error of the source', async () => {
  const { stream } = noting({ failsAt: 2_000_000 })
  const aborts: unknown[] = []
  const sink = new WritableStream<Uint8Array>({ abort: (reason) => void aborts.push(reason) })
  const error = await rejection(pipeReusing(stream, sink, { signal }))
  expect(error).toMatchObject({ message: 'the source failed' })
  expect(aborts).toEqual([error])
})

test.each([
  ['before it is open', (fail: () => never) => ({ start: () => Promise.resolve().then(fail) }), 2],
  ['in a write', (fail: () => never) => ({ write: fail }), 2],
  ['when it is closed', (fail: () => never) => ({ close: fail }), 5],
])('pipeReusing cancels the source with the error of a sink that fails %s', async (_, sinkOf, mostFills) => {
  const { stream, fills, ends } = noting()
  const error = new Error('the sink failed')
  const sink = new WritableStream<Uint8Array>(
    sinkOf(() => {
      throw error
    }),
  )
  expect(await rejection(pipeReusing(stream, sink, { signal }))).toBe(error)
  // A source that has ended is not cancelled.
  expect(ends).toEqual(mostFills === 5 ? [] : [error])
  expect(fills.length).toBeLessThanOrEqual(mostFills)
})

test('pipeReusing fails with the error of a sink that failed by itself, not with that of a late call', async () => {
  const { stream } = noting()
  const error = new Error('the sink failed')
  let controller: WritableStreamDefaultController
  const sink = new WritableStream<Uint8Array>({
    start(given) {
      controller = given
    },
  })
  let byteLength = 0
  const onChunk = (length: number): void => {
    byteLength += length
    if (byteLength === BYTES.byteLength) controller.error(error)
  }
  expect(await rejection(pipeReusing(stream, sink, { signal, onChunk }))).toBe(error)
})

test('pipeReusing ends both sides when its signal aborts during a held write, and waits for the end of the sink', async () => {
  const { stream, ends } = noting()
  const abort = new AbortController()
  let isAborted = false
  let onWrite: () => void
  const written = new Promise<void>((resolve) => {
    onWrite = resolve
  })
  const sink = new WritableStream<Uint8Array>({
    start: (controller) => controller.signal.addEventListener('abort', () => release()),
    write: () =>
      new Promise<void>((resolve) => {
        release = resolve
        onWrite()
      }),
    async abort() {
      await standstill()
      isAborted = true
    },
  })
  let release: () => void
  const piping = rejection(pipeReusing(stream, sink, { signal: abort.signal }))
  await soon(written, 'a write')
  abort.abort('stop')
  expect(await piping).toBe('stop')
  expect([isAborted, ends]).toEqual([true, ['stop']])
})
