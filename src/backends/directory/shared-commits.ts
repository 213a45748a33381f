import { setImmediate } from 'node:timers'
import { type CommitOutcome, receivedFailure } from './commit-outcome.ts'
import { isLocked } from './engine-error.ts'
import type { Commit } from './packed-commits.ts'
import { lockDelay } from './sqlite-connection.ts'

/** What applies commits to the database. */
export interface Committer {
  /**
   * Applies commits in the order in which they are given, and says what became of each. Tries only once if another
   * connection has the lock. Must not be called again before it has ended.
   */
  apply(commits: readonly Commit[]): Promise<readonly CommitOutcome[]>
  /** Closes what it has opened. Must not be called before `apply` has ended. */
  close(): Promise<void>
}

/** A commit that waits to be applied. */
interface WaitingCommit extends Commit {
  readonly signal: AbortSignal | undefined
  /** When it is given up if another connection has the lock, in milliseconds of `performance.now()`. */
  readonly deadlineMs: number
  resolve(version: string | false): void
  reject(error: unknown): void
}

/** How commits are applied. */
export interface SharedCommitsOptions {
  /** Milliseconds for which a commit waits for a lock. */
  readonly lockTimeoutMs: number
  /** Throws if the backend is closed. A commit that waits for a lock is given up then. */
  assertOpen(): void
}

/**
 * Applies commits. Those that are asked for in the same turn of the event loop, or while others are applied, share
 * a transaction of SQLite, whose fsync costs more than all else. They are applied one after the other, in the order in
 * which they came, and each sees what those before it have changed. One whose checks do not hold changes nothing, and
 * none is answered before the transaction is durable.
 */
export class SharedCommits {
  readonly #committer: Committer
  readonly #options: SharedCommitsOptions
  #waiting: WaitingCommit[] = []
  #isRunning = false

  constructor(committer: Committer, options: SharedCommitsOptions) {
    this.#committer = committer
    this.#options = options
  }

  /**
   * Does what `Metadata.commit` does, with at least one mutation. An abort is heeded until the commit is passed to
   * the committer.
   *
   * @throws {CommitFailure} if it may have been applied.
   */
  commit(commit: Commit, signal: AbortSignal | undefined): Promise<string | false> {
    return new Promise((resolve, reject) => {
      const deadlineMs = performance.now() + this.#options.lockTimeoutMs
      this.#waiting.push({ ...commit, signal, deadlineMs, resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    let tries = 0
    // Whoever got an answer may ask for the next commit in the same turn.
    for (await nextTurn(); this.#waiting.length > 0; await nextTurn()) {
      const commits = withoutAborted(this.#waiting)
      this.#waiting = []
      const locked = commits.length === 0 ? [] : await this.#apply(commits)
      this.#waiting.unshift(...locked)
      if (locked.length === 0) tries = 0
      else await lockDelay(++tries)
    }
    this.#isRunning = false
  }

  /** Returns the commits that are still to be applied, because another connection has the lock. */
  async #apply(commits: readonly WaitingCommit[]): Promise<WaitingCommit[]> {
    let outcomes: readonly CommitOutcome[]
    try {
      outcomes = await this.#committer.apply(commits)
    } catch (error) {
      for (const { reject } of commits) reject(error)
      return []
    }
    return commits.filter((commit, index) => {
      const outcome = outcomes[index]!
      if (typeof outcome !== 'object') {
        commit.resolve(outcome)
        return false
      }
      const error = receivedFailure(outcome)
      if (isLocked(error) && performance.now() < commit.deadlineMs) return this.#mayWait(commit)
      commit.reject(error)
      return false
    })
  }

  /** What was asked for before the backend was closed is tried only once. */
  #mayWait({ reject }: WaitingCommit): boolean {
    try {
      this.#options.assertOpen()
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Rejects the commits that were aborted, and returns the others. */
function withoutAborted(commits: readonly WaitingCommit[]): readonly WaitingCommit[] {
  return commits.filter(({ signal, reject }) => {
    if (signal?.aborted) reject(signal.reason)
    return !signal?.aborted
  })
}
