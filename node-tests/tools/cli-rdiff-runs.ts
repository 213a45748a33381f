import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { comb, COMB_MAIN, temporaryDirectory } from '../support/comb.ts'

/** The sizes that librsync's own tests give to -I and -O. */
export const BUFFER_SIZES = [0, 1, 2, 3, 7, 15, 100, 10_000, 200_000]

/** Processes that run at a time. */
const PARALLEL = 4

/** The two commands, as they are started. */
const COMMANDS = {
  rdiff: ['rdiff'],
  comb: [process.execPath, COMB_MAIN, 'rdiff'],
} as const

/** Files by their names. */
export type Files = Readonly<Record<string, Uint8Array | string>>

/** Where the arguments are used, and on what. */
export interface RunOptions {
  /** Files of the new directory. */
  readonly files?: Files
  /** What stands on standard input, from a pipe. */
  readonly input?: Uint8Array
  /** File of the directory that standard input is. */
  readonly inputFile?: string
  /** Called with the directory when its files are there. */
  readonly prepare?: (directory: string) => void
}

/** What a run did. */
export interface Run {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
  /** What is in the directory now: the content of files, `/` for other directories. */
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

/** Runs both with the same arguments, each in a new directory. */
export async function runBoth(args: readonly string[], options: RunOptions): Promise<{ theirs: Run; ours: Run }> {
  const [theirs, ours] = await Promise.all([runIn('rdiff', args, options), runIn('comb', args, options)])
  return { theirs, ours }
}

/** Runs checks, some at a time. */
export async function inParallel<T>(cases: Iterable<T>, check: (each: T) => Promise<void>): Promise<void> {
  const queue = [...cases].values()
  const work = async (): Promise<void> => {
    for (const each of queue) await check(each)
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
}

/** A directory to play with. */
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
