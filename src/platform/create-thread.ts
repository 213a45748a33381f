import { Worker } from 'node:worker_threads'
import { threadScriptUrl } from '../bytes/thread-script-url.ts'
import type { PoolWorker } from '../rsync/pool/pool-worker.ts'

/**
 * Makes a thread for a `WorkerPool`, in Node, Deno and Bun. It does not keep the process alive while it has nothing to
 * do. Its script is a file beside this one, so a bundler must treat `combstream/platform` as external.
 *
 * @example
 * ```ts
 * import { createThread } from 'combstream/platform'
 * import { SignatureStream, WorkerPool } from 'combstream/rsync'
 *
 * const pool = new WorkerPool(createThread, { size: 2 })
 * const basis = new Blob([new Uint8Array(5_000_000)])
 * const signature = basis.stream().pipeThrough(new SignatureStream({ sourceLength: basis.size, pool }))
 * console.log((await new Response(signature).bytes()).byteLength) // 82740: 12 of header, 36 for each of 2,298 blocks
 * await pool.close()
 * ```
 */
export function createThread(): PoolWorker {
  // The sources run as they are, too.
  const script = import.meta.url.endsWith('.ts') ? './thread-script.ts' : './thread-script.js'
  const worker = new Worker(threadScriptUrl(new URL(script, import.meta.url)))
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
    addEventListener(type, listener) {
      switch (type) {
        case 'message':
          worker.on('message', (data: unknown) => listener({ data }))
          break
        case 'messageerror':
          worker.on('messageerror', (error) => listener({ error }))
          break
        case 'error':
          worker.on('error', (error) => listener({ error }))
          break
        case 'close':
          worker.on('exit', () => listener({}))
      }
    },
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}
