import { listenForInterrupts } from './interrupt.ts'
import { reportError } from './report.ts'
import { UsageError } from './usage-error.ts'

/** Runs a command with the arguments of a process, and returns its exit code; docs/comb.md lists the codes. */
export async function runCommand(
  argv: readonly string[],
  run: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const interrupts = listenForInterrupts()
  try {
    // Node replaces what it cannot decode with U+FFFD, so two names could become one.
    if (argv.some((argument) => argument.includes('\ufffd')))
      throw new UsageError('an argument is not valid UTF-8, or contains U+FFFD')
    await run(interrupts.signal)
    return 0
  } catch (error) {
    return reportError(error)
  } finally {
    interrupts.stop()
  }
}
