/**
 * For Node, Deno and Bun only: files as byte sources, and threads for a `WorkerPool`.
 *
 * @module
 */
export type { ByteSource } from './bytes/byte-source.ts'
export * from './errors.ts'
export { createThread } from './platform/create-thread.ts'
export { fileSource } from './platform/file-source.ts'
export { loadAsFile, type LoadAsFileOptions } from './platform/load-as-file.ts'
export type { PoolWorker, PoolWorkerEvent } from './rsync/pool/pool-worker.ts'
