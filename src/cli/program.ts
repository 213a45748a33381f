import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { CommandContext } from './command-context.ts'
import { addGetCommand } from './get.ts'
import { listenForInterrupts } from './interrupt.ts'
import { addLsCommand } from './ls.ts'
import { addPutCommand } from './put.ts'
import { addRdiffCommand } from './rdiff.ts'
import { reportError } from './report.ts'
import { addRmCommand } from './rm.ts'
import { addServeCommand } from './serve.ts'
import { addStatCommand } from './stat.ts'
import { writeOut } from './stdio.ts'
import { UsageError } from './usage-error.ts'

/** Runs `comb` with the arguments of a process, and gives its exit code; docs/comb.md lists them. */
export async function runComb(argv: readonly string[]): Promise<number> {
  const interrupts = listenForInterrupts()
  try {
    // Node has put U+FFFD in the place of what it could not decode: two names could become one.
    if (argv.some((argument) => argument.includes('\ufffd')))
      throw new UsageError('an argument is no UTF-8, or has U+FFFD in it')
    await run(argv, interrupts)
    return 0
  } catch (error) {
    return reportError(error)
  } finally {
    interrupts.stop()
  }
}

async function run(argv: readonly string[], context: CommandContext): Promise<void> {
  let help = ''
  const program = createProgram(context, argv, (text) => (help += text))
  try {
    await program.parseAsync(argv)
  } finally {
    // commander itself would not notice that nobody reads it.
    if (help !== '') await writeOut(help)
  }
}

function createProgram(context: CommandContext, argv: readonly string[], printHelp: (text: string) => void): Command {
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
  addRdiffCommand(program, context, argv)
  return program
}

/** The package stands two folders up, from the source and from what is built of it. */
function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
