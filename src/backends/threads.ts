/**
 * Workers for a `WorkerPool` where there are no web workers, or better ones: the threads of Node, which Deno and Bun
 * have as well.
 *
 * @module
 */
export type { PoolWorker, PoolWorkerEvent } from '../rsync/pool/pool-worker.ts'
export { createThread } from './threads/create-thread.ts'
