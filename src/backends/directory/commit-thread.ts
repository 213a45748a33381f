import { clearTimeout, setTimeout } from 'node:timers'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { threadScriptUrl } from '../../bytes/thread-script-url.ts'
import { BackendError } from '../../errors.ts'
import type { CommitOutcome } from './commit-outcome.ts'
import { engineError } from './engine-error.ts'
import type { Committer } from './shared-commits.ts'
import { type Commit, packCommits, type PackedCommits } from './packed-commits.ts'
import { CommitFailure } from './sqlite-transaction.ts'

/** What is sent to the thread: commits to the database at a path. Each request is answered before the next one is sent. */
export type CommitRequest = { readonly path: string; readonly commits: PackedCommits } | 'close'

/** What the thread says: that it can take requests, what became of each commit, and that it has closed the file. */
export type CommitReply = 'ready' | 'closed' | readonly CommitOutcome[]

/**
 * What the thread sends. The property has a name of its own because others send messages from the thread, too: with
 * `node --watch`, Node does so for each module that it loads.
 */
export interface SentReply {
  readonly combstreamReply: CommitReply
}

/** A request that has not been answered. */
interface Pending {
  resolve(reply: CommitReply): void
  reject(error: Error): void
}

/** How long a thread that no backend uses waits for the next one, in milliseconds: it takes long to start. */
const SPARE_MS = 10_000

/** A thread that no backend uses. */
let spare: { readonly thread: RunningThread; readonly timer: NodeJS.Timeout } | undefined

/**
 * Applies commits in a thread that has a connection of its own, so that no sync, checkpoint or wait for a lock stops the
 * event loop. It gets the thread with the first commits, and another one if that has died. It keeps the process alive only
 * while commits are pending.
 */
export class CommitThread implements Committer {
  readonly #path: string
  #running: RunningThread | undefined

  /** For the database at `path`. */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * @throws {BackendError} if the thread cannot start.
   * @throws {CommitFailure} if the thread died, so that any of them may have been applied.
   */
  async apply(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    if (!this.#running?.isAlive) this.#running = takeSpare() ?? (await startThread())
    const packed = packCommits(commits)
    try {
      const request: CommitRequest = { path: this.#path, commits: packed }
      return (await this.#running.ask(request, [packed.bytes])) as readonly CommitOutcome[]
    } catch (error) {
      throw new CommitFailure('no answer', { cause: error })
    }
  }

  async close(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (!running?.isAlive) return
    try {
      await running.ask('close')
    } catch (error) {
      throw engineError(error, 'cannot close the database')
    }
    keepSpare(running)
  }
}

function takeSpare(): RunningThread | undefined {
  const { thread, timer } = spare ?? {}
  spare = undefined
  clearTimeout(timer)
  return thread?.isAlive ? thread : undefined
}

function keepSpare(thread: RunningThread): void {
  // In Deno, a thread cannot stop listening by itself.
  takeSpare()?.end()
  const timer = setTimeout(() => takeSpare()?.end(), SPARE_MS)
  timer.unref()
  spare = { thread, timer }
}

class RunningThread {
  readonly #worker: Worker
  #pending: Pending | undefined
  isAlive = true

  constructor(worker: Worker) {
    this.#worker = worker
    let cause: unknown
    worker.on('message', (message: Partial<SentReply> | null | undefined) => {
      const reply = message?.combstreamReply
      if (reply !== undefined) this.#settle((pending) => pending.resolve(reply))
    })
    worker.on('error', (error: unknown) => (cause = error))
    worker.on('exit', () => {
      this.isAlive = false
      this.#settle((pending) => pending.reject(new Error(`the thread that writes died${because(cause)}`, { cause })))
    })
  }

  ask(request: CommitRequest, transfer: ArrayBuffer[] = []): Promise<CommitReply> {
    return new Promise((resolve, reject) => {
      this.#worker.ref()
      this.#pending = { resolve, reject }
      this.#worker.postMessage(request, transfer)
    })
  }

  /** Resolves when the thread can take requests. */
  ready(): Promise<CommitReply> {
    return new Promise((resolve, reject) => (this.#pending = { resolve, reject }))
  }

  end(): void {
    void this.#worker.terminate()
  }

  #settle(act: (pending: Pending) => void): void {
    const pending = this.#pending
    this.#pending = undefined
    this.#worker.unref()
    if (pending) act(pending)
  }
}

async function startThread(): Promise<RunningThread> {
  try {
    const thread = new RunningThread(await createWorker())
    await thread.ready()
    return thread
  } catch (error) {
    const message = `cannot start a thread, which a backend with the option thread: false does not need${because(error)}`
    throw new BackendError(message, { retryable: false, cause: error })
  }
}

/** The URLs are written so that bundlers which know workers find the script. */
async function createWorker(): Promise<Worker> {
  // Not a static import: whoever only reads needs no threads.
  const { Worker } = await import('node:worker_threads')
  const options: WorkerOptions = {
    name: 'combstream commits',
    // It would inherit the flags of its process. With `--import` it would run that module before its script, even one
    // that waits for a commit; and it refuses `--input-type`, which goes with `-e`.
    execArgv: [],
  }
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./commit-thread-script.js', import.meta.url), options)
  }
  // The sources run as they are, too.
  const source = './commit-thread-script.ts'
  return new Worker(threadScriptUrl(new URL(source, import.meta.url)), options)
}

function because(error: unknown): string {
  return error instanceof Error ? `: ${error.message}` : ''
}
