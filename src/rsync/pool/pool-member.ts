import { BackendError } from '../../errors.ts'
import type { PoolWorker, PoolWorkerEvent } from './pool-worker.ts'
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

/** Receives a worker's reply. Called once, from the worker's event. */
export interface ReplyHandler<Result> {
  /** The worker has completed the request. */
  resolve(result: Result): void
  /** The request failed, with the job's own error or that of the worker. */
  reject(error: unknown): void
}

/** Events of a {@linkcode PoolMember} for its pool. */
export interface MemberEvents {
  /** It has replied, or ended. */
  onChange(): void
  /** It has ended by itself. */
  onLoss(): void
}

/** Maximum number of sign requests that a worker may have at a time. With two, it never runs idle. */
const MAX_SIGNING = 2

/** One worker of a pool, and its pending requests. */
export class PoolMember {
  readonly #worker: PoolWorker
  readonly #events: MemberEvents
  readonly #pending = new Map<number, ReplyHandler<never>>()
  #lastId = 0
  #hasReplied = false
  /** Set when it has ended: the error for every further request. */
  #ending: { readonly error: unknown } | undefined
  #signing = 0
  #openJobs = 0
  #closingJobs = 0

  /** Takes over a newly created worker. */
  constructor(worker: PoolWorker, events: MemberEvents) {
    this.#worker = worker
    this.#events = events
    worker.unref?.()
    worker.addEventListener('message', ({ data }) => this.#onReply(data as SentReply))
    worker.addEventListener('messageerror', (event) => this.#onLoss('sent a message that cannot be read', event))
    worker.addEventListener('error', (event) => this.#onLoss('failed', event))
    worker.addEventListener('close', (event) => this.#onLoss('ended', event))
  }

  /** How busy it is. Only for comparison. */
  get load(): number {
    return this.#pending.size + this.#openJobs
  }

  /** Whether it can accept blocks. This limits what queues up in it, also for streams that have been cancelled. */
  get hasRoomForBlocks(): boolean {
    return this.#signing < MAX_SIGNING
  }

  /** Whether a job may be opened. It may not while a cancelled job is still being closed. */
  get hasRoomForJob(): boolean {
    return this.#closingJobs === 0
  }

  /** Requests the signature of blocks. */
  sign(request: SignRequest, handler: ReplyHandler<SignResult>): void {
    this.#signing++
    const done = (): void => void this.#signing--
    this.#send(request, [request.input], withDone(handler, done))
  }

  /** Opens a job and returns its id. `transfer` lists the buffers in it. A failure is reported with its first run. */
  openJob(job: OpenRequest['job'], transfer: ArrayBuffer[], handler: ReplyHandler<undefined>): number {
    const jobId = ++this.#lastId
    this.#openJobs++
    this.#send({ type: 'open', jobId, job }, transfer, handler)
    return jobId
  }

  /** Continues a job. */
  runJob(request: RunRequest, handler: ReplyHandler<RunResult>): void {
    const transfer = [request.output]
    if (request.input) transfer.push(request.input.buffer)
    this.#send(request, transfer, handler)
  }

  /** Drops a job. */
  closeJob(jobId: number): void {
    this.#closingJobs++
    const done = (): void => {
      this.#closingJobs--
      this.#openJobs--
    }
    this.#send({ type: 'close', jobId }, [], { resolve: done, reject: done })
  }

  /** Ends the worker. All pending requests fail with `error`. */
  end(error: unknown): unknown {
    this.#ending ??= { error }
    const ended = this.#worker.terminate()
    const handlers = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of handlers) reject(error)
    this.#events.onChange()
    return ended
  }

  #send<Result>(request: WorkerRequest, transfer: ArrayBuffer[], handler: ReplyHandler<Result>): void {
    if (this.#ending) return handler.reject(this.#ending.error)
    const id = ++this.#lastId
    const sent: SentRequest = { id, request }
    this.#worker.postMessage(sent, transfer)
    if (this.#pending.size === 0) this.#worker.ref?.()
    this.#pending.set(id, handler)
  }

  #onReply(reply: SentReply): void {
    const handler = this.#pending.get(reply.id)
    if (!handler) return
    this.#hasReplied = true
    this.#pending.delete(reply.id)
    if (this.#pending.size === 0) this.#worker.unref?.()
    if ('error' in reply) handler.reject(reply.error)
    else handler.resolve(reply.result as never)
    this.#events.onChange()
  }

  #onLoss(what: string, event: PoolWorkerEvent): void {
    event.preventDefault?.()
    if (this.#ending) return
    const cause = event.error ?? (event.message ? new Error(event.message) : undefined)
    const when = this.#hasReplied ? '' : ' before it did anything: does its script exist, and is it the right one?'
    this.#events.onLoss()
    this.end(new BackendError(`a worker of the pool ${what}${when}`, { retryable: this.#hasReplied, cause }))
  }
}

function withDone<Result>({ resolve, reject }: ReplyHandler<Result>, done: () => void): ReplyHandler<Result> {
  return {
    resolve(result) {
      done()
      resolve(result)
    },
    reject(error) {
      done()
      reject(error)
    },
  }
}
