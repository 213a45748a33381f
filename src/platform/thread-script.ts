// Runs in each thread that createThread makes.
import { parentPort } from 'node:worker_threads'
import { answerRequests } from '../rsync/pool/worker-requests.ts'

const port = parentPort!
port.on(
  'message',
  answerRequests((reply, transfer) => port.postMessage(reply, transfer)),
)
