import { codeOf } from '../../bytes/error-code.ts'
import { FormatError } from '../../errors.ts'
import { CommitFailure } from './sqlite-transaction.ts'

/** What became of a commit: its version, false if a check did not hold, or why it failed. */
export type CommitOutcome = string | false | SentFailure

/** An error, with those of its properties that say what kind it is. A thread cannot send them with an Error. */
export interface SentFailure {
  /** Whether the commit may have been applied. */
  readonly isUnknown: boolean
  readonly message: string
  readonly code: string | undefined
  /** The result code of SQLite. */
  readonly errcode: number | undefined
  /** What a FormatError says. */
  readonly reason: FormatError['reason'] | undefined
}

/** Puts an error into a form that can be sent to another thread. */
export function sentFailure(error: unknown): SentFailure {
  const isUnknown = error instanceof CommitFailure
  const cause = isUnknown ? error.cause : error
  const { errcode } = (cause ?? {}) as { errcode?: unknown }
  return {
    isUnknown,
    message: cause instanceof Error ? cause.message : String(cause),
    code: codeOf(cause),
    errcode: typeof errcode === 'number' ? errcode : undefined,
    reason: cause instanceof FormatError ? cause.reason : undefined,
  }
}

/** Makes an error of what another thread has sent; a {@linkcode CommitFailure} if the commit may have been applied. */
export function receivedFailure({ isUnknown, message, code, errcode, reason }: SentFailure): Error {
  if (reason !== undefined) return new FormatError(message, { reason })
  const error = Object.assign(new Error(message), code !== undefined && { code }, errcode !== undefined && { errcode })
  return isUnknown ? new CommitFailure('COMMIT failed', { cause: error }) : error
}
