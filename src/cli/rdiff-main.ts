import { runRdiff } from './rdiff.ts'
import { runCommand } from './run-command.ts'

/** Runs `comb rdiff` with the arguments of a process, and returns its exit code. */
export function runRdiffCommand(argv: readonly string[]): Promise<number> {
  return runCommand(argv, (signal) => runRdiff(argv.slice(3), signal))
}
