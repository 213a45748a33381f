import { BackendError } from '../../errors.ts'
import { PoolMember } from './pool-member.ts'
import type { PoolWorker } from './pool-worker.ts'

/** The workers of a pool: made when there is work for them, and again when one was lost. */
export class PoolCrew {
  /** The most workers that there are at a time. */
  readonly size: number
  readonly #create: () => PoolWorker
  readonly #members = new Set<PoolMember>()
  #closed: Promise<void> | undefined
  #change!: Promise<void>
  #announce!: () => void

  /** Makes no worker yet. */
  constructor(create: () => PoolWorker, size: number) {
    this.size = size
    this.#create = create
    this.#renewChange()
  }

  /**
   * Resolves at the next reply or end of a worker, or when a stream is given up. To be taken before looking at what is
   * waited for, so that nothing is missed.
   */
  get change(): Promise<void> {
    return this.#change
  }

  /**
   * The least busy worker that may be sent blocks; undefined: try again after a change.
   *
   * @throws {BackendError} if none can be made.
   * @throws {TypeError} if the pool is closed, or what was made is no worker.
   */
  forBlocks(): PoolMember | undefined {
    return this.#leastBusy((member) => member.hasRoomForBlocks)
  }

  /** The same for a job that one worker runs from its first byte to its last. */
  forJob(): PoolMember | undefined {
    return this.#leastBusy((member) => member.hasRoomForJob)
  }

  /** Wakes everybody who waits for a change. */
  announce(): void {
    this.#announce()
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
    this.announce()
  }

  #leastBusy(hasRoom: (member: PoolMember) => boolean): PoolMember | undefined {
    if (this.#closed) throw closedError()
    let best: PoolMember | undefined
    for (const member of this.#members) {
      if (hasRoom(member) && (!best || member.load < best.load)) best = member
    }
    if (best?.load === 0 || this.#members.size === this.size) return best
    return this.#hire()
  }

  #hire(): PoolMember {
    const member: PoolMember = new PoolMember(this.#createWorker(), {
      onChange: () => this.announce(),
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
      throw new BackendError('a worker of the pool cannot be made', { retryable: false, cause })
    }
    if (typeof worker?.postMessage !== 'function') {
      throw new TypeError(`create must return a worker, got ${String(worker)}`)
    }
    return worker
  }

  #renewChange(): void {
    this.#change = new Promise((resolve) => {
      this.#announce = resolve
    })
  }
}

function closedError(): TypeError {
  return new TypeError('the pool is closed')
}
