import type { Command } from 'commander'
import type { CommandContext } from './command-context.ts'
import { printLine } from './print-line.ts'
import { parseRdiffArguments } from './rdiff-arguments.ts'
import { rdiffError } from './rdiff-error.ts'
import { RDIFF_HELP } from './rdiff-help.ts'
import { writeOut } from './stdio.ts'

/**
 * Adds `comb rdiff`. `argv` are the arguments of the process: commander keeps its hands off those of rdiff, which have a
 * grammar of their own.
 */
export function addRdiffCommand(program: Command, { signal }: CommandContext, argv: readonly string[]): void {
  program
    .command('rdiff')
    .description('Makes signatures and deltas of files and applies them, as rdiff does.')
    .argument('[arguments...]')
    .helpOption(false)
    .configureHelp({ formatHelp: () => RDIFF_HELP })
    .allowUnknownOption()
    .passThroughOptions()
    .action(async () => {
      try {
        await rdiff(argv.slice(argv.indexOf('rdiff', 2) + 1), program.version()!, signal)
      } catch (error) {
        throw rdiffError(error)
      }
    })
}

async function rdiff(args: readonly string[], version: string, signal: AbortSignal): Promise<void> {
  const request = parseRdiffArguments(args)
  if (request.kind === 'help') return writeOut(RDIFF_HELP)
  if (request.kind === 'version') return writeOut(`rdiff (as of librsync 2.3.2, by combstream ${version})\n`)
  const { files, options } = request
  if (options.verbose) printLine('there is no trace to show; -v has no effect')
  // No other command needs what the jobs are made of.
  const { RDIFF_JOBS } = await import('./rdiff-jobs.ts')
  const lines = await RDIFF_JOBS[request.kind](files, options, signal)
  if (options.statistics) process.stderr.write(lines.join(''))
}
