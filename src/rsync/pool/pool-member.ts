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
} from './worker-messages.ts'

/** Takes what a worker replies; called once, by the worker's event. */
export interface Asker<Result> {
  /** The worker has done what it was asked for. */
  resolve(result: Result): void
  /** It has not: the job's own error, or that of the worker. */
  reject(error: unknown): void
}

/** What a {@linkcode PoolMember} tells its pool. */
export interface MemberEvents {
  /** It has done something, or ended. */
  onChange(): void
  /** It has ended by itself. */
  onLoss(): void
}

/** Blocks that a worker is sent ahead: with two it always has something to do. */
const MAX_SIGNING = 2

/** One worker of a pool, and what it has been asked for. */
export class PoolMember {
  readonly #worker: PoolWorker
  readonly #events: MemberEvents
  readonly #asked = new Map<number, Asker<never>>()
  #lastId = 0
  #hasReplied = false
  /** Why nothing can be asked of it any more. */
  #ending: { readonly error: unknown } | undefined
  #signing = 0
  #openJobs = 0
  #closingJobs = 0

  /** Takes over a worker that has just been made. */
  constructor(worker: PoolWorker, events: MemberEvents) {
    this.#worker = worker
    this.#events = events
    worker.unref?.()
    worker.addEventListener('message', ({ data }) => this.#onReply(data as SentReply))
    worker.addEventListener('messageerror', (event) => this.#onLoss('sent what cannot be read', event))
    worker.addEventListener('error', (event) => this.#onLoss('failed', event))
    worker.addEventListener('close', (event) => this.#onLoss('ended', event))
  }

  /** How much it has to do; only to be compared. */
  get load(): number {
    return this.#asked.size + this.#openJobs
  }

  /** Whether it may be sent blocks: a bound on what waits in it, also for streams that have been given up. */
  get hasRoomForBlocks(): boolean {
    return this.#signing < MAX_SIGNING
  }

  /** Whether a job may be opened: not before those that have been given up are gone. */
  get hasRoomForJob(): boolean {
    return this.#closingJobs === 0
  }

  /** Asks for the signature of blocks. */
  sign(request: SignRequest, asker: Asker<SignResult>): void {
    this.#signing++
    const done = (): void => void this.#signing--
    this.#ask(request, [request.input], after(asker, done))
  }

  /** Opens a job and returns its id; `transfer` are the buffers in it. A failure comes with its first run. */
  openJob(job: OpenRequest['job'], transfer: ArrayBuffer[], asker: Asker<undefined>): number {
    const jobId = ++this.#lastId
    this.#openJobs++
    this.#ask({ type: 'open', jobId, job }, transfer, asker)
    return jobId
  }

  /** Goes on with a job. */
  runJob(request: RunRequest, asker: Asker<RunResult>): void {
    const transfer = [request.output]
    if (request.input) transfer.push(request.input.buffer)
    this.#ask(request, transfer, asker)
  }

  /** Drops a job. */
  closeJob(jobId: number): void {
    this.#closingJobs++
    const done = (): void => {
      this.#closingJobs--
      this.#openJobs--
    }
    this.#ask({ type: 'close', jobId }, [], { resolve: done, reject: done })
  }

  /** Ends the worker; whoever waits for it gets the error. */
  end(error: unknown): unknown {
    this.#ending ??= { error }
    const ended = this.#worker.terminate()
    const askers = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of askers) reject(error)
    this.#events.onChange()
    return ended
  }

  #ask<Result>(request: WorkerRequest, transfer: ArrayBuffer[], asker: Asker<Result>): void {
    if (this.#ending) return asker.reject(this.#ending.error)
    const id = ++this.#lastId
    const sent: SentRequest = { id, request }
    this.#worker.postMessage(sent, transfer)
    if (this.#asked.size === 0) this.#worker.ref?.()
    this.#asked.set(id, asker)
  }

  #onReply(reply: SentReply): void {
    const asker = this.#asked.get(reply.id)
    if (!asker) return
    this.#hasReplied = true
    this.#asked.delete(reply.id)
    if (this.#asked.size === 0) this.#worker.unref?.()
    if ('error' in reply) asker.reject(reply.error)
    else asker.resolve(reply.result as never)
    this.#events.onChange()
  }

  #onLoss(what: string, event: PoolWorkerEvent): void {
    event.preventDefault?.()
    if (this.#ending) return
    const cause = event.error ?? (event.message ? new Error(event.message) : undefined)
    const when = this.#hasReplied ? '' : ' before it did anything: is its script there, and the right one?'
    this.#events.onLoss()
    this.end(new BackendError(`a worker of the pool ${what}${when}`, { retryable: this.#hasReplied, cause }))
  }
}

function after<Result>({ resolve, reject }: Asker<Result>, done: () => void): Asker<Result> {
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
