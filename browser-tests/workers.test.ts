import { expect, it } from 'vitest'
import { describeWorkerPool } from '../node-tests/support/worker-pool-suite.ts'
import { soon } from '../node-tests/support/streams.ts'
import { openMediaFrame } from './support/media-frame.ts'

await describeWorkerPool('web workers', {
  create: () => new Worker('/media-page/workers/rsync-worker.js', { type: 'module' }),
  createMissing: () => new Worker('/media-page/workers/missing.js', { type: 'module' }),
  tellsEnd: false,
  isDealt: true,
})

it('a page without a bundler makes signatures in workers, from the two bundles', async () => {
  const frame = await openMediaFrame('workers')
  const { SignatureStream, WorkerPool } = frame.combstream
  // Not a module worker: the bundle is also a classic script.
  const pool = new WorkerPool(() => new Worker('/media-page/workers/rsync-worker.js'))
  try {
    const basis = new Blob([new Uint8Array(3_000_000)])
    const signature = new Response(basis.stream().pipeThrough(new SignatureStream({ pool }))).arrayBuffer()
    expect((await soon(signature, 'the signature')).byteLength).toBe(12 + 36 * Math.ceil(3_000_000 / 2048))
  } finally {
    await pool.close()
    frame.remove()
  }
})
