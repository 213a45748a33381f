// Runs in the thread of a CommitThread: applies commits, with their syncs, checkpoints and short waits for locks.
import process from 'node:process'
import { parentPort } from 'node:worker_threads'
import { applyCommits } from './apply-commits.ts'
import { type CommitOutcome, sentFailure } from './commit-outcome.ts'
import type { CommitReply, CommitRequest, SentReply } from './commit-thread.ts'
import { type PackedCommits, unpackCommits } from './packed-commits.ts'
import { connectToWrite, type SqliteConnection } from './sqlite-connection.ts'

const port = parentPort!
/** Of the database that the previous request was for; closed before there are requests for another one. */
let connection: SqliteConnection | undefined

// Node 22 warns when node:sqlite is loaded. It has done so in the thread that opened the database.
const { emitWarning } = process
process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
  if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
}

port.on('message', (request: CommitRequest) => void answer(request))
send('ready')

async function answer(request: CommitRequest): Promise<void> {
  if (request !== 'close') return send(await apply(request.path, request.commits))
  connection?.close()
  connection = undefined
  send('closed')
}

async function apply(path: string, packed: PackedCommits): Promise<CommitOutcome[]> {
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
  const sent: SentReply = { combstreamReply: reply }
  port.postMessage(sent)
}
