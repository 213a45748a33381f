import type { Codec } from '../../bytes/codec-transform.ts'
import { DeltaJob } from '../delta-job.ts'
import { SIGNATURE_HEADER_BYTES, WEAK_SUM_BYTES } from '../wire-format.ts'
import { type Kernel, loadKernel } from '../kernel.ts'
import { SignatureJob } from '../signature-job.ts'
import { Signature } from '../signature.ts'
import type { DeltaStatistics, SignatureStatistics } from '../statistics.ts'
import type {
  OpenRequest,
  RunRequest,
  RunResult,
  SentReply,
  SentRequest,
  SignRequest,
  SignResult,
  WorkerRequest,
} from './pool-messages.ts'

const EMPTY = new Uint8Array(0)

/** Sends a reply and transfers the buffers in it. */
export type PostReply = (reply: SentReply, transfer: ArrayBuffer[]) => void

/**
 * Handles the requests of a `WorkerPool` inside a worker.
 *
 * @returns a function to be called with each message from the pool.
 */
export function answerRequests(post: PostReply): (message: unknown) => void {
  const jobs = new JobTable()
  // In order: the first requests wait for the kernel.
  let lastReply = Promise.resolve()
  return (message) => {
    const { id, request } = message as SentRequest
    lastReply = replyTo(id, request, lastReply)
  }

  async function replyTo(id: number, request: WorkerRequest, before: Promise<void>): Promise<void> {
    await before
    try {
      const result = await jobs.answer(request)
      post({ id, result }, result === undefined ? [] : buffersOf(result))
    } catch (error) {
      post({ id, error }, [])
    }
  }
}

function buffersOf(result: SignResult | RunResult): ArrayBuffer[] {
  return 'signature' in result ? [result.signature, result.input] : [result.output, ...result.inputs]
}

/** A job that runs here, and its input that has not been consumed yet. */
interface OpenJob {
  readonly codec: Codec & { readonly statistics: SignatureStatistics | DeltaStatistics }
  readonly inputs: { readonly buffer: ArrayBuffer; data: Uint8Array }[]
  isEndCalled: boolean
}

class JobTable {
  readonly #jobs = new Map<number, OpenJob>()

  async answer(request: WorkerRequest): Promise<SignResult | RunResult | undefined> {
    const kernel = await loadKernel()
    switch (request.type) {
      case 'sign':
        return sign(request, kernel)
      case 'open':
        this.#jobs.set(request.jobId, { codec: openJob(request, kernel), inputs: [], isEndCalled: false })
        return undefined
      case 'run':
        return run(this.#jobs.get(request.jobId)!, request)
      default:
        this.#jobs.delete(request.jobId)
        return undefined
    }
  }
}

function sign({ parameters, input, byteLength }: SignRequest, kernel: Kernel): SignResult {
  const { blockLength, strongLength } = parameters
  const blockCount = Math.ceil(byteLength / blockLength)
  const signature = new Uint8Array(SIGNATURE_HEADER_BYTES + blockCount * (WEAK_SUM_BYTES + strongLength))
  const job = new SignatureJob(kernel, parameters)
  const { written } = job.iterate(new Uint8Array(input, 0, byteLength), signature)
  job.end()
  job.iterate(EMPTY, signature.subarray(written))
  return { signature: signature.buffer, input }
}

function openJob({ job }: OpenRequest, kernel: Kernel): OpenJob['codec'] {
  return job.type === 'signature'
    ? new SignatureJob(kernel, job.parameters)
    : new DeltaJob(new Signature(job.signature), kernel, job.options)
}

function run(job: OpenJob, request: RunRequest): RunResult {
  const { codec, inputs } = job
  if (request.input) {
    const { buffer, byteLength } = request.input
    inputs.push({ buffer, data: new Uint8Array(buffer, 0, byteLength) })
  }
  const output = new Uint8Array(request.output)
  const used: ArrayBuffer[] = []
  let written = 0
  let isDone = false
  while (!isDone && written < output.byteLength) {
    const input = inputs[0]
    const step = codec.iterate(input?.data ?? EMPTY, output.subarray(written))
    written += step.written
    isDone = step.state === 'done'
    if (input) {
      input.data = input.data.subarray(step.read)
      if (input.data.byteLength === 0) used.push(inputs.shift()!.buffer)
    } else if (request.isEnded && !job.isEndCalled) {
      codec.end()
      job.isEndCalled = true
    } else {
      break
    }
  }
  return { output: request.output, written, inputs: used, isDone, statistics: codec.statistics }
}
