import { checkInteger } from '../../bytes/check-integer.ts'
import { PoolCrew } from './pool-crew.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Options of {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /**
   * Workers at most, 1 to 256. More than there are processors (`navigator.hardwareConcurrency`) gain nothing.
   * @default 2
   */
  size?: number | undefined
}

const DEFAULT_SIZE = 2
const MAX_SIZE = 256

const crews: WeakMap<WorkerPool, PoolCrew> = new WeakMap()

/**
 * Workers for `SignatureStream` and `DeltaStream`, any number of them at a time. A signature is made by all workers at
 * once, a delta by one, beside the thread that the stream is read on; the bytes are the same as without.
 *
 * A worker is made when there is work for it, and a new one after one was lost: the streams that it worked for fail with
 * a `BackendError`, whose `cause` is what the worker threw. End workers with {@linkcode WorkerPool.close} only: most
 * hosts tell nobody of a web worker that something else terminates, so that its streams would wait forever.
 *
 * A worker takes some tens of milliseconds to start, and as long again until its code is compiled well. It then stays
 * until the pool is closed, with what its host needs for it and up to 16 MiB that the next jobs use again. In Deno a web
 * worker keeps the process alive all that time; threads do so, and the web workers of Bun, only while they work.
 *
 * @example
 * In Deno and Bun; in a page the script is `dist/browser/rsync-worker.js`, in Node `createThread` of
 * `combstream/backends/threads` is the first argument.
 * ```ts
 * import { SignatureStream, WorkerPool } from 'combstream/rsync'
 *
 * const script = import.meta.resolve('combstream/rsync-worker')
 * const pool = new WorkerPool(() => new Worker(script, { type: 'module' }), { size: 2 })
 * const basis = new Blob([new Uint8Array(5_000_000)])
 * const signature = basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size, pool }))
 * console.log((await new Response(signature).bytes()).byteLength) // 82740: 12 of header, 36 for each of 2,298 blocks
 * await pool.close()
 * ```
 */
export class WorkerPool {
  /** Workers at most. */
  readonly size: number
  /** {@linkcode WorkerPool.close}, for `await using`, where the host has it. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>

  /**
   * Makes a pool, without workers yet.
   *
   * @param create Makes a worker that runs the script `combstream/rsync-worker`, or is a `createThread()`. What it throws
   * is the `cause` of a `BackendError` of the stream that asked.
   * @throws {TypeError} if `create` is no function, or `size` no integer.
   * @throws {RangeError} if `size` is out of its range.
   */
  constructor(create: () => PoolWorker, { size = DEFAULT_SIZE }: WorkerPoolOptions = {}) {
    if (typeof create !== 'function') throw new TypeError(`create must be a function, got ${String(create)}`)
    this.size = checkInteger('size', size, 1, MAX_SIZE)
    crews.set(this, new PoolCrew(create, size))
    // WebKit has no such symbol.
    const key: symbol | undefined = Symbol.asyncDispose
    if (key) Object.defineProperty(this, key, { value: () => this.close() })
  }

  /**
   * Ends all workers; resolves when they have ended. Streams that use the pool then, or later, fail with a `TypeError`.
   * May be called more than once.
   */
  close(): Promise<void> {
    return crewOf(this).close()
  }
}

/**
 * The workers of a pool.
 *
 * @throws {TypeError} if it is none.
 */
export function crewOf(pool: WorkerPool): PoolCrew {
  const crew = crews.get(pool)
  if (!crew) throw new TypeError(`pool must be a WorkerPool, got ${String(pool)}`)
  return crew
}
