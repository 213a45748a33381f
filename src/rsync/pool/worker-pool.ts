import { describeValue } from '../../bytes/describe-value.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { PoolCrew } from './pool-crew.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Options of {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /**
   * Maximum number of workers, 1 to 256. More workers than processors (`navigator.hardwareConcurrency`) bring no
   * benefit.
   * @default 2
   */
  size?: number | undefined
}

const DEFAULT_SIZE = 2
const MAX_SIZE = 256

const crews: WeakMap<WorkerPool, PoolCrew> = new WeakMap()

/**
 * Workers for `SignatureStream` and `DeltaStream`. Any number of streams can use them at once. A signature is computed
 * by all workers in parallel, a delta by one of them, so the thread that reads the stream stays free. The bytes are the
 * same as without a pool.
 *
 * A worker is created when there is work for it, and replaced if it is lost. The streams it was working for then fail
 * with a `BackendError` whose `cause` is what the worker threw. End workers only with {@linkcode WorkerPool.close}. If
 * something else terminates a web worker, most hosts do not report it, and its streams wait forever.
 *
 * A worker takes some tens of milliseconds to start, and as long again until its code is fully optimized. It then stays
 * until the pool is closed, and occupies what its host needs for it plus up to 16 MiB for later jobs to reuse. In Deno,
 * a web worker keeps the process alive all that time. Threads, and Bun's web workers, do so only while they work.
 *
 * @example
 * In Deno and Bun. In a page, the script is `dist/browser/rsync-worker.js`. In Node, pass `createThread` of
 * `combstream/platform` as the first argument.
 * ```ts
 * import { SignatureStream, WorkerPool } from 'combstream/rsync'
 *
 * const script = import.meta.resolve('combstream/rsync-worker')
 * const pool = new WorkerPool(() => new Worker(script, { type: 'module' }), { size: 2 })
 * const basis = new Blob([new Uint8Array(5_000_000)])
 * const signature = basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size, pool }))
 * console.log((await new Response(signature).bytes()).byteLength) // 82740: a header of 12 bytes and 2,298 blocks of 36
 * await pool.close()
 * ```
 */
export class WorkerPool {
  /** Maximum number of workers. */
  readonly size: number
  /** {@linkcode WorkerPool.close} for `await using`, where the host supports it. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>

  /**
   * Creates a pool. It has no workers yet.
   *
   * @param create Creates a worker that runs the script `combstream/rsync-worker`, or calls `createThread()`. If it
   * throws, the stream that needed the worker fails with a `BackendError` whose `cause` is the error.
   * @throws {TypeError} if `create` is not a function, or `size` is not an integer.
   * @throws {RangeError} if `size` is out of range.
   */
  constructor(create: () => PoolWorker, { size = DEFAULT_SIZE }: WorkerPoolOptions = {}) {
    if (typeof create !== 'function') throw new TypeError(`create must be a function, got ${describeValue(create)}`)
    this.size = checkInteger('size', size, 1, MAX_SIZE)
    crews.set(this, new PoolCrew(create, size))
    // WebKit does not have this symbol.
    const key: symbol | undefined = Symbol.asyncDispose
    if (key) Object.defineProperty(this, key, { value: () => this.close() })
  }

  /**
   * Ends all workers and resolves when they have ended. Streams that use the pool at that time, or later, fail with a
   * `TypeError`. May be called more than once.
   */
  close(): Promise<void> {
    return crewOf(this).close()
  }
}

/**
 * Returns the workers of a pool.
 *
 * @throws {TypeError} if `pool` is not a WorkerPool.
 */
export function crewOf(pool: WorkerPool): PoolCrew {
  const crew = crews.get(pool)
  if (!crew) throw new TypeError(`pool must be a WorkerPool, got ${describeValue(pool)}`)
  return crew
}
