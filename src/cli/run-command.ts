import { listenForInterrupts } from './interrupt.ts'
import { reportError } from './report.ts'
import { UsageError } from './usage-error.ts'

/** Runs a command with the arguments of a process, and gives its exit code; docs/comb.md lists them. */
export async function runCommand(
  argv: readonly string[],
  run: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const interrupts = listenForInterrupts()
  try {
    // Node has put U+FFFD in the place of what it could not decode: two names could become one.
    if (argv.some((argument) => argument.includes('\ufffd')))
      throw new UsageError('an argument is no UTF-8, or has U+FFFD in it')
    await run(interrupts.signal)
    return 0
  } catch (error) {
    return reportError(error)
  } finally {
    interrupts.stop()
  }
}
