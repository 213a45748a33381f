// Runs in the thread of each CommitThread: applies commits, with their syncs, checkpoints and short waits for locks.
import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { applyCommits } from './apply-commits.ts'
import { type CommitOutcome, sentFailure } from './commit-outcome.ts'
import type { CommitReply, CommitRequest } from './commit-thread.ts'
import { type PackedCommits, unpackCommits } from './packed-commits.ts'
import { connectToWrite, type SqliteConnection } from './sqlite-connection.ts'

const path = workerData as string
const port = parentPort!
let connection: SqliteConnection | undefined

// Node 22 warns when node:sqlite is loaded. It has done so in the thread that opened the database.
const { emitWarning } = process
process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
  if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
}

port.on('message', (request: CommitRequest) => void answer(request))
send('ready')

async function answer(request: CommitRequest): Promise<void> {
  if (request !== 'close') return send(await apply(request))
  connection?.close()
  send('closed')
}

async function apply(packed: PackedCommits): Promise<CommitOutcome[]> {
  const commits = unpackCommits(packed)
  try {
    // The other side waits for locks, because it knows which commits are still wanted.
    connection ??= await connectToWrite(path, 0)
  } catch (error) {
    const failure = sentFailure(error)
    return commits.map(() => failure)
  }
  return applyCommits(connection, commits)
}

function send(reply: CommitReply): void {
  port.postMessage(reply)
}
