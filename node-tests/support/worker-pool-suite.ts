import { describe, expect, it, onTestFinished } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import {
  type Codec,
  DeltaJob,
  type DeltaOptions,
  DeltaStream,
  type JobStatistics,
  loadKernel,
  type PoolWorker,
  Signature,
  SignatureJob,
  type SignatureOptions,
  SignatureStream,
  WorkerPool,
} from '../../src/rsync.ts'
import { difference, runJob, signatureOf } from './jobs.ts'
import { assemble } from './pieces.ts'
import { sample, wholeOr } from './sample.ts'
import { chunked, randomBytes, rejection, soon, standstill } from './streams.ts'

/** A kind of worker. */
export interface WorkerKind {
  /** Creates a worker. */
  create(): PoolWorker
  /** Creates a worker whose script does not exist, if that is possible. */
  createMissing?(): PoolWorker
  /** Whether the host reports that something else terminated a worker. */
  tellsEnd: boolean
  /**
   * Whether the cases are dealt out to the suites that run this suite with the same kind of worker. Otherwise `npm test` runs a
   * third of them.
   */
  isDealt: boolean
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

const SUMS = ['rabinkarp-blake2b', 'rabinkarp-md4', 'rollsum-blake2b', 'rollsum-md4'] as const
const MEBIBYTE = 1024 * 1024

/** Numbers of messages to workers and of their replies. Each message has one reply. */
interface Messages {
  sent: number
  received: number
}

/** Wraps a worker to count its messages. */
function countedWorker(worker: PoolWorker, messages: Messages): PoolWorker {
  return {
    postMessage(message, transfer) {
      messages.sent++
      worker.postMessage(message, transfer)
    },
    addEventListener(type, listener) {
      if (type === 'message') worker.addEventListener(type, () => messages.received++)
      worker.addEventListener(type, listener)
    },
    terminate: () => worker.terminate(),
    ref: () => worker.ref?.(),
    unref: () => worker.unref?.(),
  }
}

/** Waits until every message has its reply, and no reply has caused another message. */
async function untilAnswered(messages: Messages): Promise<void> {
  let sent: number
  do {
    sent = messages.sent
    await standstill()
  } while (messages.received < messages.sent || messages.sent > sent)
}

/** The tests for every kind of worker. */
export async function describeWorkerPool(
  name: string,
  { create, createMissing, tellsEnd, isDealt }: WorkerKind,
): Promise<void> {
  const share = <T>(cases: readonly T[]): readonly T[] =>
    isDealt
      ? sample(cases)
      : wholeOr(
          cases,
          cases.filter((_, index) => index % 3 === 2),
        )
  const kernel = await loadKernel()
  const random = randomBytes(5 * MEBIBYTE)
  const strange = randomBytes(MEBIBYTE, 5)

  /** Creates a pool, and records the workers that it creates. */
  function makePool(size = 2): { pool: WorkerPool; workers: PoolWorker[]; untilIdle(): Promise<void> } {
    const workers: PoolWorker[] = []
    const messages = { sent: 0, received: 0 }
    const pool = new WorkerPool(
      () => {
        workers.push(create())
        return countedWorker(workers.at(-1)!, messages)
      },
      { size },
    )
    onTestFinished(() => pool.close())
    return { pool, workers, untilIdle: () => untilAnswered(messages) }
  }

  /** Describes how the signature or the statistics differ from those of the job. Returns undefined if they do not. */
  async function signatureProblem(
    pool: WorkerPool,
    basis: Uint8Array,
    size: number,
    options: SignatureOptions,
  ): Promise<string | undefined> {
    const stream = new SignatureStream({ ...options, pool })
    const signature = await soon(collect(chunked(basis, size).pipeThrough(stream)), 'the signature')
    return problem(signature, stream, basis, new SignatureJob(kernel, options))
  }

  /** The same for a delta. */
  async function deltaProblem(
    pool: WorkerPool,
    signature: Signature,
    edited: Uint8Array,
    size: number,
    options: DeltaOptions = {},
  ): Promise<string | undefined> {
    const stream = new DeltaStream(signature, { ...options, pool })
    const delta = await soon(collect(chunked(edited, size).pipeThrough(stream)), 'the delta')
    return problem(delta, stream, edited, new DeltaJob(signature, kernel, options))
  }

  const basis = random.subarray(0, 2_000_000)
  const signature = signatureOf(runJob(new SignatureJob(kernel, { blockLength: 1000 }), basis))
  const edited = assemble(
    [
      { from: 700_000, to: 1_900_000 },
      { random: 700_000, seed: 9 },
      { from: 0, to: 600_001 },
      { from: 5000, to: 9000 },
    ],
    basis,
  )

  /** Endless input that has nothing in common with the basis. */
  function endless(chunkBytes: number): { readable: ReadableStream<Uint8Array>; given: () => number } {
    let given = 0
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      const offset = given % MEBIBYTE
      given += chunkBytes
      controller.enqueue(strange.subarray(offset, offset + chunkBytes))
    }
    return { readable: new ReadableStream({ pull }, { highWaterMark: 0 }), given: () => given }
  }

  describe(`a pool of ${name}`, () => {
    it('computes the same signatures at every boundary of a block and of a part sent to a worker', async () => {
      const { pool } = makePool()
      const lengths = [0, 1, 2047, 2048, 2049, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE]
      for (const length of share(lengths)) {
        expect(await signatureProblem(pool, random.subarray(0, length), 100_000, {})).toBeUndefined()
      }
    })

    it.each(share(SUMS))('computes the same signatures with %s', async (sum) => {
      const { pool } = makePool()
      for (const blockLength of [700, 300_001]) {
        expect(
          await signatureProblem(pool, random.subarray(0, 3_333_333), Infinity, { sum, blockLength, strongLength: 9 }),
        ).toBeUndefined()
      }
    })

    it('computes the same signatures for blocks of any length, in any chunks', async () => {
      const { pool } = makePool(3)
      expect(await signatureProblem(pool, random.subarray(0, 40_000), 1000, { blockLength: 1 })).toBeUndefined()
      expect(await signatureProblem(pool, random.subarray(0, 300_000), 7777, { blockLength: 7 })).toBeUndefined()
      expect(await signatureProblem(pool, random.subarray(0, 3000), 1, { blockLength: 100 })).toBeUndefined()
      expect(await signatureProblem(pool, random, 65_536, { blockLength: MEBIBYTE })).toBeUndefined()
      // Too long to be distributed, with and without a partial last block.
      expect(await signatureProblem(pool, random, 65_536, { blockLength: MEBIBYTE + 1 })).toBeUndefined()
      await signatureProblem(pool, random.subarray(0, 3_000_000), Infinity, {
        blockLength: 1_500_000,
        sum: 'rollsum-md4',
      })
      expect(await signatureProblem(pool, random.subarray(0, 0), 1, { blockLength: 1_500_000 })).toBeUndefined()
    })

    it('computes the same deltas in both modes, in any chunks', async () => {
      const { pool } = makePool()
      const cases: [edited: Uint8Array, size: number, options: DeltaOptions][] = [
        [edited, 100_000, {}],
        [edited, Infinity, { literalLimit: 2 * MEBIBYTE }],
        [edited.subarray(0, 20_001), 7, { literalLimit: 100 }],
        [new Uint8Array(0), 1, {}],
      ]
      for (const [bytes, size, options] of share(cases)) {
        for (const mode of ['compat', 'compact'] as const) {
          expect(await deltaProblem(pool, signature, bytes, size, { mode, ...options })).toBeUndefined()
        }
      }
      // Twice as much output as input, and more than a worker sends at a time.
      expect(
        await deltaProblem(pool, signature, randomBytes(263_000, 3), Infinity, { literalLimit: 1 }),
      ).toBeUndefined()
    })

    it('does not detach a signature, and copies only its part of a larger buffer', async () => {
      const { pool } = makePool(1)
      const room = new Uint8Array(signature.strongSums.byteLength + 10)
      const strongSums = room.subarray(5, room.byteLength - 5)
      strongSums.set(signature.strongSums)
      const { blockLength, strongLength, weakSums, sum } = signature
      const view = new Signature({ blockLength, strongLength, weakSums, strongSums, sum })
      expect(await deltaProblem(pool, view, edited, 100_000)).toBeUndefined()
      expect(await deltaProblem(pool, view, edited, 100_000)).toBeUndefined()
      expect(difference(view.strongSums, signature.strongSums)).toBeUndefined()
    })

    it('serves many streams at once', async () => {
      const { pool, workers } = makePool()
      const lengths = [3 * MEBIBYTE, 1, 0, 2_500_000, MEBIBYTE]
      const problems = await Promise.all([
        ...lengths.map((length) => signatureProblem(pool, random.subarray(0, length), 50_000, { blockLength: 512 })),
        ...lengths.map((length) => signatureProblem(pool, random.subarray(0, length), 50_000, { sum: 'rollsum-md4' })),
        ...[1, 2, 3].map((n) => deltaProblem(pool, signature, edited.subarray(n), 10_000 * n)),
      ])
      expect(problems.filter((text) => text !== undefined)).toEqual([])
      expect(workers.length).toBe(2)
    })

    it('does not let one stream monopolize its workers', async () => {
      const { pool } = makePool(1)
      // One reader stalls after a chunk. That must not block the others.
      const [greedy, stalled] = [1, 2].map(() => {
        const stream = new SignatureStream({ blockLength: 1024, pool })
        return endless(MEBIBYTE).readable.pipeThrough(stream).getReader()
      }) as [Reader, Reader]
      const enough = new AbortController()
      const readGreedily = async (): Promise<void> => {
        while (!enough.signal.aborted) await greedy.read()
      }
      const reading = readGreedily()
      await soon(stalled.read(), 'the stream that stalls')
      expect(await signatureProblem(pool, random, Infinity, { blockLength: 1024 })).toBeUndefined()
      enough.abort()
      await soon(reading, 'the greedy stream')
      await Promise.all([greedy.cancel(), stalled.cancel()])
    })

    it('takes no more input than it has room for while a reader stalls', async () => {
      const { pool, untilIdle } = makePool()
      const streams = [
        // 256 KiB of output correspond to 466 KiB of input.
        { stream: new SignatureStream({ blockLength: 64, pool }), mostBytes: (0.5 + 5) * MEBIBYTE },
        { stream: new DeltaStream(signature, { pool }), mostBytes: (0.25 + 3) * MEBIBYTE },
      ]
      for (const { stream, mostBytes } of streams) {
        const { readable, given } = endless(64 * 1024)
        const reader = readable.pipeThrough(stream).getReader()
        await soon(reader.read(), 'the first chunk')
        await untilIdle()
        expect(given()).toBeLessThanOrEqual(mostBytes + 2 * 64 * 1024)
        await soon(reader.cancel(), 'the cancel')
      }
    })

    it('immediately releases streams that are cancelled or aborted, at any moment', async () => {
      const { pool } = makePool()
      const makers = [() => new SignatureStream({ blockLength: 500, pool }), () => new DeltaStream(signature, { pool })]
      for (const make of makers) {
        for (const waitMs of [0, 0, 1, 2, 5]) {
          const why = { waitMs }
          const { readable, writable } = make()
          const reader = readable.getReader()
          const reading = reader.read()
          const writer = writable.getWriter()
          const writing = rejection(writeAll(writer))
          await new Promise((resolve) => setTimeout(resolve, waitMs))
          await soon(reader.cancel(why), 'the cancel')
          expect(await writing).toBe(why)
          await soon(reading, 'the read')

          const aborted = make()
          const failing = rejection(collect(aborted.readable))
          const other = aborted.writable.getWriter()
          const held = rejection(writeAll(other))
          await new Promise((resolve) => setTimeout(resolve, waitMs))
          const aborting = other.abort(why)
          expect(await failing).toBe(why)
          await soon(aborting, 'the abort')
          expect(await held).toBe(why)
        }
      }
      expect(await signatureProblem(pool, basis, 100_000, {})).toBeUndefined()
      expect(await deltaProblem(pool, signature, edited, 100_000)).toBeUndefined()
    })

    it("fails both sides with a signal's reason, and cancels a silent source", async () => {
      const { pool } = makePool()
      const controller = new AbortController()
      let cancel: (reason: unknown) => void
      const cancelled = new Promise((resolve) => (cancel = resolve))
      const silent = new ReadableStream<Uint8Array>({
        pull: () => new Promise(() => undefined),
        cancel: (r) => cancel(r),
      })
      const stream = new SignatureStream({ pool, signal: controller.signal })
      const reading = rejection(silent.pipeThrough(stream).getReader().read())
      controller.abort('enough')
      expect(await reading).toBe('enough')
      expect(await soon(cancelled, 'the cancel')).toBe('enough')
    })

    it('fails the streams of a worker whose script throws, and creates another', async () => {
      for (const make of [
        (pool: WorkerPool) => new SignatureStream({ pool }),
        (pool: WorkerPool) => new DeltaStream(signature, { pool }),
      ]) {
        let made = 0
        const pool = new WorkerPool(() => (made++ === 0 ? confused(create()) : create()), { size: 1 })
        onTestFinished(() => pool.close())
        const { readable, writable } = make(pool)
        const failing = rejection(collect(readable))
        const writing = rejection(writeAll(writable.getWriter()))
        const error = await failing
        expect(error).toMatchObject({ name: 'BackendError', retryable: false })
        expect((error as Error).cause).toBeInstanceOf(Error)
        expect(await writing).toBe(error)
        expect(await signatureProblem(pool, basis, 100_000, {})).toBeUndefined()
        expect(made).toBe(2)
      }
    })

    const losses: [how: string, lose: (worker: PoolWorker) => unknown][] = [
      ['throws', (worker) => worker.postMessage(null, [])],
      ['is terminated by something else', (worker) => worker.terminate()],
    ]
    it.each(losses.slice(0, tellsEnd ? 2 : 1))('fails a stream whose worker %s half-way through', async (_, lose) => {
      const { pool, workers } = makePool(1)
      const reader = endless(MEBIBYTE).readable.pipeThrough(new DeltaStream(signature, { pool })).getReader()
      await soon(reader.read(), 'the first chunk')
      void lose(workers[0]!)
      expect(await rejection(readAll(reader))).toMatchObject({ name: 'BackendError', retryable: true })
      expect(await deltaProblem(pool, signature, edited, 100_000)).toBeUndefined()
    })

    it.runIf(createMissing)('fails streams if the script does not exist', async () => {
      const pool = new WorkerPool(createMissing!)
      onTestFinished(() => pool.close())
      const failing = rejection(collect(chunked(basis, 100_000).pipeThrough(new SignatureStream({ pool }))))
      expect(await failing).toMatchObject({
        name: 'BackendError',
        retryable: false,
        message: expect.stringContaining('its script') as string,
      })
    })

    it('reports why it cannot create a worker', async () => {
      const cause = new Error('not today')
      const refusing = new WorkerPool(() => {
        throw cause
      })
      const made = chunked(basis, 100_000).pipeThrough(new SignatureStream({ pool: refusing }))
      expect(await rejection(collect(made))).toMatchObject({ name: 'BackendError', retryable: false, cause })
      const junk = new WorkerPool(() => ({}) as PoolWorker)
      const junked = chunked(basis, 100_000).pipeThrough(new DeltaStream(signature, { pool: junk }))
      expect(await rejection(collect(junked))).toMatchObject({ name: 'TypeError' })
    })

    it("fails with a job's own error", async () => {
      const { pool } = makePool(1)
      const huge = new Signature({
        blockLength: 2_147_483_647,
        strongLength: 1,
        weakSums: new Uint32Array(1),
        strongSums: new Uint8Array(1),
      })
      const failing = rejection(collect(chunked(edited, 100_000).pipeThrough(new DeltaStream(huge, { pool }))))
      expect(await failing).toMatchObject({ name: 'RangeError', message: expect.stringContaining('memory') as string })
      expect(await deltaProblem(pool, signature, edited, 100_000)).toBeUndefined()
    })

    it('fails its current and future streams when it is closed', async () => {
      const { pool } = makePool()
      const streams = [new SignatureStream({ pool }), new DeltaStream(signature, { pool })]
      const failures = streams.map(({ readable }) => rejection(collect(readable)))
      const writers = streams.map(({ writable }) => writable.getWriter())
      await Promise.all(writers.map((writer) => soon(writer.write(random), 'the write')))
      const writings = writers.map((writer) => rejection(writeAll(writer)))
      await soon(Promise.all([pool.close(), pool.close()]), 'the end of the workers')
      for (const failure of [...failures, ...writings]) {
        expect(await failure).toMatchObject({ name: 'TypeError', message: 'the pool is closed' })
      }
      const late = chunked(basis, 100_000).pipeThrough(new SignatureStream({ pool }))
      expect(await rejection(collect(late))).toMatchObject({ name: 'TypeError', message: 'the pool is closed' })
    })

    it('is disposed of by `await using`, where the host has it', async () => {
      const { pool } = makePool()
      const dispose: unknown = pool[Symbol.asyncDispose ?? 'none']
      expect(typeof dispose).toBe(Symbol.asyncDispose ? 'function' : 'undefined')
      if (dispose) await pool[Symbol.asyncDispose]()
      else await pool.close()
      const late = chunked(basis, 100_000).pipeThrough(new SignatureStream({ pool }))
      expect(await rejection(collect(late))).toMatchObject({ name: 'TypeError' })
    })

    it('rejects invalid pools, functions and sizes', () => {
      expect(() => new SignatureStream({ pool: {} as WorkerPool })).toThrow(TypeError)
      expect(() => new DeltaStream(signature, { pool: null as never })).toThrow(TypeError)
      expect(() => new WorkerPool(undefined as never)).toThrow(TypeError)
      expect(() => new WorkerPool(create, { size: 1.5 })).toThrow(TypeError)
      expect(() => new WorkerPool(create, { size: 0 })).toThrow(RangeError)
      expect(() => new WorkerPool(create, { size: 257 })).toThrow(RangeError)
      const { pool } = makePool()
      expect(() => new SignatureStream({ pool, blockLength: 0 })).toThrow(RangeError)
      expect(() => new DeltaStream(signature, { pool, literalLimit: 0 })).toThrow(RangeError)
      expect(() => new DeltaStream({} as Signature, { pool })).toThrow(TypeError)
    })
  })

  /** A worker whose script receives an invalid request and throws. */
  function confused(worker: PoolWorker): PoolWorker {
    return {
      postMessage: () => worker.postMessage(null, []),
      terminate: () => worker.terminate(),
      addEventListener: (type, listener) => worker.addEventListener(type, listener),
    }
  }

  /** Reads until reading fails. */
  async function readAll(reader: Reader): Promise<void> {
    for (;;) await reader.read()
  }

  /** Writes until writing fails. */
  async function writeAll(writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
    for (;;) await writer.write(random)
  }
}

function problem(
  output: Uint8Array,
  { statistics }: { statistics: JobStatistics },
  input: Uint8Array,
  job: Codec & { statistics: JobStatistics },
): string | undefined {
  const different = difference(output, runJob(job, input))
  if (different !== undefined) return different
  const [actual, expected] = [counted(statistics), counted(job.statistics)]
  return actual === expected ? undefined : `counted ${actual}, not ${expected}`
}

/** Serializes statistics. Times are only checked for plausibility. */
function counted(statistics: JobStatistics): string {
  const isTimed = statistics.endTime! >= statistics.startTime!
  const fields = { ...statistics, startTime: 0, endTime: 0, isTimed }
  return JSON.stringify(fields, Object.keys(fields).toSorted())
}
