import type { Codec, CodecStep } from '../../bytes/codec-transform.ts'
import type { PoolCrew } from './pool-crew.ts'
import type { PoolMember } from './pool-member.ts'
import { countStep, type JobStatistics, type Mutable } from '../statistics.ts'
import type { RunResult, WholeJob } from './worker-messages.ts'

/** Bytes of input, and of room for output, that a worker is sent at a time. */
const PART_BYTES = 256 * 1024
/** Of each, so that the worker has something to do while one is on its way. */
const MAX_PARTS = 2

/** Gives a job, and the buffers in it that are to be sent for good. */
export type MakeJob = () => { job: WholeJob; transfer: ArrayBuffer[] }

/** The job as it is run by a worker. */
interface Run {
  readonly member: PoolMember
  readonly jobId: number
}

/** A job that one worker of a pool runs from its first byte to its last. */
export class PooledJob<Statistics extends JobStatistics> implements Codec {
  /** What has been counted so far; the same object at all times. */
  readonly statistics: Mutable<Statistics>
  readonly #crew: PoolCrew
  readonly #makeJob: MakeJob
  #run: Run | undefined
  /** What is collected for the worker, in a buffer that is made when it is needed. */
  #input: Uint8Array<ArrayBuffer> | undefined
  #inputLength = 0
  /** Buffers that have come back, or been written. */
  readonly #spare: ArrayBuffer[] = []
  /** Input that the worker has not used up. */
  #inputsAway = 0
  /** Requests without a reply. */
  #asked = 0
  /** Output that has come and is not all written, in order. */
  readonly #outputs: Uint8Array<ArrayBuffer>[] = []
  #ended = false
  #endSent = false
  /** Whether the worker has said that the job is done. */
  #isDone = false
  #failure: { readonly error: unknown } | undefined
  #isReleased = false
  /** What {@linkcode serve} waits for. */
  #change: Promise<void> | undefined

  /** `makeJob` is called once, when a worker has room for the job; `statistics` are those of the job at its start. */
  constructor(crew: PoolCrew, makeJob: MakeJob, statistics: Mutable<Statistics>) {
    this.#crew = crew
    this.#makeJob = makeJob
    this.statistics = statistics
  }

  /** Takes from `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    if (this.#isReleased) return step
    this.#change = this.#crew.change
    do {
      step.written += this.#drain(output.subarray(step.written))
      step.read += this.#fill(input.subarray(step.read))
    } while (!this.#failure && this.#send())
    if (this.#failure) throw this.#failure.error
    if (step.written < output.byteLength) {
      if (this.#isDone) step.state = 'done'
      else if (this.#ended || step.read < input.byteLength) step.state = 'waiting'
    }
    countStep(this.statistics, step)
    return step
  }

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  /** Waits until it may be worth while to go on. */
  async serve(): Promise<void> {
    await this.#change
  }

  /** Drops the job. */
  release(): void {
    this.#isReleased = true
    this.#outputs.length = 0
    this.#spare.length = 0
    this.#input = undefined
    this.#run?.member.closeJob(this.#run.jobId)
    this.#crew.announce()
  }

  #drain(output: Uint8Array): number {
    let written = 0
    while (this.#outputs.length > 0 && written < output.byteLength) {
      const data = this.#outputs[0]!
      const piece = data.subarray(0, output.byteLength - written)
      output.set(piece, written)
      written += piece.byteLength
      if (piece.byteLength === data.byteLength) this.#spare.push(this.#outputs.shift()!.buffer)
      else this.#outputs[0] = data.subarray(piece.byteLength)
    }
    return written
  }

  #fill(input: Uint8Array): number {
    if (input.byteLength === 0) return 0
    this.#input ??= new Uint8Array(this.#buffer())
    const piece = input.subarray(0, PART_BYTES - this.#inputLength)
    this.#input.set(piece, this.#inputLength)
    this.#inputLength += piece.byteLength
    return piece.byteLength
  }

  #buffer(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(PART_BYTES)
  }

  /** Sends the worker input, its end, or only room for output, if it can use them. */
  #send(): boolean {
    if (this.#isDone || this.#asked + this.#outputs.length >= MAX_PARTS) return false
    const hasInput = this.#inputLength === PART_BYTES || (this.#ended && this.#inputLength > 0)
    const sendsInput = hasInput && this.#inputsAway < MAX_PARTS
    const sendsEnd = this.#ended && !this.#endSent && (sendsInput || this.#inputLength === 0)
    const goesOn = this.#asked === 0 && (this.#inputsAway > 0 || this.#endSent)
    if (!sendsInput && !sendsEnd && !goesOn) return false
    const run = (this.#run ??= this.#open())
    if (!run) return false

    const input = sendsInput ? { buffer: this.#input!.buffer, byteLength: this.#inputLength } : undefined
    if (input) {
      this.#input = undefined
      this.#inputLength = 0
      this.#inputsAway++
    }
    this.#endSent ||= sendsEnd
    this.#asked++
    run.member.runJob(
      { type: 'run', jobId: run.jobId, input, isEnded: this.#endSent, output: this.#buffer() },
      { resolve: (result) => this.#receive(result), reject: (error) => void (this.#failure ??= { error }) },
    )
    return true
  }

  #open(): Run | undefined {
    const member = this.#crew.forJob()
    if (!member) return undefined
    const { job, transfer } = this.#makeJob()
    const jobId = member.openJob(job, transfer, {
      resolve: () => undefined,
      reject: (error) => void (this.#failure ??= { error }),
    })
    return { member, jobId }
  }

  #receive({ output, written, inputs, isDone, statistics }: RunResult): void {
    if (this.#isReleased) return
    this.#asked--
    this.#inputsAway -= inputs.length
    this.#spare.push(...inputs)
    if (written > 0) this.#outputs.push(new Uint8Array(output, 0, written))
    else this.#spare.push(output)
    this.#isDone ||= isDone
    // What passes through the stream is counted here, as it does.
    const { inputBytes, outputBytes, startTime, endTime } = this.statistics
    Object.assign(this.statistics, statistics, { inputBytes, outputBytes, startTime, endTime })
  }
}
