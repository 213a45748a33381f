import type { Command } from 'commander'
import { RDIFF_HELP } from './rdiff-help.ts'

/** Adds `comb rdiff` to the commands in the help. It is run without commander, because its arguments have their own grammar. */
export function addRdiffCommand(program: Command): void {
  program
    .command('rdiff')
    .description('Makes signatures and deltas of files and applies them, as rdiff does.')
    .argument('[arguments...]')
    .helpOption(false)
    .configureHelp({ formatHelp: () => RDIFF_HELP })
}
