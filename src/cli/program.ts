import { Command } from 'commander'
import type { CommandContext } from './command-context.ts'
import { addGcCommand } from './gc.ts'
import { addGetCommand } from './get.ts'
import { addLsCommand } from './ls.ts'
import { addPutCommand } from './put.ts'
import { addRdiffCommand } from './rdiff-command.ts'
import { readVersion } from './read-version.ts'
import { addRmCommand } from './rm.ts'
import { addServeCommand } from './serve.ts'
import { addStatCommand } from './stat.ts'
import { writeOut } from './stdio.ts'

/** Runs a command of `comb` with the arguments of a process; what is wrong with them is thrown. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<void> {
  let help = ''
  const program = createProgram(context, (text) => (help += text))
  try {
    await program.parseAsync(argv)
  } finally {
    // commander itself would not notice that nobody reads it.
    if (help !== '') await writeOut(help)
  }
}

function createProgram(context: CommandContext, printHelp: (text: string) => void): Command {
  const program = new Command('comb')
    .description('Keeps large byte streams in a hive: a directory here, or a server that `comb serve` runs.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      '\nA HIVE is a directory or an http(s) URL. Documentation of every command: comb COMMAND --help.',
    )
    // What follows a command is the command's: -V of rdiff is not ours.
    .enablePositionalOptions()
    // Errors are thrown, and become one line and an exit code in one place.
    .exitOverride()
    .configureOutput({ outputError: () => undefined, writeOut: printHelp })
  addServeCommand(program, context)
  addPutCommand(program, context)
  addGetCommand(program, context)
  addLsCommand(program, context)
  addStatCommand(program, context)
  addRmCommand(program, context)
  addGcCommand(program, context)
  addRdiffCommand(program)
  return program
}
