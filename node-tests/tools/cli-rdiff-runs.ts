import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { comb, COMB_MAIN, temporaryDirectory } from '../support/comb.ts'

/** The sizes that librsync's own tests use for -I and -O. */
export const BUFFER_SIZES = [0, 1, 2, 3, 7, 15, 100, 10_000, 200_000]

/** Number of processes that run at the same time. */
const PARALLEL = 4

/** The command lines of the two programs. */
const COMMANDS = {
  rdiff: ['rdiff'],
  comb: [process.execPath, COMB_MAIN, 'rdiff'],
} as const

/** Contents of files by name. */
export type Files = Readonly<Record<string, Uint8Array | string>>

/** The files and the input of a run. */
export interface RunOptions {
  /** Files to create in the new directory. */
  readonly files?: Files
  /** Standard input, as a pipe. */
  readonly input?: Uint8Array
  /** Name of a file in the directory to use as standard input. */
  readonly inputFile?: string
  /** Called with the directory once its files exist. */
  readonly prepare?: (directory: string) => void
}

/** The result of a run. */
export interface Run {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
  /** What the directory contains after the run: the contents of files, `/` for directories. */
  readonly files: Readonly<Record<string, Buffer | '/'>>
}

/** Runs rdiff, or `comb rdiff`, in a new directory. */
export async function runIn(
  command: keyof typeof COMMANDS,
  args: readonly string[],
  options: RunOptions,
): Promise<Run> {
  const { files = {}, input = new Uint8Array(0), inputFile, prepare } = options
  const cwd = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content)
  prepare?.(cwd)
  const shell = inputFile === undefined ? 'exec "$@"' : `exec "$@" <${inputFile}`
  const started = await comb(args, { cwd, input, command: ['sh', '-c', shell, 'sh', ...COMMANDS[command]] })
  const { code, stdout, stderr } = started
  return { code, stdout, stderr, files: contents(cwd) }
}

/** Runs both commands with the same arguments, each in a new directory. */
export async function runBoth(args: readonly string[], options: RunOptions): Promise<{ theirs: Run; ours: Run }> {
  const [theirs, ours] = await Promise.all([runIn('rdiff', args, options), runIn('comb', args, options)])
  return { theirs, ours }
}

/** Runs the checks, several at a time. */
export async function inParallel<T>(cases: Iterable<T>, check: (each: T) => Promise<void>): Promise<void> {
  const queue = [...cases].values()
  const work = async (): Promise<void> => {
    for (const each of queue) await check(each)
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
}

/** Creates an empty directory. */
export function makeDirectory(parent: string, name: string): void {
  mkdirSync(join(parent, name))
}

function contents(directory: string): Record<string, Buffer | '/'> {
  const names = readdirSync(directory).sort()
  return Object.fromEntries(
    names.map((name) => {
      const path = join(directory, name)
      return [name, statSync(path).isDirectory() ? '/' : readFileSync(path)] as const
    }),
  )
}
