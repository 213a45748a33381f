import { describeWorkerPool } from '../node-tests/support/worker-pool-suite.ts'

await describeWorkerPool('web workers', {
  create: () => new Worker('/media-page/workers/rsync-worker.js', { type: 'module' }),
  createMissing: () => new Worker('/media-page/workers/missing.js', { type: 'module' }),
  tellsEnd: false,
})
