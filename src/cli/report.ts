import type { CommanderError } from 'commander'
import { errorLine } from './error-line.ts'
import { InterruptedError } from './interrupt.ts'
import { printLine } from './print-line.ts'
import { RdiffError } from './rdiff-error.ts'
import { redactArgument } from './redact.ts'
import { BrokenPipeError } from './broken-pipe-error.ts'
import { UsageError } from './usage-error.ts'

const FAILED = 1
const USAGE = 2
/** 128 plus the number of SIGPIPE. */
const BROKEN_PIPE = 141

/** Reports an error in one line on stderr, and returns the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitCode
  if (error instanceof BrokenPipeError) return BROKEN_PIPE
  if (isCommanderError(error)) {
    // Help and version end up here too, and so does `comb` without arguments, which has printed its help.
    if (error.exitCode === 0) return 0
    if (error.code !== 'commander.help') {
      printLine(redactArgument(error.message.replace(/^error: /, '').replaceAll('\n', ' ')))
    }
    return USAGE
  }
  printLine(errorLine(error))
  if (error instanceof RdiffError) return error.exitCode
  return error instanceof UsageError ? USAGE : FAILED
}

/** Checked by name, because the class is loaded only with commander. */
function isCommanderError(error: unknown): error is CommanderError {
  return (error as Error | undefined)?.name === 'CommanderError'
}
