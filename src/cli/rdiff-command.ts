import type { Command } from 'commander'
import { RDIFF_HELP } from './rdiff-help.ts'

/** Adds `comb rdiff` to the commands that there is help for. It is run without them: its arguments have a grammar of their own. */
export function addRdiffCommand(program: Command): void {
  program
    .command('rdiff')
    .description('Makes signatures and deltas of files and applies them, as rdiff does.')
    .argument('[arguments...]')
    .helpOption(false)
    .configureHelp({ formatHelp: () => RDIFF_HELP })
}
