/**
 * The web worker script of a `WorkerPool`, for browsers, Deno and Bun. Import it only inside a worker: importing it
 * makes the worker answer its pool. Node's threads have their own script, in `combstream/platform`.
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'combstream/rsync'
 *
 * const script = import.meta.resolve('combstream/rsync-worker')
 * const pool = new WorkerPool(() => new Worker(script, { type: 'module' }))
 * await pool.close()
 * ```
 *
 * @module
 */
import { answerWebWorker } from './rsync/pool/web-worker.ts'

answerWebWorker()
