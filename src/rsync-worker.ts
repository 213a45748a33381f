/**
 * The script of the web workers of a `WorkerPool`, for browsers, Deno and Bun: importing it makes the worker, which
 * must be one, answer its pool. Node's threads have one of their own, in `combstream/backends/threads`.
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
