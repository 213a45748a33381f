import type { JobStatistics, Mutable } from '../statistics.ts'
import { InputParts } from './input-parts.ts'
import type { PoolCrew } from './pool-crew.ts'
import type { PoolMember } from './pool-member.ts'
import type { PooledWork } from './pooled-codec.ts'
import type { RunResult, WholeJob } from './pool-messages.ts'

/** Bytes of input, and of room for output, sent to a worker at a time. */
const PART_BYTES = 256 * 1024
/** Maximum number of each, so that the worker stays busy while one is in transit. */
const MAX_PARTS = 2

/** Creates a job, and lists the buffers in it to be transferred. */
export type MakeJob = () => { job: WholeJob; transfer: ArrayBuffer[] }

/** A job that a worker is running. */
interface RunningJob {
  readonly member: PoolMember
  readonly jobId: number
}

/** A job that one worker of a pool runs from start to finish. */
export class PooledJob implements PooledWork {
  readonly #crew: PoolCrew
  readonly #makeJob: MakeJob
  readonly #statistics: Mutable<JobStatistics>
  #run: RunningJob | undefined
  readonly #parts = new InputParts(PART_BYTES)
  /** Number of inputs sent to the worker but not consumed yet. */
  #inputsInFlight = 0
  /** Number of requests without a reply. */
  #pendingRequests = 0
  /** Output that has been received but not completely written, in order. */
  readonly #outputs: Uint8Array<ArrayBuffer>[] = []
  #endSent = false
  /** Whether the worker has reported that the job is done. */
  #isDone = false
  #failure: { readonly error: unknown } | undefined
  #isDropped = false

  /** `makeJob` is called once, when a worker has room for the job. `statistics` are the job's initial statistics. */
  constructor(crew: PoolCrew, makeJob: MakeJob, statistics: Mutable<JobStatistics>) {
    this.#crew = crew
    this.#makeJob = makeJob
    this.#statistics = statistics
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  fill(input: Uint8Array): number {
    return this.#parts.fill(input)
  }

  /** Sends the worker input, the end of the input, or just room for output, if it can use them. */
  send(isEnded: boolean): boolean {
    if (this.#isDone || this.#pendingRequests + this.#outputs.length >= MAX_PARTS) return false
    const hasInput = this.#parts.isFull || (isEnded && this.#parts.byteLength > 0)
    const sendsInput = hasInput && this.#inputsInFlight < MAX_PARTS
    const sendsEnd = isEnded && !this.#endSent && (sendsInput || this.#parts.byteLength === 0)
    const sendsRoom = this.#pendingRequests === 0 && (this.#inputsInFlight > 0 || this.#endSent)
    if (!sendsInput && !sendsEnd && !sendsRoom) return false
    const run = (this.#run ??= this.#open())
    if (!run) return false

    const input = sendsInput ? this.#parts.take() : undefined
    if (input) this.#inputsInFlight++
    this.#endSent ||= sendsEnd
    this.#pendingRequests++
    run.member.runJob(
      { type: 'run', jobId: run.jobId, input, isEnded: this.#endSent, output: this.#parts.buffer() },
      { resolve: (result) => this.#receive(result), reject: (error) => void (this.#failure ??= { error }) },
    )
    return true
  }

  drain(output: Uint8Array): number {
    let written = 0
    while (this.#outputs.length > 0 && written < output.byteLength) {
      const data = this.#outputs[0]!
      const piece = data.subarray(0, output.byteLength - written)
      output.set(piece, written)
      written += piece.byteLength
      if (piece.byteLength === data.byteLength) this.#parts.giveBack(this.#outputs.shift()!.buffer)
      else this.#outputs[0] = data.subarray(piece.byteLength)
    }
    return written
  }

  isDone(): boolean {
    return this.#isDone
  }

  drop(): void {
    this.#isDropped = true
    this.#outputs.length = 0
    this.#parts.clear()
    this.#run?.member.closeJob(this.#run.jobId)
  }

  #open(): RunningJob | undefined {
    const member = this.#crew.memberForJob()
    if (!member) return undefined
    const { job, transfer } = this.#makeJob()
    const jobId = member.openJob(job, transfer, {
      resolve: () => undefined,
      reject: (error) => void (this.#failure ??= { error }),
    })
    return { member, jobId }
  }

  #receive({ output, written, inputs, isDone, statistics }: RunResult): void {
    if (this.#isDropped) return
    this.#pendingRequests--
    this.#inputsInFlight -= inputs.length
    this.#parts.giveBack(...inputs)
    if (written > 0) this.#outputs.push(new Uint8Array(output, 0, written))
    else this.#parts.giveBack(output)
    this.#isDone ||= isDone
    // Bytes and times are counted where they pass through the stream, not in the worker.
    const { inputBytes, outputBytes, startTime, endTime } = this.#statistics
    Object.assign(this.#statistics, statistics, { inputBytes, outputBytes, startTime, endTime })
  }
}
