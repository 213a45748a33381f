// The worker in which a page writes blocks to its file system: the bundle dist/browser/opfs-worker.js. The other bundles look
// for it beside themselves.
import { answerWriteRequests } from '../backends/opfs/answer-write-requests.ts'

answerWriteRequests()
