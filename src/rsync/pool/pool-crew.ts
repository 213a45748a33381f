import { describeValue } from '../../bytes/describe-value.ts'
import { BackendError } from '../../errors.ts'
import { PoolMember } from './pool-member.ts'
import type { PoolWorker } from './pool-worker.ts'

/** The workers of a pool. A worker is created when there is work for it, and replaced if it is lost. */
export class PoolCrew {
  /** The maximum number of workers. */
  readonly size: number
  readonly #create: () => PoolWorker
  readonly #members = new Set<PoolMember>()
  #closed: Promise<void> | undefined
  #change!: Promise<void>
  #notify!: () => void

  /** Creates the crew. No worker is created yet. */
  constructor(create: () => PoolWorker, size: number) {
    this.size = size
    this.#create = create
    this.#renewChange()
  }

  /**
   * Resolves when a worker next replies or ends, or a stream is cancelled. Get it before checking the condition you
   * wait for, so that no change is missed.
   */
  get change(): Promise<void> {
    return this.#change
  }

  /**
   * Returns the least busy worker that can accept blocks, or undefined if none can: then try again after a change.
   *
   * @throws {BackendError} if no worker can be created.
   * @throws {TypeError} if the pool is closed, or `create` returned something other than a worker.
   */
  memberForBlocks(): PoolMember | undefined {
    return this.#leastBusy((member) => member.hasRoomForBlocks)
  }

  /** The same for a job that one worker runs from start to finish. */
  memberForJob(): PoolMember | undefined {
    return this.#leastBusy((member) => member.hasRoomForJob)
  }

  /** Wakes everything that waits for a change. */
  notify(): void {
    this.#notify()
    this.#renewChange()
  }

  /** Ends all workers. */
  close(): Promise<void> {
    return (this.#closed ??= this.#endAll())
  }

  async #endAll(): Promise<void> {
    const error = closedError()
    await Promise.all([...this.#members].map((member) => member.end(error)))
    this.#members.clear()
    this.notify()
  }

  #leastBusy(hasRoom: (member: PoolMember) => boolean): PoolMember | undefined {
    if (this.#closed) throw closedError()
    let best: PoolMember | undefined
    for (const member of this.#members) {
      if (hasRoom(member) && (!best || member.load < best.load)) best = member
    }
    if (best?.load === 0 || this.#members.size === this.size) return best
    return this.#addMember()
  }

  #addMember(): PoolMember {
    const member: PoolMember = new PoolMember(this.#createWorker(), {
      onChange: () => this.notify(),
      onLoss: () => void this.#members.delete(member),
    })
    this.#members.add(member)
    return member
  }

  #createWorker(): PoolWorker {
    let worker: PoolWorker
    try {
      worker = this.#create()
    } catch (cause) {
      throw new BackendError('the pool cannot create a worker', { retryable: false, cause })
    }
    if (typeof worker?.postMessage !== 'function') {
      throw new TypeError(`create must return a worker, got ${describeValue(worker)}`)
    }
    return worker
  }

  #renewChange(): void {
    this.#change = new Promise((resolve) => {
      this.#notify = resolve
    })
  }
}

function closedError(): TypeError {
  return new TypeError('the pool is closed')
}
