import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers'
import type { Check, Mutation } from '../../store/backend.ts'
import { isLocked } from './engine-error.ts'
import { type SqliteConnection, whileLocked } from './sqlite-connection.ts'
import { CommitFailure, inTransaction } from './sqlite-transaction.ts'

/** A commit that waits to be applied. */
interface WaitingCommit {
  readonly checks: readonly Check[]
  readonly mutations: readonly Mutation[]
  readonly signal: AbortSignal | undefined
  resolve(answer: string | false): void
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
 * Applies commits. Those that are asked for in the same turn of the event loop share a transaction of SQLite, whose
 * fsync costs more than all else. They are applied one after the other, in the order in which they came, and each sees
 * what those before it have changed. One whose checks do not hold changes nothing, and none is answered before the
 * transaction is durable.
 */
export class SharedCommits {
  readonly #connection: SqliteConnection
  readonly #options: SharedCommitsOptions
  #waiting: WaitingCommit[] = []

  constructor(connection: SqliteConnection, options: SharedCommitsOptions) {
    this.#connection = connection
    this.#options = options
  }

  /**
   * Does what `Metadata.commit` does, with at least one mutation.
   *
   * @throws {CommitFailure} if it may have been applied.
   */
  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    signal: AbortSignal | undefined,
  ): Promise<string | false> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#applyWaiting())
      this.#waiting.push({ checks, mutations, signal, resolve, reject })
    })
  }

  async #applyWaiting(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await this.#apply(waiting)
  }

  async #apply(commits: readonly WaitingCommit[]): Promise<void> {
    let wanted = commits
    try {
      const answers = await this.#whileLocked(() => {
        wanted = withoutAborted(wanted)
        // A reader that begins to write may be refused, so the lock is taken first.
        return wanted.length === 0
          ? []
          : inTransaction(this.#database, 'BEGIN IMMEDIATE', () => wanted.map((each) => this.#applyOne(each)))
      })
      wanted.forEach(({ resolve }, index) => resolve(answers[index]!))
    } catch (error) {
      if (wanted.length === 1 || error instanceof CommitFailure || isLocked(error)) {
        for (const { reject } of wanted) reject(error)
      } else {
        // The one that failed must not take the others with it.
        for (const each of wanted) await this.#apply([each])
      }
    }
  }

  get #database(): DatabaseSync {
    return this.#connection.database
  }

  #applyOne({ checks, mutations }: WaitingCommit): string | false {
    if (!holds(this.#connection, checks)) return false
    const number = this.#connection.count.get()!['commits']!
    for (const { key, value } of mutations) {
      if (value) this.#connection.set.run(key, value, number)
      else this.#connection.delete.run(key)
    }
    return String(number)
  }

  #whileLocked<T>(work: () => T): Promise<T> {
    let tries = 0
    return whileLocked(this.#options.lockTimeoutMs, undefined, () => {
      // What was asked for before the backend was closed is tried once.
      if (tries++ > 0) this.#options.assertOpen()
      return work()
    })
  }
}

/** Whether all checks hold, within a transaction. */
export function holds({ version: versionOf }: SqliteConnection, checks: readonly Check[]): boolean {
  return checks.every(({ key, version }) => {
    const row = versionOf.get(key)
    return (row && String(row['version'])) === version
  })
}

/** Rejects the commits that were aborted, and returns the others. */
function withoutAborted(commits: readonly WaitingCommit[]): readonly WaitingCommit[] {
  return commits.filter(({ signal, reject }) => {
    if (signal?.aborted) reject(signal.reason)
    return !signal?.aborted
  })
}
