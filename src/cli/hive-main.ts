import { setFlagsFromString } from 'node:v8'
import { listenForErrors } from './print-line.ts'
import { readVersion } from './read-version.ts'
import { runCommand } from './run-command.ts'
import { writeOut } from './stdio.ts'

/** Runs every command of `comb` but rdiff with the arguments of a process, and gives its exit code. */
export function run(argv: readonly string[]): Promise<number> {
  limitYoungMemory()
  silenceSqliteWarning()
  listenForErrors()
  return runCommand(argv, async (signal) => {
    const [, , option, ...rest] = argv
    if ((option === '-V' || option === '--version') && rest.length === 0) return writeOut(`${readVersion()}\n`)
    const { runProgram } = await import('./program.ts')
    return runProgram(argv, { signal })
  })
}

/**
 * Buffers die young here, but V8 lets the generation of the young grow, and with it what waits to be collected: a server
 * that had moved 6 GiB held 260 MB, and holds 160 MB with one that does not grow, at the same speed.
 */
function limitYoungMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * Node 22 announces node:sqlite as experimental, on stderr, where it would stand between our lines. The warning is made
 * when the module is loaded.
 */
function silenceSqliteWarning(): void {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
    if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
  }
}
