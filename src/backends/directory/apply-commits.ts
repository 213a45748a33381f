import type { Check } from '../../store/backend.ts'
import { type CommitOutcome, sentFailure } from './commit-outcome.ts'
import { isLocked } from './engine-error.ts'
import type { Commit } from './packed-commits.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { CommitFailure, inTransaction } from './sqlite-transaction.ts'

/**
 * Applies commits in one transaction of SQLite, one after the other; each sees what those before it have changed. One
 * whose checks do not hold changes nothing. One that SQLite refuses does not take the others with it.
 */
export function applyCommits(connection: SqliteConnection, commits: readonly Commit[]): CommitOutcome[] {
  try {
    // A reader that begins to write may be refused, so the lock is taken first.
    return inTransaction(connection.database, 'BEGIN IMMEDIATE', () => applyAll(connection, commits))
  } catch (error) {
    if (commits.length === 1 || error instanceof CommitFailure || isLocked(error)) {
      const failure = sentFailure(error)
      return commits.map(() => failure)
    }
    return commits.flatMap((commit) => applyCommits(connection, [commit]))
  }
}

/** Whether all checks hold, within a transaction. */
export function holds({ version: versionOf }: SqliteConnection, checks: readonly Check[]): boolean {
  return checks.every(({ key, version }) => {
    const row = versionOf.get(key)
    return (row && String(row['version'])) === version
  })
}

/** Applies commits one after the other, within a transaction: the version of each, or false. */
export function applyAll(connection: SqliteConnection, commits: readonly Commit[]): (string | false)[] {
  let number = Number(connection.commits.get()!['commits'])
  const before = number
  const outcomes = commits.map(({ checks, mutations }) => {
    if (!holds(connection, checks)) return false
    number++
    for (const { key, value } of mutations) {
      if (value) connection.set.run(key, value, number)
      else connection.delete.run(key)
    }
    return String(number)
  })
  if (number > before) connection.count.run(number)
  return outcomes
}
