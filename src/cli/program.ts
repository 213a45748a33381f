import { Command } from 'commander'
import { addCheckCommand } from './check.ts'
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

/** Runs a command of `comb` with the arguments of a process. Throws if they are invalid. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<void> {
  let help = ''
  const program = createProgram(context, (text) => (help += text))
  try {
    await program.parseAsync(argv)
  } finally {
    // commander itself would not notice that the reader has closed the output.
    if (help !== '') await writeOut(help)
  }
}

function createProgram(context: CommandContext, printHelp: (text: string) => void): Command {
  const program = new Command('comb')
    .description('Stores large byte streams in a hive: a local directory, or a server run by `comb serve`.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      '\nA HIVE is a directory or an http(s) URL. In its place, --metadata and --blocks name a database and an object store.\nDocumentation of every command: comb COMMAND --help.',
    )
    // Options after a command belong to the command: -V of rdiff is not ours.
    .enablePositionalOptions()
    // Errors are thrown; one place turns them into a line and an exit code.
    .exitOverride()
    .configureOutput({ outputError: () => undefined, writeOut: printHelp })
  addServeCommand(program, context)
  addPutCommand(program, context)
  addGetCommand(program, context)
  addLsCommand(program, context)
  addStatCommand(program, context)
  addRmCommand(program, context)
  addGcCommand(program, context)
  addCheckCommand(program, context)
  addRdiffCommand(program)
  return program
}
