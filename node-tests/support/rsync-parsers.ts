import { type ByteSource, rangeSource } from '../../src/bytes/byte-source.ts'
import { LoadSignatureJob, loadSignature, PatchJob, PatchStream, type Signature } from '../../src/rsync.ts'
import type { Cut } from './rsync-arbitraries.ts'
import {
  type Facts,
  modelPatch,
  type PatchModelOptions,
  modelSignature,
  type SignatureModelLimits,
} from './rsync-models.ts'
import { chunked, randomBytes } from './streams.ts'

/** A delta, a basis and options, in the form in which a failing case is recorded. */
export interface PatchCase extends Cut {
  readonly delta: Uint8Array
  /** Size of the basis, which consists of `randomBytes`. */
  readonly basisSize: number
  readonly options: PatchModelOptions
}

/** The bytes of a signature and limits, in the form in which a failing case is recorded. */
export interface SignatureCase {
  readonly bytes: Uint8Array
  readonly limits: SignatureModelLimits
  readonly inputBytes: number
}

const NONE = new Uint8Array(0)

/**
 * Throws unless a job produces what the grammar specifies, makes no invalid requests, and keeps failing once it has
 * failed.
 */
export function checkPatchJob({ delta, basisSize, options, inputBytes, outputBytes, basisBytes }: PatchCase): void {
  const basis = randomBytes(basisSize)
  const model = modelPatch(delta, basis, options)
  const job = new PatchJob(basisSize, options)
  const given: Uint8Array[] = []
  let [offset, length, idle, isEnded] = [0, 0, 0, false]
  const error = caught(() => {
    for (;;) {
      const input = delta.slice(offset, offset + inputBytes)
      const output = new Uint8Array(outputBytes)
      const step = job.iterate(input, output)
      assert(step.read <= input.byteLength && step.written <= outputBytes, 'reads or writes too much')
      offset += step.read
      length += step.written
      given.push(output.subarray(0, step.written))
      assert(job.statistics.inputBytes === offset && job.statistics.outputBytes === length, 'the statistics are wrong')
      if (step.state === 'done') return
      idle = step.read + step.written > 0 ? 0 : idle + 1
      assert(idle < 4, `${step.state} without progress`)
      const { request } = job
      assert((step.state === 'waiting') === (request !== undefined && step.written < outputBytes), 'waits for nothing')
      if (request) {
        const { position, length: needed } = request
        assert(
          needed > 0 && position >= 0 && position + needed <= basisSize,
          'requests bytes that are not in the basis',
        )
        assert(length + needed <= (options.maxOutputLength ?? Infinity), 'requests more than it may produce')
        assert(length + needed <= (options.expected?.size ?? Infinity), 'requests more than expected')
        job.supply(basis.slice(position, position + Math.min(needed, basisBytes)))
      } else if (offset === delta.byteLength && !isEnded) {
        job.end()
        isEnded = true
      }
    }
  })
  assertOutput(given, model.output, model.error === undefined)
  assertFacts(error, model.error)
  if (error === undefined) return assert(offset === delta.byteLength && isEnded, 'done before the end of its input')
  for (const input of [NONE, Uint8Array.of(0), delta]) {
    assert(caught(() => job.iterate(input, new Uint8Array(9))) === error, 'fails differently the second time')
  }
}

/** Throws unless a stream does the same and has closed all streams of the basis at the end. */
export async function checkPatchStream({
  delta,
  basisSize,
  options,
  inputBytes,
  basisBytes,
}: PatchCase): Promise<void> {
  const basis = randomBytes(basisSize)
  const model = modelPatch(delta, basis, options)
  const watched = watchedSource(basis, basisBytes)
  const { readable, writable } = new PatchStream(watched.source, options)
  const writing = settled(chunked(delta, inputBytes).pipeTo(writable))
  const given: Uint8Array[] = []
  const reading = await settled(
    readable.pipeTo(new WritableStream<Uint8Array>({ write: (chunk) => void given.push(chunk.slice()) })),
  )
  assertOutput(given, model.output, model.error === undefined)
  assertFacts(reading, model.error)
  assert((await writing) === reading, 'its two sides fail differently')
  watched.assertFree()
}

/** Throws unless a stream that is torn down at some moment releases its basis and its input. */
export async function checkPatchTeardown(
  { delta, basisSize, options, inputBytes, basisBytes }: PatchCase,
  moment: number,
  how: 'cancel' | 'abort' | 'signal',
): Promise<void> {
  const watched = watchedSource(randomBytes(basisSize), basisBytes)
  const controller = new AbortController()
  const { readable, writable } = new PatchStream(watched.source, { ...options, signal: controller.signal })
  const reader = readable.getReader()
  const writer = writable.getWriter()
  const reason = { why: 'torn down' }
  const reading = settled(reader.read())
  const writes = [settled(writer.closed)]
  for (let offset = 0; offset < delta.byteLength; offset += inputBytes) {
    writes.push(settled(writer.write(delta.slice(offset, offset + inputBytes))))
  }
  for (let i = 0; i < moment; i++) await Promise.resolve()
  if (how === 'cancel') await settled(reader.cancel(reason))
  else if (how === 'abort') await settled(writer.abort(reason))
  else controller.abort(reason)
  await reading
  await Promise.all(writes)
  watched.assertFree()
}

/** Throws unless job and stream produce what the grammar specifies, in no more memory than the signature needs. */
export async function checkSignature({ bytes, limits, inputBytes }: SignatureCase): Promise<void> {
  const model = modelSignature(bytes, limits)
  const job = new LoadSignatureJob({ limits })
  const error = caught(() => {
    for (let offset = 0; offset < bytes.byteLength; offset += inputBytes) {
      const input = bytes.slice(offset, offset + inputBytes)
      const step = job.iterate(input)
      assert(step.read === input.byteLength && step.written === 0, 'leaves input unread')
    }
    job.end()
    assert(job.iterate(NONE).state === 'done', 'not done at its end')
  })
  assertSignature(job.signature, error, model)
  if (error !== undefined) {
    for (const input of [NONE, bytes]) {
      assert(caught(() => job.iterate(input)) === error, 'fails differently the second time')
    }
  }
  let loaded: Signature | undefined
  const failed = await settled(
    loadSignature(chunked(bytes, inputBytes), { limits }).then((result) => (loaded = result)),
  )
  assertSignature(loaded, failed, model)
}

function assertSignature(
  signature: Signature | undefined,
  error: unknown,
  model: ReturnType<typeof modelSignature>,
): void {
  if ('name' in model) {
    assertFacts(error, model)
    return assert(signature === undefined, 'both a signature and an error')
  }
  assertFacts(error, undefined)
  const { blockLength, strongLength, weakSums, strongSums } = signature!
  assert(blockLength === model.blockLength && strongLength === model.strongLength, 'the header is wrong')
  assert(weakSums.length === model.weakSums.length, 'the number of blocks is wrong')
  assert(
    weakSums.every((sum, i) => sum === model.weakSums[i]),
    'a weak sum is wrong',
  )
  assertOutput([strongSums], model.strongSums, true)
  const held = weakSums.buffer.byteLength + strongSums.buffer.byteLength
  assert(held === weakSums.length * (4 + strongLength), `holds ${held} bytes`)
}

/** A basis in chunks of a given size that keeps track of its open streams. */
function watchedSource(basis: Uint8Array, chunkBytes: number): { source: ByteSource; assertFree(): void } {
  const open = new Set<unknown>()
  const source = rangeSource(basis.byteLength, ({ start, end }) => {
    const id = {}
    open.add(id)
    assert(open.size === 1, 'two streams of the basis are open at once')
    assert(end > start, 'an empty stream was opened')
    let offset = start
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull(controller) {
          const chunk = basis.slice(offset, Math.min(end, offset + chunkBytes))
          offset += chunk.byteLength
          controller.enqueue(chunk)
          if (offset < end) return
          open.delete(id)
          controller.close()
        },
        cancel: () => void open.delete(id),
      },
      { highWaterMark: 0 },
    )
  })
  return { source, assertFree: () => assert(open.size === 0, 'a stream of the basis is still open') }
}

function assertOutput(chunks: readonly Uint8Array[], expected: Uint8Array, whole: boolean): void {
  let length = 0
  for (const chunk of chunks) {
    let i = 0
    while (i < chunk.byteLength && chunk[i] === expected[length + i]) i++
    assert(i === chunk.byteLength, `byte ${length + i} is wrong`)
    length += i
  }
  if (whole) assert(length === expected.byteLength, `${length} bytes, not ${expected.byteLength}`)
}

function assertFacts(error: unknown, expected: Facts | undefined): void {
  if (expected === undefined) {
    if (error !== undefined) throw new Error('fails but should not', { cause: error })
    return
  }
  const actual = { ...(error as Facts | undefined) }
  const fields = ['name', 'reason', 'offset', 'expected', 'actual'] as const
  const same = fields.every((field) => actual[field] === expected[field])
  assert(same, `${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}

/** Returns what a promise rejects with, or undefined if it resolves. */
function settled(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function caught(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
