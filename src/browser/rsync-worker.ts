// The workers of a WorkerPool: the bundle dist/browser/rsync-worker.js, which works as a module and as a classic worker.
import { answerWebWorker } from '../rsync/pool/web-worker.ts'

answerWebWorker()
